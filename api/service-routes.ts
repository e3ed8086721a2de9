import { Router } from 'express';
import type { RequestHandler } from 'express';
import type { Registry } from 'prom-client';
import { renderDocs } from './docs-page.ts';
import { ApiError } from './errors.ts';
import { methodNotAllowed } from './method-not-allowed.ts';
import type { OpenApiDocument } from './openapi.ts';
import { sendJson } from './send.ts';

export interface ServiceRoutesParts {
  /** Asks who wants to read metrics, and whether they may. */
  readonly guard: RequestHandler;
  readonly contract: OpenApiDocument;
  readonly registry: Registry;
  readonly isReady: () => boolean;
  readonly stopping: AbortSignal;
}

/** What is asked about the server itself. */
export function serviceRoutes({ guard, contract, registry, isReady, stopping }: ServiceRoutesParts): Router {
  const router = Router();
  const docs = renderDocs(contract);
  const json = JSON.stringify(contract);
  router
    .route('/healthz')
    .get((_req, res) => sendJson(res, 200, { status: 'ok' }))
    .all(methodNotAllowed('GET'));
  router
    .route('/readyz')
    .get((_req, res) => {
      if (stopping.aborted) throw new ApiError('ShuttingDown');
      if (!isReady()) throw new ApiError('NotReady', undefined, { headers: { 'Retry-After': '1' } });
      sendJson(res, 200, { status: 'ok' });
    })
    .all(methodNotAllowed('GET'));
  router
    .route('/metrics')
    .get(guard, async (_req, res) => void res.type(registry.contentType).send(await registry.metrics()))
    .all(methodNotAllowed('GET'));
  router
    .route('/openapi.json')
    .get((_req, res) => void res.type('json').send(json))
    .all(methodNotAllowed('GET'));
  router
    .route('/docs')
    .get((_req, res) => void res.type('html').send(docs))
    .all(methodNotAllowed('GET'));
  return router;
}
