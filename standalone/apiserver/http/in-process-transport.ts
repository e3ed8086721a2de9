import type { KubeRequest, KubeResponse, KubeTransport } from '../../../kube/transport.ts';
import type { User } from '../auth/user.ts';
import type { EventStream } from '../watch/event-stream.ts';
import type { StreamResponse, WholeResponse } from './api-call.ts';
import type { RequestHandler } from './request-handler.ts';

/** Calls under one identity within the process: JSON text is handed over, without HTTP and TLS. */
export class InProcessTransport implements KubeTransport {
  readonly #handler: RequestHandler;
  readonly #user: User;
  readonly #streams = new Set<EventStream>();
  #closed = false;

  constructor(handler: RequestHandler, user: User) {
    this.#handler = handler;
    this.#user = user;
  }

  async send(request: KubeRequest): Promise<KubeResponse> {
    request.signal?.throwIfAborted();
    if (this.#closed) throw new Error('the transport is closed');
    const response = await this.#handler.handle({
      method: request.method,
      url: request.path,
      accept: request.accept ?? 'application/json',
      contentType: request.contentType ?? 'application/json',
      body: request.body ?? '',
      user: this.#user,
    });
    // A write goes on when its caller gives up, as it does behind a connection; only the answer is dropped.
    if (request.signal?.aborted) {
      if ('stream' in response) response.stream.cancel();
      request.signal.throwIfAborted();
    }
    return 'stream' in response ? this.#streaming(response, request.signal) : whole(response);
  }

  close(): Promise<void> {
    this.#closed = true;
    for (const stream of this.#streams) stream.cancel();
    return Promise.resolve();
  }

  #streaming(response: StreamResponse, signal: AbortSignal | undefined): KubeResponse {
    const { stream } = response;
    this.#streams.add(stream);
    const chunks = async function* (streams: Set<EventStream>): AsyncGenerator<string> {
      const abort = (): void => stream.cancel();
      signal?.addEventListener('abort', abort);
      try {
        for (;;) {
          signal?.throwIfAborted();
          const text = stream.take();
          if (text !== '') yield text;
          else if (stream.ended) return;
          else await new Promise<void>((resolve) => stream.onReadable(resolve));
        }
      } finally {
        signal?.removeEventListener('abort', abort);
        streams.delete(stream);
        stream.cancel();
      }
    };
    return {
      status: response.status,
      headers: { 'content-type': response.contentType },
      text: async () => {
        let text = '';
        for await (const chunk of chunks(this.#streams)) text += chunk;
        return text;
      },
      chunks: () => chunks(this.#streams),
    };
  }
}

function whole(response: WholeResponse): KubeResponse {
  const { status, contentType, headers, body } = response;
  return {
    status,
    headers: { 'content-type': contentType, ...headers },
    text: () => Promise.resolve(typeof body === 'string' ? body : Buffer.from(body).toString()),
    async *chunks() {
      await Promise.resolve();
      yield body;
    },
  };
}
