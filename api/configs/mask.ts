/** What is shown in place of a secret, and means when it is sent back: as it was. */
export const MASK = '***';

/** Members whose values are secrets, in whatever shape a faulty request has them. */
const SECRET_MEMBER = /pass|pwd|secret|token|credential|creds|(^|_|-|api|access)key$/i;

const URL_LOGIN = /^(\s*[a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i;

/** As in `user:password@host:3306`, which is no URL. */
const PLAIN_LOGIN = /^[^/?#:@]*:(?!\/\/|\d+\/).*@/s;

/** Whether an address has a login in it. */
export const holdsLogin = (address: string): boolean => URL_LOGIN.test(address) || PLAIN_LOGIN.test(address);

const MAX_DEPTH = 32;

/** A copy of what a request held for an answer that repeats it: without secrets. `path` says where it stood. */
export function maskSecrets(value: unknown, path: readonly (string | number)[] = []): unknown {
  const isSecret = path.some((key) => typeof key === 'string' && SECRET_MEMBER.test(key));
  if (value === null || value === undefined || typeof value === 'boolean') return value;
  if (typeof value === 'number') return isSecret ? MASK : value;
  if (typeof value === 'string')
    return isSecret ? MASK : value.replace(URL_LOGIN, `$1${MASK}@`).replace(PLAIN_LOGIN, `${MASK}@`);
  if (typeof value !== 'object' || path.length > MAX_DEPTH) return MASK;
  if (Array.isArray(value)) return value.map((item, index) => maskSecrets(item, [...path, index]));
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, maskSecrets(member, [...path, key])]));
}
