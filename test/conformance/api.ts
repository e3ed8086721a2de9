import { Agent, request } from 'undici';
import { applyIntendedDifferences } from './intended-differences.ts';
import type { DifferenceName } from './intended-differences.ts';
import { Normaliser } from './normaliser.ts';
import type { ConformanceServer } from './server.ts';

/** The parts of an answer that scenarios read; everything else is there too. */
export interface AnswerBody {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly metadata: {
    readonly name?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly generation?: number;
    readonly deletionTimestamp?: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
  };
  readonly items?: readonly AnswerBody[];
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: unknown;
  readonly reason?: string;
  readonly message?: string;
  readonly [key: string]: unknown;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The parsed body, or an empty object when it is not JSON. */
  readonly body: AnswerBody;
  readonly text: string;
}

export interface CallOptions {
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  /** Sent as it is when it is a string, else as JSON. */
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  /** `none` sends no Authorization header; anything else is sent as the bearer token. */
  readonly token?: string;
  /** The intended differences that this one call may show. */
  readonly differences?: readonly DifferenceName[];
  /** Whether the call goes into the transcript; it does unless set to false. */
  readonly recorded?: boolean;
}

/** What one step of a scenario saw, made comparable. */
export interface Entry {
  readonly step: string;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export const PATCH = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

/** Headers that are part of the contract; the others name processes, flow control and proxies. */
const HEADERS = ['content-type', 'warning', 'location', 'allow', 'retry-after'];
const dispatcher = new Agent({ allowH2: false, connect: { rejectUnauthorized: false }, connections: 16 });

/** Raw calls to one server in a namespace of its own; every call is written to `transcript`. */
export class Api {
  readonly server: ConformanceServer;
  readonly namespace: string;
  readonly normaliser = new Normaliser();
  readonly transcript: Entry[] = [];
  readonly #cleanups: (() => void | Promise<void>)[] = [];

  constructor(server: ConformanceServer, namespace: string) {
    this.server = server;
    this.namespace = namespace;
  }

  /** Path of a collection of our own group in the namespace, or of an object of it. */
  own(plural: string, name?: string): string {
    return `/apis/tiangong.io/v1alpha1/namespaces/${this.namespace}/${plural}${name === undefined ? '' : `/${name}`}`;
  }

  /** Path of a collection of the core group in the namespace, or of an object of it. */
  core(plural: string, name?: string): string {
    return `/api/v1/namespaces/${this.namespace}/${plural}${name === undefined ? '' : `/${name}`}`;
  }

  lease(name?: string): string {
    return `/apis/coordination.k8s.io/v1/namespaces/${this.namespace}/leases${name === undefined ? '' : `/${name}`}`;
  }

  get(path: string, options: CallOptions = {}): Promise<Answer> {
    return this.call('GET', path, options);
  }
  post(path: string, body: unknown, options: CallOptions = {}): Promise<Answer> {
    return this.call('POST', path, { ...options, body });
  }
  put(path: string, body: unknown, options: CallOptions = {}): Promise<Answer> {
    return this.call('PUT', path, { ...options, body });
  }
  patch(path: string, body: unknown, contentType: string = PATCH.merge, options: CallOptions = {}): Promise<Answer> {
    return this.call('PATCH', path, { ...options, body, contentType });
  }
  delete(path: string, body?: unknown, options: CallOptions = {}): Promise<Answer> {
    return this.call('DELETE', path, { ...options, ...(body !== undefined && { body }) });
  }

  async call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    const url = this.url(path, options.query);
    const { body, token = this.server.token } = options;
    const response = await request(url, {
      dispatcher,
      method: method as 'GET',
      headers: {
        accept: options.accept ?? 'application/json',
        ...(token !== 'none' && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': options.contentType ?? 'application/json' }),
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.body.text();
    const headers = Object.fromEntries(
      HEADERS.flatMap((name) => (response.headers[name] === undefined ? [] : [[name, String(response.headers[name])]])),
    );
    const json = parse(text);
    const answer = { status: response.statusCode, headers, body: (json ?? {}) as AnswerBody, text };
    if (options.recorded !== false) {
      this.record(
        {
          step: this.normaliser.text(`${method} ${path}${queryText(options.query)}`),
          status: answer.status,
          headers,
          body: json ?? text,
        },
        options.differences,
      );
    }
    return answer;
  }

  /** Writes something that a scenario saw into the transcript. */
  record(entry: Entry, differences: readonly DifferenceName[] = []): void {
    const reduced = applyIntendedDifferences(entry, differences);
    this.transcript.push({ ...reduced, body: this.normaliser.value(reduced.body) });
  }

  url(path: string, query?: CallOptions['query']): string {
    return this.server.url + path + queryText(query);
  }

  /** Runs after the scenario, whether it held or not. */
  onEnd(cleanup: () => void | Promise<void>): void {
    this.#cleanups.push(cleanup);
  }

  async end(): Promise<void> {
    for (const cleanup of this.#cleanups.reverse()) await cleanup();
  }
}

function queryText(query: CallOptions['query']): string {
  if (query === undefined) return '';
  return `?${new URLSearchParams(Object.entries(query).map(([key, value]): [string, string] => [key, String(value)])).toString()}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
