import { hash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export const TOKEN = 'token-of-the-agent';
const MAX_CHUNK_BYTES = 1024 * 1024;

interface Stream {
  readonly chunks: Buffer[];
  complete: boolean;
}

/** What the receiver does with a PUT instead of what it should. */
export type Fault = 'unavailable' | 'full' | 'lost-answer' | 'lost-request';

/** The receiving side of the upload protocol, as strict as its contract; keeps everything in memory. */
export class StreamReceiver {
  readonly streams = new Map<string, Stream>();
  /** Breaks of the contract. */
  readonly violations: string[] = [];
  /** Uids whose assignment is not the caller's. */
  readonly refused = new Set<string>();
  puts = 0;
  /** Asked on every PUT. */
  fault: (() => Fault | undefined) | undefined;
  /** While set, answers of PUTs wait for it. */
  hold: Promise<void> | undefined;
  #server: Server | undefined;
  url = '';

  async listen(): Promise<this> {
    this.#server = createServer((request, response) => void this.#answer(request, response));
    await new Promise<void>((resolve) => this.#server?.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this;
  }

  async close(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  bytes(uid: string, epoch: number, name: 'log' | 'result'): Buffer {
    return Buffer.concat(this.streams.get(`${uid}/${epoch}/${name}`)?.chunks ?? []);
  }

  isComplete(uid: string, epoch: number, name: 'log' | 'result'): boolean {
    return this.streams.get(`${uid}/${epoch}/${name}`)?.complete ?? false;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) body.push(chunk);
    const send = (status: number, answer: object): undefined => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    };
    if (request.headers.authorization !== `Bearer ${TOKEN}`)
      return send(401, { error: 'no token', code: 'Unauthorized' });
    const match = /^\/internal\/tasks\/([^/]+)\/(\d+)\/(log|result)(?:\/(\d+))?$/.exec(request.url ?? '');
    if (match === null) return send(404, { error: 'not found', code: 'NotFound' });
    const [, uid = '', epoch = '', name = '', number] = match;
    if (this.refused.has(uid)) return send(403, { error: 'not assigned', code: 'NotAssigned' });
    const key = `${uid}/${epoch}/${name}`;
    const stream = this.streams.get(key) ?? { chunks: [], complete: false };
    const next = stream.chunks.length;
    if (number === undefined) {
      const bytes = stream.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
      return send(200, { next, complete: stream.complete, bytes });
    }
    return this.#put(request, response, Buffer.concat(body), { key, stream, number: Number(number) }, send);
  }

  async #put(
    request: IncomingMessage,
    response: ServerResponse,
    bytes: Buffer,
    { key, stream, number }: { key: string; stream: Stream; number: number },
    send: (status: number, answer: object) => undefined,
  ): Promise<void> {
    this.puts += 1;
    const next = stream.chunks.length;
    const fault = this.fault?.();
    if (fault === 'unavailable') return send(503, { error: 'unavailable', code: 'Unavailable' });
    if (fault === 'full') return send(507, { error: 'store full', code: 'StoreFull' });
    if (fault === 'lost-request') {
      response.destroy();
      return;
    }
    if (bytes.length > MAX_CHUNK_BYTES) this.violations.push(`${key}/${number} has ${bytes.length} bytes`);
    if (hash('sha256', bytes) !== request.headers['x-content-sha256'])
      return send(400, { error: 'digest', code: 'ChunkCorrupt' });
    if (number < next) return send(200, { next });
    if (number > next) return send(409, { error: 'out of order', code: 'ChunkOutOfOrder', next });
    if (stream.complete) this.violations.push(`${key}/${number} comes after the end`);
    if (key.endsWith('/log') && bytes.length > 0 && bytes.at(-1) !== 0x0a)
      this.violations.push(`${key}/${number} ends within a line`);
    stream.chunks.push(bytes);
    stream.complete = request.headers['x-final'] === 'true';
    this.streams.set(key, stream);
    await this.hold;
    if (fault === 'lost-answer') response.destroy();
    else send(200, { next: next + 1 });
  }
}
