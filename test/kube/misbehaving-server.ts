import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gone } from './model-server.ts';
import type { ModelServer } from './model-server.ts';
import { Random } from './random.ts';

/** One call in so many is refused or broken off. */
const FAILURE_RATE = 8;

/** No watch lives longer than this while the server misbehaves. */
const LONGEST_WATCH_MS = 120;

/** A model server behind HTTP that fails in all the ways in which API servers and what stands before them have been seen to. */
export class MisbehavingServer {
  readonly #model: ModelServer;
  readonly #random: Random;
  readonly #server: Server;
  readonly #watches = new Set<ServerResponse>();
  /** While false, it answers as it should. */
  misbehaves = true;
  /** How often each kind of failure happened; there are 16. */
  readonly failures = new Map<string, number>();

  private constructor(model: ModelServer, seed: number) {
    this.#model = model;
    this.#random = new Random(seed);
    this.#server = createServer((request, response) => {
      this.#handle(request, response);
    });
  }

  static async start(model: ModelServer, seed: number): Promise<MisbehavingServer> {
    const server = new MisbehavingServer(model, seed);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  /** Forgets the past and breaks every watch off, as a restart of etcd does. */
  restart(): void {
    this.#count('compaction');
    this.#model.compact();
    for (const watch of this.#watches) watch.socket?.resetAndDestroy();
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    response.setHeader('content-type', 'application/json');
    const query = new URL(request.url ?? '', 'http://model').searchParams;
    if (this.misbehaves && this.#random.oneIn(FAILURE_RATE)) this.#fail(response);
    else if (query.get('watch') === 'true') this.#watch(query, response);
    else this.#list(query, response);
  }

  #fail(response: ServerResponse): void {
    const status = this.#random.pick([0, 0, 401, 429, 429, 500, 503]);
    this.#count(status === 0 ? 'reset' : String(status));
    if (status === 0) {
      response.socket?.resetAndDestroy();
      return;
    }
    if (status === 429 && this.#random.oneIn(5)) response.setHeader('retry-after', '1');
    response.writeHead(status).end(this.#random.pick(['{"kind":"Status","message":"no"}', '<html>', '']));
  }

  #list(query: URLSearchParams, response: ServerResponse): void {
    const { status, body } = this.#model.list(query);
    if (status === 410) this.#count('410 on a page');
    // Between two pages much may happen.
    if (this.misbehaves && this.#random.oneIn(10)) this.#model.compact();
    if (this.misbehaves && this.#random.oneIn(12)) {
      this.#count('truncated list');
      response.writeHead(status).end(body.slice(0, this.#random.below(body.length)));
    } else response.writeHead(status).end(body);
  }

  #watch(query: URLSearchParams, response: ServerResponse): void {
    const ended = this.#model.watch(query, (line) => response.write(line));
    if (typeof ended !== 'function') {
      this.#refuseOldVersion(response);
      return;
    }
    response.flushHeaders();
    this.#watches.add(response);
    const timer = setTimeout(() => this.#end(response), this.#random.below(LONGEST_WATCH_MS));
    response.on('close', () => {
      clearTimeout(timer);
      ended();
      this.#watches.delete(response);
    });
    if (this.misbehaves && this.#random.oneIn(5)) {
      this.#count('instant close');
      response.end();
    }
  }

  #refuseOldVersion(response: ServerResponse): void {
    const { status, body } = gone();
    if (this.#random.oneIn(2)) {
      this.#count('410 as an answer');
      response.writeHead(status).end(body);
    } else {
      this.#count('410 as an event');
      response.end(`{"type":"ERROR","object":${body}}\n`);
    }
  }

  #end(response: ServerResponse): void {
    if (!this.misbehaves) return;
    const how = this.#random.pick(['reset of a watch', 'truncated event', 'close', 'bookmark', 'garbage']);
    this.#count(how);
    if (how === 'reset of a watch') response.socket?.resetAndDestroy();
    else if (how === 'truncated event') response.end('{"type":"MODIFIED","object":{"metadata":{"na');
    else if (how === 'garbage') response.end('upstream connect error\n');
    else if (how === 'close') response.end();
    else this.#model.bookmark();
  }

  #count(failure: string): void {
    this.failures.set(failure, (this.failures.get(failure) ?? 0) + 1);
  }
}
