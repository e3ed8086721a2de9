import type { Request, RequestHandler, Response } from 'express';
import { ApiError } from '../errors.ts';
import { linger } from '../linger.ts';
import { accessFor, FULL_ACCESS, setAccess } from './access.ts';
import type { Authenticator } from './authenticator.ts';
import type { Authorizer } from './authorizer.ts';
import { ROUTE_RIGHTS } from './route-rights.ts';
import { RouteTable } from './route-table.ts';
import { bearerTokenOf, setUser } from './user.ts';

export interface GuardParts {
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly homeNamespace: string;
}

const REALM = 'Bearer realm="tiangong"';

/** Lets everybody do everything: where only those of this machine, or of a gateway in front, come. */
export const openGuard: RequestHandler = (_req, res, next) => {
  setAccess(res, FULL_ACCESS);
  next();
};

/**
 * Lets on who shows a token that the Kubernetes API knows, to routes whose rights it grants. What has no line in
 * ROUTE_RIGHTS goes no further: a new route is closed until somebody has decided who may use it.
 */
export function guard({ authenticator, authorizer, homeNamespace }: GuardParts): RequestHandler {
  const table = new RouteTable(ROUTE_RIGHTS);

  return async (req, res, next) => {
    try {
      await check(req, res);
    } catch (err) {
      linger(req);
      throw err;
    }
    next();
  };

  async function check(req: Request, res: Response): Promise<void> {
    const user = await authenticate(req, authenticator);
    setUser(res, user);
    const access = accessFor(user, authorizer);
    setAccess(res, access);
    const path = req.baseUrl + req.path;
    const route = find(req.method, path);
    if (route === undefined) throw notServed(path);
    for (const attributes of route.value({ params: route.params, homeNamespace })) await access.require(attributes);
  }

  function find(method: string, path: string): ReturnType<typeof table.find> {
    try {
      return table.find(method, path);
    } catch (err) {
      if (!(err instanceof URIError)) throw err;
      throw new ApiError('InvalidRequest', 'the path holds broken percent-encoding');
    }
  }

  function notServed(path: string): ApiError {
    const methods = table.methods(path);
    if (methods.length === 0) return new ApiError('RouteNotFound');
    return new ApiError('MethodNotAllowed', undefined, { headers: { Allow: methods.join(', ') } });
  }
}

async function authenticate(
  req: Request,
  authenticator: Authenticator,
): Promise<NonNullable<Awaited<ReturnType<Authenticator['authenticate']>>>> {
  const token = bearerTokenOf(req);
  if (token === undefined) throw new ApiError('Unauthorized', undefined, { headers: { 'WWW-Authenticate': REALM } });
  const user = await authenticator.authenticate(token);
  if (user === undefined)
    throw new ApiError('Unauthorized', 'the bearer token is not valid, or not any more', {
      headers: { 'WWW-Authenticate': `${REALM}, error="invalid_token"` },
    });
  return user;
}
