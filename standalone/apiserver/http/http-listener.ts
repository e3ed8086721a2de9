import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TokenAuthenticator } from '../auth/token-authenticator.ts';
import type { User } from '../auth/user.ts';
import { decodeObject, PROTOBUF } from '../protobuf/decode-object.ts';
import { StatusError, tooLarge, unauthorized } from '../status-error.ts';
import type { EventStream } from '../watch/event-stream.ts';
import type { WholeResponse } from './api-call.ts';
import type { RequestHandler } from './request-handler.ts';

/** The largest body that is read, in bytes; as the real server's. */
const MAX_BODY_BYTES = 3 * 1024 * 1024;

export interface ListenOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** PEM texts; without them the server speaks plain HTTP. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** Serves requests that come by HTTP. Knows callers by their bearer tokens. */
export class HttpListener {
  readonly #handler: RequestHandler;
  readonly #authenticator: TokenAuthenticator;
  readonly #server: Server;
  readonly #scheme: string;
  readonly #streams = new Set<EventStream>();

  constructor(handler: RequestHandler, authenticator: TokenAuthenticator, tls: ListenOptions['tls']) {
    this.#handler = handler;
    this.#authenticator = authenticator;
    this.#scheme = tls === undefined ? 'http' : 'https';
    const onRequest = (request: IncomingMessage, response: ServerResponse): void => void this.#serve(request, response);
    this.#server =
      tls === undefined ? createServer(onRequest) : createTlsServer({ ...tls, minVersion: 'TLSv1.2' }, onRequest);
    // Clients keep connections for minutes; one that is closed while they send on it is a failed call.
    this.#server.keepAliveTimeout = 120_000;
  }

  /** Rejects with the system's error, such as EADDRINUSE. */
  async listen({ host, port }: Pick<ListenOptions, 'host' | 'port'>): Promise<{ url: string; port: number }> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    const address = this.#server.address() as AddressInfo;
    const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
    return { url: `${this.#scheme}://${name}:${address.port}`, port: address.port };
  }

  /** Ends watches, lets calls under way finish and frees the port. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const stream of this.#streams) stream.end();
    this.#server.closeIdleConnections();
    const force = setTimeout(() => this.#server.closeAllConnections(), 5_000);
    await closed;
    clearTimeout(force);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const user = this.#userOf(request);
      if (user === undefined) {
        request.resume();
        this.#send(response, failure(unauthorized()));
        return;
      }
      const { body, contentType } = request.method === 'GET' ? NO_BODY : textOf(request, await readBody(request));
      const answer = await this.#handler.handle({
        method: request.method ?? 'GET',
        url: request.url ?? '/',
        accept: request.headers.accept ?? '',
        contentType,
        body,
        user,
        ifNoneMatch: request.headers['if-none-match'],
      });
      if ('stream' in answer) this.#stream(response, answer.stream, answer.contentType);
      else this.#send(response, answer, request.method === 'HEAD');
    } catch (err) {
      if (err instanceof StatusError) {
        response.setHeader('connection', 'close');
        this.#send(response, failure(err));
      } else response.destroy();
    }
  }

  #userOf({ headers, url }: IncomingMessage): User | undefined {
    const user = this.#authenticator.authenticateHeader(headers.authorization);
    if (user !== undefined || headers.authorization !== undefined) return user;
    // Health is asked for by probes that have no token.
    return /^\/(healthz|livez|readyz|version)(\/|\?|$)/.test(url ?? '') ? ANONYMOUS : undefined;
  }

  #send(response: ServerResponse, answer: WholeResponse, headOnly = false): void {
    const body = bytesOf(answer);
    response.writeHead(answer.status, {
      'content-type': answer.contentType,
      'content-length': body.length,
      'cache-control': 'no-cache, private',
      ...answer.headers,
    });
    response.end(headOnly ? undefined : body);
  }

  #stream(response: ServerResponse, stream: EventStream, contentType: string): void {
    this.#streams.add(stream);
    response.writeHead(200, { 'content-type': contentType, 'cache-control': 'no-cache, private' });
    response.flushHeaders();
    const pump = (): void => {
      if (response.destroyed) return;
      const text = response.writableNeedDrain ? '' : stream.take();
      if (text !== '') response.write(text);
      if (stream.ended && !response.writableNeedDrain) response.end(stream.take());
    };
    response.on('drain', pump);
    response.on('close', () => {
      this.#streams.delete(stream);
      stream.cancel();
    });
    stream.onReadable(pump);
  }
}

/** The real server ends JSON with a newline, which makes its answers good lines too. */
function bytesOf({ body, contentType }: WholeResponse): Uint8Array {
  if (typeof body !== 'string') return body;
  return Buffer.from(body !== '' && contentType.startsWith('application/json') ? `${body}\n` : body);
}

const ANONYMOUS: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

function failure(error: StatusError): WholeResponse {
  return { status: error.code, contentType: 'application/json', body: JSON.stringify(error.toStatus()) };
}

const NO_BODY = { body: '', contentType: '' };

/** Protocol buffers become JSON here: nothing behind this knows of them. Of unknown kinds they stay what they are. */
function textOf({ headers }: IncomingMessage, bytes: Buffer): { body: string; contentType: string } {
  const contentType = headers['content-type'] ?? '';
  if (contentType.startsWith(PROTOBUF) && bytes.length > 0) {
    const object = decodeObject(bytes);
    if (object !== undefined) return { body: JSON.stringify(object), contentType: 'application/json' };
  }
  return { body: bytes.toString('utf8'), contentType };
}

/** Throws 413 for a body that is too large, without reading the rest of it. */
async function readBody(request: IncomingMessage): Promise<Buffer> {
  const tooMuch = (): StatusError => tooLarge(`limit is ${MAX_BODY_BYTES}`);
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooMuch();
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw tooMuch();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
