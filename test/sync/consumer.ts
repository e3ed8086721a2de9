import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConsumerCore } from './consumer-core.ts';
import type { Answer, ConsumerCounts, ConsumerOptions, ControlCommand, RecordedPush } from './consumer-core.ts';
import type { WireEvent } from './envelope.ts';
import type { CallKind, Fault } from './faults.ts';
import { routeOf } from './routes.ts';
import type { Call, Route } from './routes.ts';
import type { WireRow } from './row-key.ts';

export interface ListenOptions extends ConsumerOptions {
  /** 0, any, unless set. */
  readonly port?: number;
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** A call of any kind, for what a pusher must send with each. */
export interface RecordedCall {
  readonly kind: CallKind;
  readonly method: string;
  /** With the query. */
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
}

const MAX_CALLS = 10_000;

/**
 * A consumer for tests and benchmarks over plain HTTP on 127.0.0.1: it applies what it gets, records it, and misbehaves when it is
 * told to. As a process of its own: consumer-main.ts, with the same by `/control`.
 */
export class TestConsumer {
  readonly core: ConsumerCore;
  /** The latest calls of all kinds, but those of `/control`. */
  readonly calls: RecordedCall[] = [];
  readonly #server: Server;
  readonly #scheme: 'http' | 'https';
  /** Pushes that are being worked on, by session. */
  readonly #inFlight = new Map<string, ServerResponse>();

  static async listen(options: ListenOptions = {}): Promise<TestConsumer> {
    const consumer = new TestConsumer(options);
    await new Promise<void>((resolve, reject) => {
      consumer.#server.once('error', reject).listen(options.port ?? 0, '127.0.0.1', resolve);
    });
    return consumer;
  }

  private constructor(options: ListenOptions) {
    this.core = new ConsumerCore(options);
    this.#scheme = options.tls === undefined ? 'http' : 'https';
    const listener = (request: IncomingMessage, response: ServerResponse): void =>
      void this.#serve(request, response).catch((err: unknown) => {
        response.writeHead(500).end(String(err));
      });
    this.#server = options.tls === undefined ? createServer(listener) : createTlsServer(options.tls, listener);
    // A kept connection ends when the consumer does, never in between.
    this.#server.keepAliveTimeout = 0;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** For a SyncPusher of the driver `openapi`. */
  get endpoint(): string {
    return `${this.url}/openapi.json`;
  }

  /** For a SyncPusher of the driver `fusion`. */
  get fusionEndpoint(): string {
    return `${this.url}/ingestor-api/v1`;
  }

  get pushes(): readonly RecordedPush[] {
    return this.core.pushes;
  }

  get counts(): Readonly<ConsumerCounts> {
    return this.core.counts;
  }

  /** What a right agent never does: versions that go back, malformed pushes, two pushes at once. */
  get violations(): readonly string[] {
    return this.core.sink.violations;
  }

  /** The events of the pushes of one kind, without the initial trigger, in order. Repeated ones are repeated here. */
  events(sourceType: 'message' | 'snapshot'): readonly WireEvent[] {
    return this.pushes
      .filter(({ envelope }) => envelope.source_type === sourceType)
      .flatMap(({ envelope }) => envelope.events)
      .filter(({ table }) => table !== 'initial_trigger');
  }

  /** By key: JSON of event_schema, table and the key's values. Of the only task, unless one is named. */
  rows(taskId?: string): ReadonlyMap<string, WireRow> {
    return this.core.sink.rows(taskId ?? this.#onlyTask());
  }

  /** −1: none. Of the only task, unless one is named. */
  position(taskId?: string): number {
    return this.core.sink.tasks.get(taskId ?? this.#onlyTask())?.position ?? -1;
  }

  control(command: ControlCommand): void {
    this.core.control(command);
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
    this.core.close();
  }

  #onlyTask(): string {
    const ids = [...this.core.sink.tasks.keys()];
    if (ids.length > 1) throw new Error(`which task: ${ids.join(', ')}`);
    return ids[0] ?? '';
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/', headers } = request;
    const text = await readBody(request);
    const { pathname, searchParams: query } = new URL(url, 'http://consumer');
    const route = routeOf(method, pathname);
    if (route === undefined) return send(response, { status: 404, body: { detail: `there is no ${pathname}` } });
    const body = text === '' ? undefined : parsed(text);
    const call: Call = { body, query, headers };
    if (route.kind === 'control') return send(response, route.answer(this.core, call));
    this.#record(request, route);
    if (route.kind !== 'document' && !this.#isLoggedIn(headers))
      return send(response, { status: 401, body: { detail: 'Unauthorized' } });
    const kind = route.kind === 'push' ? pushKind(body) : route.kind;
    await this.#answer(route, call, this.core.faults.take(kind), response);
  }

  async #answer(route: Route, call: Call, fault: Fault | undefined, response: ServerResponse): Promise<void> {
    const works = fault === undefined || fault.do === 'delay' || fault.applied === true || isSuccess(fault.do);
    if (!works) return misbehave(fault, response);
    const flight = route.kind === 'push' ? this.#takeOff(call.body, response) : undefined;
    if (fault?.do === 'delay') await sleep(fault.delayMs ?? 0);
    const answer = route.answer(this.core, call);
    flight?.();
    if (fault === undefined || fault.do === 'delay') return send(response, answer);
    return misbehave(fault, response);
  }

  /** Notes a second push while one is being worked on; returns what ends the work. */
  #takeOff(body: unknown, response: ServerResponse): () => void {
    const id = String((body as { session_id?: unknown } | undefined)?.session_id);
    const other = this.#inFlight.get(id);
    if (other !== undefined && !other.destroyed) this.core.violate(`two pushes at once in session ${id}`);
    this.#inFlight.set(id, response);
    return () => {
      if (this.#inFlight.get(id) === response) this.#inFlight.delete(id);
    };
  }

  #record({ method = 'GET', url = '/', headers }: IncomingMessage, { kind }: Route): void {
    if (this.core.options.record !== undefined && this.core.options.record !== 'all') return;
    if (this.calls.length >= MAX_CALLS) this.calls.splice(0, MAX_CALLS / 2);
    this.calls.push({ kind: kind === 'push' ? 'message' : (kind as CallKind), method, url, headers });
  }

  #isLoggedIn(headers: IncomingMessage['headers']): boolean {
    const { auth } = this.core.options;
    if (auth === undefined) return true;
    if ('apiKey' in auth)
      return headers['x-api-key'] === auth.apiKey || headers.authorization === `Bearer ${auth.apiKey}`;
    return headers.authorization === `Basic ${Buffer.from(`${auth.user}:${auth.passwd}`).toString('base64')}`;
  }
}

function pushKind(body: unknown): CallKind {
  return (body as { source_type?: unknown } | undefined)?.source_type === 'snapshot' ? 'snapshot' : 'message';
}

const isSuccess = (what: Fault['do']): boolean => typeof what === 'number' && what < 300;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function send(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

function misbehave(fault: Fault, response: ServerResponse): void {
  if (fault.do === 'silence') return;
  if (typeof fault.do !== 'number') {
    response.socket?.resetAndDestroy();
    return;
  }
  const body = fault.body ?? (fault.do === 204 ? undefined : JSON.stringify({ detail: `fault ${fault.do}` }));
  response.writeHead(fault.do, { 'content-type': 'application/json', ...fault.headers });
  response.end(body);
}
