import express from 'express';
import type { Express, RequestHandler, Router } from 'express';
import { middleware as validate } from 'express-openapi-validator';
import type { Logger } from 'pino';
import { answerErrors } from './error-handler.ts';
import { ApiError } from './errors.ts';
import type { OpenApiDocument } from './openapi.ts';
import { readJson } from './read-json.ts';

export interface AppParts {
  readonly contract: OpenApiDocument;
  readonly logger: Logger;
  /** Run before anything else. */
  readonly first: readonly RequestHandler[];
  readonly service: Router;
  /** Asks who sends a request to `/api/v1`, and whether they may. */
  readonly guard: RequestHandler;
  readonly internal: Router;
  readonly tasks: Router;
  readonly agents: Router;
  readonly audit: Router;
  /** `POST /api/v1/files`: reads its body itself. */
  readonly uploads: Router;
  readonly files: Router;
  /** The second manual's part of `/api`; answers its own errors, and passes on what is not its own. */
  readonly syncs: Router;
  /** Checks answers too, which costs time: for tests. */
  readonly validateResponses: boolean;
}

const MAX_BODY_BYTES = 1024 * 1024;

/** Puts the middleware and the routes together. */
export function createApp(parts: AppParts): Express {
  const app = express();
  app.disable('x-powered-by').disable('etag').set('query parser', 'simple');
  for (const handler of parts.first) app.use(handler);
  app.use(parts.service);
  app.use('/internal', parts.internal);
  app.use('/api/v1', parts.guard);
  app.use('/api/v1/files', parts.uploads);
  app.use('/api/v1', readJson(MAX_BODY_BYTES));
  for (const section of ['tasks', 'agents', 'audit', 'files'] as const) {
    const path = `/api/v1/${section}`;
    app.use(path, checkRequests(parts, path), parts[section]);
  }
  app.use('/api', parts.syncs);
  app.use((_req, _res, next) => next(new ApiError('RouteNotFound')));
  app.use(answerErrors(parts.logger));
  return app;
}

/**
 * Checks what is asked below the path. Its checks are compiled once, but for each request it compiles the patterns of all
 * routes that it knows up to the one asked for: so it is given no others. What has no contract is left to the routes, for
 * 404 and 405.
 */
function checkRequests({ contract, validateResponses }: AppParts, path: string): RequestHandler[] {
  const below = Object.entries(contract.paths).filter(([route]) => route === path || route.startsWith(`${path}/`));
  return validate({
    ...CONTRACT_OPTIONS,
    apiSpec: { ...contract, paths: Object.fromEntries(below) } as never,
    // As the manual's server does with what it does not know.
    validateRequests: { allowUnknownQueryParameters: true },
    validateResponses,
  });
}

/** Checks answers alone: for tests of routes that check requests themselves. */
export function checkAnswers(contract: OpenApiDocument): RequestHandler[] {
  return validate({
    ...CONTRACT_OPTIONS,
    apiSpec: contract as never,
    validateRequests: false,
    validateResponses: true,
  });
}

const CONTRACT_OPTIONS = { validateSecurity: false, ignoreUndocumented: true, fileUploader: false } as const;
