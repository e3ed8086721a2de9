import { bodySchema, member, pathsOf } from './document.ts';
import type { OpenapiDocument } from './document.ts';
import { invalidAnswer } from '../http/wire.ts';

/** Where a consumer's calls go. */
export interface Endpoints {
  readonly session: URL;
  readonly position: URL;
  readonly batch: URL;
  readonly heartbeat: URL;
  /** Those that the document does not have, so that the default stands for them. */
  readonly guessed: ReadonlySet<Purpose>;
}

export type Purpose = 'session' | 'position' | 'batch' | 'heartbeat';

interface Rule {
  /** Of `servers[0]`, behind one of the prefixes. */
  readonly key: string;
  /** The parameter of the driver that comes before everything else. */
  readonly param: string;
  readonly method: 'get' | 'post';
  readonly word: string;
  readonly needsBody: boolean;
  readonly fallback: string;
}

/** Facts §1.8: first the extension key, then the first path with the word, then the default. */
const RULES: Readonly<Record<Purpose, Rule>> = {
  session: {
    key: 'open-session-endpoint',
    param: 'session_endpoint',
    method: 'post',
    word: 'session',
    needsBody: false,
    fallback: '/events/session',
  },
  position: {
    key: 'status-endpoint',
    param: 'status_endpoint',
    method: 'get',
    word: 'position',
    needsBody: false,
    fallback: '/checkpoint',
  },
  batch: {
    key: 'ingest-batch-endpoint',
    param: 'batch_endpoint',
    method: 'post',
    word: 'events',
    needsBody: true,
    fallback: '/batch',
  },
  heartbeat: {
    key: 'heartbeat-endpoint',
    param: 'heartbeat_endpoint',
    method: 'post',
    word: 'heartbeat',
    needsBody: false,
    fallback: '/events/heartbeat',
  },
};

/** The documents of consumers use either. */
const PREFIXES = ['x-fustor_agent-', 'x-fuagent-'] as const;

/**
 * Finds the calls in a consumer's document. Paths of the document lie under its server's address, as OpenAPI says; an extension
 * key is an address relative to it, so that one with a slash in front begins at the server's root. Throws a `PusherError`.
 */
export function findEndpoints(
  document: OpenapiDocument,
  endpoint: URL,
  driverParams: Readonly<Record<string, unknown>> = {},
): Endpoints {
  const [server] = Array.isArray(document['servers']) ? (document['servers'] as unknown[]) : [];
  const address = member(server, 'url');
  const base = URL.parse(typeof address === 'string' && address !== '' ? address : '/', endpoint.href);
  if (base === null)
    throw invalidAnswer(`the document's servers[0].url is no address: ${String(address).slice(0, 200)}`);
  const guessed = new Set<Purpose>();
  const find = (purpose: Purpose): URL => {
    const rule = RULES[purpose];
    const given = driverParams[rule.param] ?? extension(server, rule.key);
    if (typeof given === 'string' && given !== '') return at(URL.parse(given, base.href), given);
    const path = firstPath(document, rule);
    if (path === undefined) guessed.add(purpose);
    const joined = base.pathname.replace(/\/$/, '') + (path ?? rule.fallback);
    return at(URL.parse(joined, base.origin), joined);
  };
  return {
    session: find('session'),
    position: find('position'),
    batch: find('batch'),
    heartbeat: find('heartbeat'),
    guessed,
  };
}

function extension(server: unknown, key: string): unknown {
  for (const prefix of PREFIXES) {
    const value = member(server, prefix + key);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** Paths with parameters cannot be called. */
function firstPath(document: OpenapiDocument, { method, word, needsBody }: Rule): string | undefined {
  return pathsOf(document).find(([path, operations]) => {
    if (!path.toLowerCase().includes(word) || path.includes('{')) return false;
    const operation = member(operations, method);
    return operation !== undefined && (!needsBody || bodySchema(document, operation) !== undefined);
  })?.[0];
}

function at(url: URL | null, text: string): URL {
  if (url === null)
    throw invalidAnswer(`the consumer's document names a path that is no address: ${text.slice(0, 200)}`);
  return url;
}
