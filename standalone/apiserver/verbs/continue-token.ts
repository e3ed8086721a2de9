import { JsonSyntaxError, parseJson } from '../http/go-json.ts';
import { badRequest } from '../status-error.ts';
import type { StatusError } from '../status-error.ts';

/**
 * Where a paged list goes on: the revision that it is of (-1: whatever is newest then) and the first key of the next
 * page, without the collection's prefix. The same form as the real server's.
 */
export function encodeContinue(revision: number, start: string): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start })).toString('base64url');
}

/** Throws 400 in the real server's words (apiserver/pkg/storage/continue.go). */
export function decodeContinue(token: string): { revision: number; start: string } {
  const { v, rv, start } = decodeJson(token);
  if (v !== 'meta.k8s.io/v1')
    throw refuse(`server does not recognize this encoded version ${typeof v === 'string' ? v : ''}`);
  if (typeof rv !== 'number' || rv === 0 || !Number.isSafeInteger(rv))
    throw refuse('incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  if (typeof start !== 'string' || start === '') throw refuse('encoded start key empty (version meta.k8s.io/v1)');
  // A key that climbs out of the collection would read other kinds.
  const segments = start.replace(/^\//, '').split('/');
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..')) throw refuse(start);
  return { revision: rv, start };
}

function decodeJson(token: string): { v?: unknown; rv?: unknown; start?: unknown } {
  const illegal = token.search(/[^A-Za-z0-9_-]/);
  if (illegal >= 0) throw refuse(`illegal base64 data at input byte ${illegal}`);
  const bytes = Buffer.from(token, 'base64url');
  try {
    return parseJson(bytes.toString()) ?? {};
  } catch (err) {
    if (!(err instanceof JsonSyntaxError)) throw err;
    throw refuse(explain(bytes, err));
  }
}

/** Bytes that are no UTF-8 would be named as what they were replaced by. */
function explain(bytes: Buffer, err: JsonSyntaxError): string {
  const first = bytes[0] ?? 0;
  return first >= 0x80 && first < 0xa0
    ? `invalid character '\\u00${first.toString(16)}' looking for beginning of value`
    : err.message;
}

function refuse(why: string): StatusError {
  return badRequest(`invalid continue token: continue key is not valid: ${why}`);
}
