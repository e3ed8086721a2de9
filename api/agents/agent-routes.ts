import { Router } from 'express';
import type { Request } from 'express';
import type { Agent } from '../../kube/types/agent.ts';
import { ApiError } from '../errors.ts';
import { methodNotAllowed } from '../method-not-allowed.ts';
import { sendJson } from '../send.ts';
import { isOnline } from './agent-directory.ts';
import type { AgentDirectory } from './agent-directory.ts';
import { toAgentView } from './agent-view.ts';
import type { AgentView } from './agent-view.ts';

/** Everything under `/api/v1/agents`. */
export function agentRoutes(directory: AgentDirectory): Router {
  const router = Router();
  const nameOf = (req: Request): string => String(req.params['id']);
  const view = async (agent: Agent): Promise<AgentView> =>
    toAgentView(agent, (await directory.lastSeen()).get(agent.metadata.name));

  router
    .route('/')
    .get(async (_req, res) => {
      if (!directory.hasSynced) throw new ApiError('NotReady', undefined, { headers: { 'Retry-After': '1' } });
      sendJson(res, 200, await Promise.all(directory.list().map(view)));
    })
    .all(methodNotAllowed('GET'));

  router
    .route('/:id')
    .get(async (req, res) => {
      const agent = await directory.get(nameOf(req));
      if (agent === undefined) throw new ApiError('AgentNotFound');
      sendJson(res, 200, await view(agent));
    })
    .put(async (req, res) => {
      const { tags } = req.body as { tags: string[] };
      sendJson(res, 200, await view(await directory.setTags(nameOf(req), tags)));
    })
    .delete(async (req, res) => {
      await directory.delete(nameOf(req));
      sendJson(res, 200, { message: 'agent deleted' });
    })
    .all(methodNotAllowed('GET, PUT, DELETE'));

  router
    .route('/:id/status')
    .get(async (req, res) => {
      const agent = await directory.get(nameOf(req));
      sendJson(res, 200, { status: agent !== undefined && isOnline(agent) ? 'online' : 'offline' });
    })
    .all(methodNotAllowed('GET'));
  return router;
}
