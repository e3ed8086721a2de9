import { Router } from 'express';
import type { Request, Response } from 'express';
import type { SyncTask } from '../../kube/types/synctask.ts';
import { ApiError } from '../errors.ts';
import { methodNotAllowed } from '../method-not-allowed.ts';
import { sendJson } from '../send.ts';
import { readSync } from './config-body.ts';
import { idOf } from './config-id.ts';
import type { SyncView } from './config-view.ts';
import type { Configs } from './configs.ts';
import type { SyncConfigs } from './sync-configs.ts';
import { syncWizard } from './sync-wizard.ts';

/** The last part of a path that means something else than a sync's id. */
const WIZARD = 'wizard';

/** Everything under `/api/configs/syncs` (manual, section 2.3). */
export function syncConfigRoutes(configs: Configs): Router {
  const { syncs } = configs;
  const router = Router();
  const idIn = (req: Request): string => String(req.params['id']);
  const send = (res: Response, status: number, sync: SyncTask): void =>
    sendJson(res, status, { id: idOf(sync), config: syncs.view(sync) });

  router
    .route('/')
    .get((_req, res) => sendJson(res, 200, syncViews(syncs)))
    .all(methodNotAllowed('GET'));

  router
    .route(`/${WIZARD}`)
    .get((_req, res) => sendJson(res, 200, syncWizard(configs)))
    .all((_req, _res, next) => next(new ApiError('InvalidConfig', `'${WIZARD}' can be no id of a sync config`)));

  router
    .route('/:id')
    .get(async (req, res) => {
      const sync = await syncs.directory.find(idIn(req));
      if (sync === undefined) throw syncs.directory.notFound(idIn(req));
      send(res, 200, sync);
    })
    .post(async (req, res) => send(res, 201, await syncs.add(idIn(req), readSync(req.body))))
    .put(async (req, res) => send(res, 200, await syncs.edit(idIn(req), readSync(req.body))))
    .delete(async (req, res) => {
      await syncs.remove(idIn(req));
      res.status(204).end();
    })
    .all(methodNotAllowed('GET, POST, PUT, DELETE'));

  router
    .route('/:id/_actions/enable')
    .post(async (req, res) => {
      await syncs.enable(idIn(req));
      sendJson(res, 200, { message: `Sync config '${idIn(req)}' enabled successfully.` });
    })
    .all(methodNotAllowed('POST'));

  router
    .route('/:id/_actions/disable')
    .post(async (req, res) => {
      await syncs.disable(idIn(req));
      res.status(204).end();
    })
    .all(methodNotAllowed('POST'));
  return router;
}

export const syncViews = (syncs: SyncConfigs): Record<string, SyncView> =>
  Object.fromEntries(syncs.directory.list().map((sync) => [idOf(sync), syncs.view(sync)]));
