import type { RequestHandler } from 'express';
import { ApiError } from './errors.ts';

/** Answers methods that a route does not have. Comes last on the route. */
export function methodNotAllowed(allow: string): RequestHandler {
  return (_req, _res, next) => next(new ApiError('MethodNotAllowed', undefined, { headers: { Allow: allow } }));
}
