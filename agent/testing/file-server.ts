import { hash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export const TOKEN = 'token-of-the-agent';

export interface ServedFile {
  readonly id: string;
  readonly name: string;
  readonly bytes: Buffer;
}

/** What the server does with a GET instead of what it should. */
export type Fault =
  | 'unavailable'
  /** Ends the connection after half of the bytes that were asked for. */
  | 'cut'
  /** Sends nothing of the body. */
  | 'silent'
  | 'no-ranges'
  | 'wrong-bytes'
  | 'too-many-bytes';

/** The API's side of `GET /internal/tasks/{uid}/file`, as its contract says. */
export class FileServer {
  /** By the uid of the task that names it. */
  readonly files = new Map<string, ServedFile>();
  /** Uids whose assignment is not the caller's. */
  readonly refused = new Set<string>();
  /** Every request, as `GET <uid>` with the range that was asked for. */
  readonly requests: string[] = [];
  /** Asked on every GET. */
  fault: (() => Fault | undefined) | undefined;
  /** Nobody answers HEAD. */
  isAway = false;
  /** While set, bodies wait for it. */
  hold: Promise<void> | undefined;
  url = '';
  #server: Server | undefined;

  async listen(): Promise<this> {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
    await new Promise<void>((resolve) => this.#server?.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this;
  }

  async close(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    const fail = (status: number, code: string, error: string): void => {
      const body = method === 'HEAD' ? undefined : JSON.stringify({ error, code });
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    };
    const [, uid = ''] = /^\/internal\/tasks\/([^/]+)\/file$/.exec(url) ?? [];
    this.requests.push(`${method} ${uid}${headers.range === undefined ? '' : ` ${headers.range}`}`);
    if (this.isAway) return void response.destroy();
    if (headers.authorization !== `Bearer ${TOKEN}`) return fail(401, 'Unauthorized', 'no token');
    if (uid === '') return fail(404, 'NotFound', 'not found');
    if (this.refused.has(uid)) return fail(403, 'NotAssigned', 'the task is not assigned to this agent');
    const file = this.files.get(uid);
    if (file === undefined) return fail(404, 'FileNotFound', `file not found: file-of-${uid}`);
    const fault = method === 'GET' ? this.fault?.() : undefined;
    if (fault === 'unavailable') return fail(503, 'Unavailable', 'the store is away');
    const from = fault === 'no-ranges' ? 0 : Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
    const { length } = file.bytes;
    if (from > 0 && from >= length) return fail(416, 'RangeNotSatisfiable', 'there is no such part');
    const extra = fault === 'too-many-bytes' ? 3 : 0;
    response.writeHead(from > 0 ? 206 : 200, {
      'content-type': 'application/octet-stream',
      'content-length': length - from + extra,
      'x-content-sha256': hash('sha256', file.bytes),
      'x-file-name': encodeURIComponent(file.name),
      ...(from > 0 ? { 'content-range': `bytes ${from}-${length - 1}/${length}` } : {}),
    });
    if (method === 'HEAD') return void response.end();
    response.flushHeaders();
    await this.hold;
    if (fault === 'silent') return void response.destroy();
    const part = file.bytes.subarray(from);
    const half = Math.ceil(part.length / 2);
    if (fault === 'cut') return void response.write(part.subarray(0, half), () => response.destroy());
    const sent = fault === 'wrong-bytes' ? Buffer.alloc(part.length, '!') : Buffer.concat([part, Buffer.alloc(extra)]);
    await pipeline(Readable.from(sliced(sent)), response);
  }
}

function* sliced(bytes: Buffer): Generator<Buffer> {
  for (let from = 0; from < bytes.length; from += 65_536) yield bytes.subarray(from, from + 65_536);
}
