/** What is shown in place of a secret, and means when it is sent back: as it was. */
export const MASK = '***';

/** Members whose values are secrets, in whatever shape a faulty request has them. */
const SECRET_MEMBER = /pass|pwd|secret|token|credential|creds|(^|_|-|api|access)key$/i;

const USER_INFO = /^(\s*[a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i;

const MAX_DEPTH = 32;

/** A copy of what a request held for an answer that repeats it: without secrets. `path` says where it stood. */
export function maskSecrets(value: unknown, path: readonly (string | number)[] = []): unknown {
  const isSecret = path.some((key) => typeof key === 'string' && SECRET_MEMBER.test(key));
  if (value === null || value === undefined || typeof value === 'boolean') return value;
  if (typeof value === 'number') return isSecret ? MASK : value;
  if (typeof value === 'string') return isSecret ? MASK : value.replace(USER_INFO, `$1${MASK}@`);
  if (typeof value !== 'object' || path.length > MAX_DEPTH) return MASK;
  if (Array.isArray(value)) return value.map((item, index) => maskSecrets(item, [...path, index]));
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, maskSecrets(member, [...path, key])]));
}
