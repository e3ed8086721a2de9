import { badRequest } from '../status-error.ts';

/**
 * Where a paged list goes on: the revision that it is of (-1: whatever is newest then) and the first key of the next
 * page, without the collection's prefix. The same form as the real server's.
 */
export function encodeContinue(revision: number, start: string): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start })).toString('base64url');
}

export function decodeContinue(token: string): { revision: number; start: string } {
  let value: { v?: unknown; rv?: unknown; start?: unknown } | null;
  try {
    value = JSON.parse(Buffer.from(token, 'base64url').toString()) as typeof value;
  } catch {
    throw badRequest('continue key is not valid: encoded in wrong format');
  }
  const { v, rv, start } = value ?? {};
  if (v !== 'meta.k8s.io/v1')
    throw badRequest('continue key is not valid: server does not recognize this encoded version');
  if (typeof rv !== 'number' || rv === 0 || !Number.isSafeInteger(rv))
    throw badRequest('continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  if (typeof start !== 'string' || start === '') throw badRequest('continue key is not valid: encoded start key empty');
  return { revision: rv, start };
}
