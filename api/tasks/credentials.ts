import { ApiError } from '../errors.ts';
import type { ParamsPath } from './masked-params.ts';

/** A Secret to create for a task, and the place in its params that names it. */
export interface TaskSecret {
  readonly name: string;
  readonly data: Readonly<Record<string, string>>;
}

export interface SplitParams {
  /** The params without credentials, naming the Secrets instead. */
  readonly params: Record<string, unknown>;
  readonly secrets: readonly TaskSecret[];
  /** Where credentials stood. */
  readonly masked: readonly ParamsPath[];
}

/** Keys of `params` and `params.target` whose values are credentials. crds/deploytasks.yaml refuses the first four. */
export const CREDENTIAL_KEY = /^(password|passwd|api_key|token|pwd|apikey|access_token|secret_key)$/i;

/** Headers that carry credentials: those that crds/deploytasks.yaml refuses, and others that look like them. */
const CREDENTIAL_HEADER = /authorization|cookie|token|secret|passw|credential|signature|api-?key|access-?key|session/i;

/** What may be the key of a Secret (Kubernetes, "Restriction on Secret names"). */
const SECRET_KEY = /^[-._a-zA-Z0-9]{1,253}$/;

type Group = 'headers' | 'target' | 'params';

/**
 * Takes the credentials out of the params of the task `taskName`. Throws `InvalidRequest` when they cannot be kept, for
 * instance beside a Secret of the caller's own. `params` is not changed.
 */
export function splitCredentials(taskName: string, params: Readonly<Record<string, unknown>>): SplitParams {
  const rest: Record<string, unknown> = { ...params };
  const found = new Map<Group, Record<string, string>>();
  const masked: ParamsPath[] = [];

  const take = (group: Group, holder: Record<string, unknown>, path: readonly string[], pattern: RegExp): void => {
    for (const [key, value] of Object.entries(holder)) {
      if (!pattern.test(key)) continue;
      delete holder[key];
      if (value === null || value === undefined) continue;
      put(found, group, key, asText(value, [...path, key]));
      masked.push([...path, key]);
    }
  };

  if (isObject(rest['headers']))
    take('headers', (rest['headers'] = headersOf(rest['headers'])), ['headers'], CREDENTIAL_HEADER);
  else if (rest['headers'] !== undefined && rest['headers'] !== null) throw invalid('params.headers must be an object');
  if (isObject(rest['target'])) take('target', (rest['target'] = { ...rest['target'] }), ['target'], CREDENTIAL_KEY);
  take('params', rest, [], CREDENTIAL_KEY);
  takeUserInfo(rest, found, masked);
  refuseUserInfo(rest, 'params');
  if (isObject(rest['target'])) {
    refuseUserInfo(rest['target'], 'params.target');
    const { host } = rest['target'];
    if (typeof host === 'string' && host.includes('@')) throw misplacedUserInfo('params.target.host');
  }

  const secrets = [...found].map(([group, data], index) => {
    const name = index === 0 ? taskName : `${taskName}-${group}`;
    refer(rest, group, name);
    return { name, data };
  });
  return { params: rest, secrets, masked };
}

/** `http://user:password@host/` is a header of its own kind: basic authentication. */
function takeUserInfo(
  rest: Record<string, unknown>,
  found: Map<Group, Record<string, string>>,
  masked: ParamsPath[],
): void {
  if (typeof rest['url'] !== 'string') return;
  // As programs read URLs (WHATWG): blanks around and line ends within do not count.
  const url = rest['url'].replace(/^[\0- ]+|[\0- ]+$/g, '').replace(/[\t\r\n]/g, '');
  const [, start = '', userInfo] = /^([a-z][a-z0-9+.-]*:[/\\]*)([^/?#\\]*)@/i.exec(url) ?? [];
  rest['url'] = url;
  if (userInfo === undefined) return;
  rest['url'] = start + url.slice(start.length + userInfo.length + 1);
  masked.push(['url']);
  const headers = found.get('headers') ?? {};
  if (Object.keys(headers).some((name) => name.toLowerCase() === 'authorization')) return;
  put(found, 'headers', 'Authorization', `Basic ${Buffer.from(decode(userInfo)).toString('base64')}`);
}

/** What a task sends or is given as text may be anything; the rest of its params is for Tiangong. */
const TEXTS: readonly string[] = ['body', 'stdin'];

/** Other addresses with a login in them would stand in the resource as they are. */
function refuseUserInfo(holder: Record<string, unknown>, path: string): void {
  for (const [key, value] of Object.entries(holder))
    if (typeof value === 'string' && !TEXTS.includes(key) && /^\s*[a-z][a-z0-9+.-]*:\/\/[^/?#]*@/i.test(value))
      throw misplacedUserInfo(`${path}.${key}`);
}

const misplacedUserInfo = (place: string): ApiError =>
  invalid(`user information may not stand in ${place}; give user and password in params.target`);

function decode(userInfo: string): string {
  const [user = '', ...password] = userInfo.split(':');
  try {
    return `${decodeURIComponent(user)}:${decodeURIComponent(password.join(':'))}`;
  } catch {
    throw invalid('the user information in params.url is not well encoded');
  }
}

function refer(params: Record<string, unknown>, group: Group, name: string): void {
  const holder = group === 'target' ? (params['target'] as Record<string, unknown>) : params;
  const key = group === 'headers' ? 'headers_secret_ref' : 'secret_ref';
  const path = group === 'target' ? 'params.target' : 'params';
  if (holder[key] !== undefined) throw invalid(`credentials may not be given when ${path}.${key} is set`);
  holder[key] = name;
}

function put(found: Map<Group, Record<string, string>>, group: Group, key: string, value: string): void {
  if (!SECRET_KEY.test(key)) throw invalid('the name of a credential may have letters, digits, "-", "_" and "." only');
  found.set(group, { ...found.get(group), [key]: value });
}

/** Header values are text; numbers and booleans are what people mean by them. */
function headersOf(headers: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [name, asText(value, ['headers', name])]),
  );
}

function asText(value: unknown, path: readonly string[]): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw invalid(`params.${path.join('.')} must be a string`);
}

const invalid = (text: string): ApiError => new ApiError('InvalidRequest', text);

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
