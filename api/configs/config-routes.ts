import { Router } from 'express';
import { methodNotAllowed } from '../method-not-allowed.ts';
import { sendJson } from '../send.ts';
import type { Configs } from './configs.ts';
import { pusherRoutes, pusherViews } from './pusher-routes.ts';
import { sourceRoutes, sourceViews } from './source-routes.ts';
import { syncConfigRoutes, syncViews } from './sync-routes.ts';

/** Everything under `/api/configs` (manual, section 2). */
export function configRoutes(configs: Configs): Router {
  const router = Router();
  router
    .route('/')
    .get((_req, res) =>
      sendJson(res, 200, {
        sources: sourceViews(configs.sources.directory.list()),
        pushers: pusherViews(configs.pushers.directory.list()),
        syncs: syncViews(configs.syncs),
      }),
    )
    .all(methodNotAllowed('GET'));
  router.use('/sources', sourceRoutes(configs));
  router.use('/pushers', pusherRoutes(configs));
  router.use('/syncs', syncConfigRoutes(configs));
  return router;
}
