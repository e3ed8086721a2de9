import { Router } from 'express';
import type { Request } from 'express';
import type { Files } from '../../store/files.ts';
import { methodNotAllowed } from '../method-not-allowed.ts';
import { sendJson } from '../send.ts';
import type { DistributeBody, FileDistributor } from './distribute-file.ts';
import type { FileUses } from './file-uses.ts';
import { toFileView } from './file-view.ts';
import { sendFile } from './send-file.ts';
import type { UploadHandler } from './upload-handler.ts';

export interface FileRoutesParts {
  readonly files: Files;
  readonly uses: FileUses;
  readonly distributor: FileDistributor;
}

const MAX_FILES = 1000;

/** Query of `GET /files` as the validator leaves it. */
interface ListQuery {
  limit?: number;
  offset?: number;
}

/** `POST /api/v1/files`, which comes before anything that reads bodies. */
export function uploadRoutes(upload: UploadHandler): Router {
  const router = Router();
  router.route('/').post((req, res) => upload.handle(req, res));
  return router;
}

/** Everything else under `/api/v1/files`. */
export function fileRoutes({ files, uses, distributor }: FileRoutesParts): Router {
  const router = Router();
  const idOf = (req: Request): string => String(req.params['id']);

  router
    .route('/')
    .get(async (req, res) => {
      const { limit = 50, offset = 0 } = req.query as ListQuery;
      const { total, records } = await files.list({ limit: Math.min(limit, MAX_FILES), offset });
      res.setHeader('X-Total-Count', String(total));
      sendJson(res, 200, records.map(toFileView));
    })
    .all(methodNotAllowed('GET, POST'));

  router
    .route('/:id')
    .get(async (req, res) => sendJson(res, 200, toFileView(await uses.get(idOf(req)))))
    .delete(async (req, res) => {
      await uses.delete(idOf(req));
      sendJson(res, 200, { message: 'file deleted' });
    })
    .all(methodNotAllowed('GET, DELETE'));

  router
    .route('/:id/download')
    .get(async (req, res) => {
      const record = await uses.get(idOf(req));
      // Sets a Content-Type by the name too, which is not what was said at the upload.
      res.attachment(record.name);
      res.setHeader('Content-Type', record.contentType);
      res.setHeader('X-Content-Type-Options', 'nosniff');
      // Whoever uploads a page must not have it run as one of ours.
      res.setHeader('Content-Security-Policy', "default-src 'none'; sandbox");
      await sendFile(req, res, files, record);
    })
    .all(methodNotAllowed('GET'));

  router
    .route('/:id/distribute')
    .post(async (req, res) => sendJson(res, 200, await distributor.distribute(idOf(req), req.body as DistributeBody)))
    .all(methodNotAllowed('POST'));
  return router;
}
