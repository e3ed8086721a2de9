import { Router } from 'express';
import type { Registry } from 'prom-client';
import { methodNotAllowed } from '../method-not-allowed.ts';

/** `GET /api/metrics` (manual, section 5). */
export function metricsRoutes(registry: Registry): Router {
  const router = Router();
  router
    .route('/')
    .get(async (_req, res) => void res.type(registry.contentType).send(await registry.metrics()))
    .all(methodNotAllowed('GET'));
  return router;
}
