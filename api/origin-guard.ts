import type { Request, RequestHandler, Response } from 'express';
import { ApiError } from './errors.ts';
import { isLoopback, isLoopbackName } from './loopback.ts';
import type { ApiSettings } from './settings.ts';

const EXPOSED_HEADERS =
  'Location, X-Total-Count, Idempotent-Replayed, Retry-After, Content-Disposition, Content-Range, ETag, X-Content-SHA256, X-Request-Id';

/**
 * Decides which web pages may use the API. It has no login, so without this any page that the user looks at could have
 * commands run: by a request of its own, or by a name of its own that resolves to 127.0.0.1. Programs send no Origin.
 */
export function guardOrigins({
  host,
  corsOrigins,
  allowedHosts,
}: Pick<ApiSettings, 'host' | 'corsOrigins' | 'allowedHosts'>): RequestHandler {
  const anyOrigin = corsOrigins.includes('*');
  const onLoopback = isLoopback(host);
  const isAllowedHost = (name: string): boolean => isLoopbackName(name) || allowedHosts.includes(name);

  return (req, res, next) => {
    const hostName = nameOf(req.headers.host ?? '');
    if (onLoopback && !isAllowedHost(hostName))
      throw new ApiError('OriginNotAllowed', 'the server listens on loopback and is not known under this host name');
    const { origin } = req.headers;
    if (origin === undefined) {
      next();
      return;
    }
    const listed = anyOrigin || corsOrigins.includes(origin);
    if (listed) allow(req, res, anyOrigin ? '*' : origin);
    // Pages of this machine are its user's own, such as a console under development.
    const trusted = listed || isSameHost(origin, req.headers.host) || (onLoopback && isLoopbackName(hostOf(origin)));
    if (listed && req.method === 'OPTIONS') return void res.status(204).end();
    if (!trusted && req.method !== 'GET' && req.method !== 'HEAD') throw new ApiError('OriginNotAllowed');
    next();
  };
}

function allow(req: Request, res: Response, origin: string): void {
  res.setHeader('Access-Control-Allow-Origin', origin);
  res.setHeader('Access-Control-Expose-Headers', EXPOSED_HEADERS);
  if (origin !== '*') res.vary('Origin');
  if (req.method !== 'OPTIONS') return;
  res.setHeader('Access-Control-Allow-Methods', 'GET, POST, PUT, DELETE, OPTIONS');
  res.setHeader('Access-Control-Allow-Headers', 'Authorization, Content-Type, Idempotency-Key, Last-Event-ID, Range');
  res.setHeader('Access-Control-Max-Age', '600');
}

const nameOf = (host: string): string => host.replace(/:\d*$/, '');

function hostOf(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).hostname : '';
}

function isSameHost(origin: string, host: string | undefined): boolean {
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
}
