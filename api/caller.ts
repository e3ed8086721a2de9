import { createHash } from 'node:crypto';
import type { Request } from 'express';
import { userOf as knownUserOf } from './auth/user.ts';

/** What a name of a user may be to be shown as it is. */
const PLAIN_NAME = /^[\x21-\x7e]{1,200}$/;

/** Whose idempotency keys the request's is one of: those of the user, or of the header of a gateway that tells callers apart. */
export function scopeOf(req: Request): string {
  const user = knownUserOf(req.res);
  if (user !== undefined) return `user:${createHash('sha256').update(user.name).digest('hex')}`;
  const { authorization } = req.headers;
  return authorization === undefined ? '' : createHash('sha256').update(authorization).digest('hex');
}

/**
 * Who sent the request, in a word that stays the same when a password or a token is renewed: the name of the user that the
 * Kubernetes API says it is. Where the API asks nobody who they are (`--auth none`), what a gateway in front has let through:
 * the user of basic authentication, the subject of a JSON web token, else the token itself by `digest`, which must not be
 * guessable. Undefined: the caller showed nothing.
 */
export function identityOf(req: Request, digest: (text: string) => string): string | undefined {
  const known = knownUserOf(req.res);
  if (known !== undefined) return known.name;
  const { authorization } = req.headers;
  if (authorization === undefined || authorization.trim() === '') return undefined;
  const user = userIn(authorization);
  return user !== undefined && PLAIN_NAME.test(user)
    ? `user:${user}`
    : `token:${digest(user === undefined ? authorization : `user:${user}`).slice(0, 16)}`;
}

function userIn(authorization: string): string | undefined {
  const [, scheme = '', value = ''] = /^(\S+) +(\S+)\s*$/.exec(authorization) ?? [];
  if (scheme.toLowerCase() === 'basic') return /^([^:]+):/.exec(Buffer.from(value, 'base64').toString())?.[1];
  if (scheme.toLowerCase() !== 'bearer') return undefined;
  const [, payload, signature] = value.split('.');
  if (payload === undefined || signature === undefined) return undefined;
  try {
    const { sub } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sub?: unknown };
    return typeof sub === 'string' && sub !== '' ? sub : undefined;
  } catch {
    return undefined;
  }
}
