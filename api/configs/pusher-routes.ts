import { Router } from 'express';
import type { Request, Response } from 'express';
import type { SyncPusher } from '../../kube/types/syncpusher.ts';
import { methodNotAllowed } from '../method-not-allowed.ts';
import { sendJson } from '../send.ts';
import { readEditedPusher, readNewPusher } from './config-body.ts';
import { idOf } from './config-id.ts';
import { pusherFields } from './config-spec.ts';
import { toPusherView } from './config-view.ts';
import type { PusherView } from './config-view.ts';
import type { Configs } from './configs.ts';
import { addActions } from './endpoint-routes.ts';

/** Everything under `/api/configs/pushers` (manual, section 2.2). */
export function pusherRoutes({ pushers }: Configs): Router {
  const router = Router();
  const idIn = (req: Request): string => String(req.params['id']);

  router
    .route('/')
    .get((_req, res) => sendJson(res, 200, pusherViews(pushers.directory.list())))
    .all(methodNotAllowed('GET'));

  router
    .route('/:id')
    .get(async (req, res) => {
      const pusher = await pushers.directory.find(idIn(req));
      if (pusher === undefined) throw pushers.directory.notFound(idIn(req));
      sendPusher(res, 200, pusher);
    })
    .post(async (req, res) => {
      const config = readNewPusher(req.body);
      sendPusher(res, 201, await pushers.add(idIn(req), { fields: pusherFields(config), login: config }));
    })
    .put(async (req, res) => {
      const config = readEditedPusher(req.body);
      const { after } = await pushers.edit(idIn(req), { fields: pusherFields(config), login: config });
      sendPusher(res, 200, after);
    })
    .delete(async (req, res) => {
      await pushers.remove(idIn(req));
      res.status(204).end();
    })
    .all(methodNotAllowed('GET, POST, PUT, DELETE'));

  addActions(router, pushers);
  return router;
}

export const pusherViews = (list: readonly SyncPusher[]): Record<string, PusherView> =>
  Object.fromEntries(list.map((pusher) => [idOf(pusher), toPusherView(pusher)]));

function sendPusher(res: Response, status: number, pusher: SyncPusher): void {
  sendJson(res, status, { id: idOf(pusher), config: toPusherView(pusher) });
}
