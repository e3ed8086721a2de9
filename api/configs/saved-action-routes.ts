import { Router } from 'express';
import type { Request, RequestHandler, Response } from 'express';
import type { DriverLogin } from '../drivers/driver-action-call.ts';
import { methodNotAllowed } from '../method-not-allowed.ts';
import { requestSignal } from '../request-signal.ts';
import { sendJson } from '../send.ts';
import { object, optional, text } from './body-check.ts';
import { checked } from './config-body.ts';
import type { Configs } from './configs.ts';
import type { ActionOptions, SavedActions } from './saved-actions.ts';

export interface SavedActionRoutesParts {
  readonly configs: Configs;
  readonly actions: SavedActions;
  /** Who sent a request, where callers have identities. */
  readonly identityOf: (req: Request) => string | undefined;
  /** Ends waiting when the server shuts down. */
  readonly stopping: AbortSignal;
}

const mappingBody = object({ source_id: text, pusher_id: text });
const login = object({ user: optional(text), passwd: optional(text), key: optional(text) });
const discoveryBody = object({
  admin_user: optional(text),
  admin_password: optional(text),
  // As the original's console sends it.
  admin_creds: optional(login),
});

/**
 * Actions with saved configurations, relative to `/api/configs` and, where the original has them too, to `/api/drivers`
 * (manual, section 2; facts §1.1). `?agent_id=` chooses the agent that runs them.
 */
export function savedActionRoutes(parts: SavedActionRoutesParts, under: 'configs' | 'drivers'): Router {
  const { configs, actions } = parts;
  const router = Router();
  const idIn = (req: Request): string => String(req.params['id']);
  const get = (path: string, handler: RequestHandler): void =>
    void router.route(path).get(handler).all(methodNotAllowed('GET'));
  const post = (path: string, handler: RequestHandler): void =>
    void router.route(path).post(handler).all(methodNotAllowed('POST'));
  const optionsOf = (req: Request, res: Response): ActionOptions => {
    const { agent_id: agentId } = req.query;
    return {
      agentId: typeof agentId === 'string' && agentId !== '' ? agentId : undefined,
      createdBy: parts.identityOf(req),
      signal: requestSignal(res, parts.stopping).signal,
    };
  };

  get('/sources/:id/_actions/get_available_fields', async (req, res) => {
    const source = await configs.sources.directory.requireFresh(idIn(req));
    sendJson(res, 200, (await configs.fields.read(source)) ?? { properties: {} });
  });
  get('/pushers/:id/_actions/get_needed_fields', async (req, res) => {
    sendJson(res, 200, await actions.neededFields(idIn(req), optionsOf(req, res)));
  });
  post('/sources/:id/_actions/discover_and_cache_fields', async (req, res) => {
    const { admin_user, admin_password, admin_creds } = checked(discoveryBody, req.body ?? {});
    const named: DriverLogin | undefined =
      admin_user === undefined ? undefined : { user: admin_user, passwd: admin_password };
    await actions.discoverFields(idIn(req), admin_creds ?? named, optionsOf(req, res));
    sendJson(res, 200, { message: 'Fields discovered and cached successfully.' });
  });
  if (under === 'drivers') return router;

  for (const action of ['test_connection', 'check_privileges'])
    post(`/pushers/:id/_actions/${action}`, async (req, res) => {
      const { success, message, taskId } = await actions.runPusher(idIn(req), action, optionsOf(req, res));
      sendJson(res, 200, { success, message, task_id: taskId });
    });
  post('/syncs/_actions/load_fields_for_mapping', async (req, res) => {
    const { source_id, pusher_id } = checked(mappingBody, req.body);
    sendJson(res, 200, await actions.mappingFields(source_id, pusher_id, optionsOf(req, res)));
  });
  return router;
}
