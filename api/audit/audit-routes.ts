import { Router } from 'express';
import type { Audit, AuditQuery } from '../../store/audit.ts';
import { methodNotAllowed } from '../method-not-allowed.ts';
import { sendJson } from '../send.ts';

const DEFAULT_LIMIT = 100;

/** Everything under `/api/v1/audit`. */
export function auditRoutes(audit: Audit): Router {
  const router = Router();
  router
    .route('/')
    .get(async (req, res) => {
      // As the validator leaves it.
      const { limit = DEFAULT_LIMIT, ...query } = req.query as Partial<AuditQuery>;
      const records = await audit.list({ ...query, limit });
      const { head, anchor } = audit;
      sendJson(res, 200, { records, head, anchor });
    })
    .all(methodNotAllowed('GET'));
  router
    .route('/verify')
    .get(async (_req, res) => {
      const { anchor } = audit;
      const { broken, ...found } = await audit.verify();
      sendJson(res, 200, { intact: broken === undefined, ...found, broken_seq: broken, anchor });
    })
    .all(methodNotAllowed('GET'));
  return router;
}
