import { Router } from 'express';
import type { Request, Response } from 'express';
import type { SyncSource } from '../../kube/types/syncsource.ts';
import { ApiError } from '../errors.ts';
import { methodNotAllowed } from '../method-not-allowed.ts';
import { sendJson } from '../send.ts';
import { readEditedSource, readNewSource } from './config-body.ts';
import { idOf } from './config-id.ts';
import { sourceFields } from './config-spec.ts';
import { toSourceView } from './config-view.ts';
import type { SourceView } from './config-view.ts';
import type { Configs } from './configs.ts';
import { addActions } from './endpoint-routes.ts';
import { hasFields } from './discovered-fields.ts';

/** Everything under `/api/configs/sources` (manual, section 2.1). */
export function sourceRoutes({ sources, fields }: Configs): Router {
  const router = Router();
  const idIn = (req: Request): string => String(req.params['id']);

  router
    .route('/')
    .get((_req, res) => sendJson(res, 200, sourceViews(sources.directory.list())))
    .all(methodNotAllowed('GET'));

  router
    .route('/:id')
    .get(async (req, res) => sendSource(res, 200, await require(idIn(req))))
    .post(async (req, res) => {
      const { config, discovered_fields } = readNewSource(req.body);
      const sent = { fields: sourceFields(config), login: config };
      const source = await sources.add(idIn(req), sent);
      if (discovered_fields !== undefined) await fields.save(source, discovered_fields);
      sendSource(res, 201, source);
    })
    .put(async (req, res) => {
      const { config, discovered_fields } = readEditedSource(req.body);
      const { before, after } = await sources.edit(idIn(req), { fields: sourceFields(config), login: config });
      const isAnother = before.spec.driver !== after.spec.driver || before.spec.uri !== after.spec.uri;
      if (discovered_fields !== undefined) await fields.save(after, discovered_fields);
      else if (isAnother) await fields.forget(after);
      sendSource(res, 200, after);
    })
    .delete(async (req, res) => {
      const source = await require(idIn(req));
      await sources.remove(idIn(req));
      await fields.remove(source);
      res.status(204).end();
    })
    .all(methodNotAllowed('GET, POST, PUT, DELETE'));

  addActions(router, sources, (source) => {
    if (!hasFields(source)) throw notDiscovered(idOf(source));
  });
  return router;

  async function require(id: string): Promise<SyncSource> {
    const source = await sources.directory.find(id);
    if (source === undefined) throw sources.directory.notFound(id);
    return source;
  }
}

export const sourceViews = (list: readonly SyncSource[]): Record<string, SourceView> =>
  Object.fromEntries(list.map((source) => [idOf(source), toSourceView(source)]));

function sendSource(res: Response, status: number, source: SyncSource): void {
  sendJson(res, status, { id: idOf(source), config: toSourceView(source) });
}

const notDiscovered = (id: string): ApiError =>
  new ApiError(
    'FieldsNotDiscovered',
    `Cannot enable source '${id}': Schema cache is not validated. Please discover its fields first, or send them as discovered_fields.`,
  );
