import type { KubeRequest, KubeResponse, KubeTransport } from '../../kube/transport.ts';
import { gone } from './model-server.ts';
import type { Answer, ModelServer } from './model-server.ts';

/** How a watch may end. */
export type WatchEnd = 'close' | 'reset' | 'truncate' | 'gone';

/** Carries calls to a model server without a network, and fails as it is told to. */
export class ModelTransport implements KubeTransport {
  readonly #server: ModelServer;
  readonly #watches = new Set<Stream>();
  readonly #failures: (number | 'reset')[] = [];
  lists = 0;
  watches = 0;
  /** The status that every call gets from now on; undefined: what the server answers. */
  refusing: number | undefined;

  constructor(server: ModelServer) {
    this.#server = server;
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  /** The next call that no other failure was planned for gets this status, or no answer at all. */
  failNext(failure: number | 'reset'): void {
    this.#failures.push(failure);
  }

  endWatches(how: WatchEnd): void {
    for (const stream of this.#watches) {
      if (how === 'truncate') stream.push('{"type":"MODIFIED","object":{"metadata":{"name":"a","resourceVer');
      if (how === 'gone') stream.push(`{"type":"ERROR","object":${gone().body}}\n`);
      if (how === 'reset') stream.fail(new Error('the connection was reset'));
      else stream.end();
    }
  }

  async send(request: KubeRequest): Promise<KubeResponse> {
    // An answer is never there at once.
    await new Promise((resolve) => setImmediate(resolve));
    request.signal?.throwIfAborted();
    const failure = this.#failures.shift() ?? this.refusing;
    if (failure === 'reset') throw new Error('the connection was reset');
    if (failure !== undefined) return answer({ status: failure, body: '{}' });
    const query = new URL(request.path, 'http://model').searchParams;
    if (query.get('watch') !== 'true') {
      this.lists += 1;
      return answer(this.#server.list(query));
    }
    this.watches += 1;
    const stream = new Stream();
    const unsubscribe = this.#server.watch(query, (line) => stream.push(line));
    if (typeof unsubscribe !== 'function') return answer(unsubscribe);
    this.#watches.add(stream);
    stream.onClose = () => {
      unsubscribe();
      this.#watches.delete(stream);
    };
    request.signal?.addEventListener('abort', () => stream.fail(request.signal?.reason), { once: true });
    return {
      status: 200,
      headers: {},
      text: () => Promise.reject(new Error('a watch is no text')),
      chunks: () => stream,
    };
  }

  close(): Promise<void> {
    this.endWatches('reset');
    return Promise.resolve();
  }
}

function answer({ status, body }: Answer): KubeResponse {
  async function* chunks(): AsyncGenerator<string> {
    yield await Promise.resolve(body);
  }
  return { status, headers: {}, text: () => Promise.resolve(body), chunks };
}

/** A body that is written by one side and read by the other. */
class Stream implements AsyncIterable<string> {
  readonly #texts: string[] = [];
  #end: { error?: unknown } | undefined;
  #wake: () => void = () => undefined;
  onClose: () => void = () => undefined;

  push(text: string): void {
    if (this.#end === undefined) this.#texts.push(text);
    this.#wake();
  }

  end(): void {
    this.#close({});
  }

  fail(error: unknown): void {
    this.#close({ error });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    try {
      for (;;) {
        const text = this.#texts.shift();
        if (text !== undefined) yield text;
        else if (this.#end === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
        else if ('error' in this.#end) throw this.#end.error;
        else return;
      }
    } finally {
      this.#close({});
    }
  }

  #close(end: { error?: unknown }): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.onClose();
    this.#wake();
  }
}
