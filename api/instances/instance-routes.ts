import { Router } from 'express';
import type { Request, RequestHandler } from 'express';
import { methodNotAllowed } from '../method-not-allowed.ts';
import { sendJson } from '../send.ts';
import { isUnknown } from './instances.ts';
import type { Instances } from './instances.ts';

/** Everything under `/api/instances` (manual, section 1). */
export function instanceRoutes(instances: Instances): Router {
  const router = Router();
  const idIn = (req: Request): string => String(req.params['id']);

  const read = (path: string, view: () => unknown): void => {
    router
      .route(path)
      .get((_req, res) => sendJson(res, 200, view()))
      .all(methodNotAllowed('GET'));
  };
  read('/status', () => instances.status());
  read('/buses', () => instances.buses());
  read('/syncs', () => instances.syncs());

  const act = (path: string, handler: RequestHandler): void => {
    router.route(path).post(handler).all(methodNotAllowed('POST'));
  };
  act('/syncs/:id/_actions/start', async (req, res) => {
    await instances.start(idIn(req));
    sendJson(res, 202, { message: `Sync instance ${idIn(req)} start initiated.` });
  });
  act('/syncs/:id/_actions/stop', async (req, res) => {
    // As in the original, what does not run is stopped already.
    await instances.stop(idIn(req)).catch((err: unknown) => {
      if (!isUnknown(err)) throw err;
    });
    sendJson(res, 202, { message: `Sync instance ${idIn(req)} stop initiated.` });
  });
  const apply: RequestHandler = async (_req, res) => {
    const count = await instances.applyChanges();
    sendJson(res, 202, { message: `Initiated restart for ${count} outdated sync tasks.` });
  };
  act('/_actions/apply_changes', apply);
  // What the original's console calls it.
  act('/_actions/apply_all_pending_changes', apply);
  return router;
}
