import { Router } from 'express';
import type { ErrorRequestHandler, RequestHandler } from 'express';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { SyncLogs } from '../store/sync-logs.ts';
import { validationFailed } from './configs/config-body.ts';
import { configRoutes } from './configs/config-routes.ts';
import type { Configs } from './configs/configs.ts';
import { savedActionRoutes } from './configs/saved-action-routes.ts';
import type { SavedActions } from './configs/saved-actions.ts';
import { driverRoutes } from './drivers/driver-routes.ts';
import type { DriverRoutesParts } from './drivers/driver-routes.ts';
import { answerErrors } from './error-handler.ts';
import { ApiError } from './errors.ts';
import { instanceRoutes } from './instances/instance-routes.ts';
import type { Instances } from './instances/instances.ts';
import { logCalls } from './logs/call-log.ts';
import { logRoutes } from './logs/log-routes.ts';
import { metricsRoutes } from './metrics/metrics-routes.ts';
import { readJson } from './read-json.ts';

export interface SyncRoutesParts {
  /** Asks who sends a request, and whether they may. */
  readonly guard: RequestHandler;
  readonly configs: Configs;
  readonly saved: SavedActions;
  readonly instances: Instances;
  readonly drivers: DriverRoutesParts;
  readonly logs: SyncLogs;
  /** What `/api/metrics` shows; the same is at `/metrics`. */
  readonly registry: Registry;
  /** Run before the routes: they check answers, in tests. */
  readonly checks: readonly RequestHandler[];
  readonly logger: Logger;
}

/** Fields of whole databases come with their source. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

/**
 * The second manual's part of `/api` (Fustor Agent API). It has errors of its own shape, `{"detail": …}`, and checks bodies
 * itself: its clients know FastAPI's answers (docs/adr/0028).
 */
export function syncRoutes(parts: SyncRoutesParts): Router {
  const router = Router();
  const saved = { ...parts.drivers, configs: parts.configs, actions: parts.saved };
  const routes: Readonly<Record<string, Router>> = {
    '/configs': savedActionRoutes(saved, 'configs').use(configRoutes(parts.configs)),
    '/instances': instanceRoutes(parts.instances),
    // Both routers have /sources/{word}/_actions/…; the actions themselves differ.
    '/drivers': savedActionRoutes(saved, 'drivers').use(driverRoutes(parts.drivers)),
    '/logs': logRoutes(parts.logs),
    '/metrics': metricsRoutes(parts.registry),
  };
  const record = logCalls(parts.logs, parts.logger);
  for (const [path, handler] of Object.entries(routes))
    router.use(
      path,
      parts.guard,
      record,
      readJson(MAX_BODY_BYTES),
      ...parts.checks,
      handler,
      routeNotFound,
      explainJson,
      answerErrors(parts.logger, toDetail),
    );
  return router;
}

const routeNotFound: RequestHandler = (_req, _res, next) => next(new ApiError('RouteNotFound'));

/** Without the parser's own words, which quote the body. */
const explainJson: ErrorRequestHandler = (err: unknown, _req, _res, next) => {
  const faulty = (err as { type?: unknown } | null)?.type === 'entity.parse.failed';
  const ctx = { error: 'the body is not valid JSON' };
  next(
    faulty
      ? validationFailed([{ type: 'json_invalid', loc: ['body', 0], msg: 'JSON decode error', input: {}, ctx }])
      : err,
  );
};

/** The words of FastAPI, which clients of the original know. */
const TEXTS: Readonly<Record<string, string>> = { RouteNotFound: 'Not Found', MethodNotAllowed: 'Method Not Allowed' };

function toDetail({ code, message, details }: ApiError): object {
  return { detail: TEXTS[code] ?? message, code, ...details };
}
