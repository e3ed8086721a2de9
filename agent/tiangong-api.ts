import { hash } from 'node:crypto';
import { Pool } from 'undici';
import type { Credential } from './executors/executor.ts';

export interface TiangongApiOptions {
  /** The API's base address, such as `https://tiangong.example.com`. */
  readonly url: string;
  /** The token to show; asked for on every call, since projected tokens change. */
  token(): Promise<string | undefined>;
  /** A PEM bundle that the API's certificate is checked against, beside the system's. */
  readonly ca?: string;
}

/** What the API has of a stream. */
export interface StreamState {
  readonly next: number;
  readonly complete: boolean;
  readonly bytes: number;
}

export type StreamName = 'log' | 'result';

/** An answer of 400 or more of the API. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  /** The stable code of the error, such as `NotAssigned`; empty when the answer had none. */
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** An answer takes this long at most; a chunk is 1 MiB, so this also bounds a dead connection. */
const CALL_TIMEOUT_MS = 30_000;

/** The agent's calls to Tiangong's API: streams, long commands and credentials. Never used to move a task along. */
export class TiangongApi {
  readonly #pool: Pool;
  readonly #prefix: string;
  readonly #token: () => Promise<string | undefined>;

  constructor(options: TiangongApiOptions) {
    const url = new URL(options.url);
    this.#prefix = url.pathname.replace(/\/$/, '');
    this.#token = () => options.token();
    this.#pool = new Pool(url.origin, {
      connections: 8,
      headersTimeout: CALL_TIMEOUT_MS,
      bodyTimeout: CALL_TIMEOUT_MS,
      connect: options.ca === undefined ? {} : { ca: options.ca },
    });
  }

  /** The bytes of a command that is too long for the resource. */
  async command(uid: string, limit: number, signal?: AbortSignal): Promise<Buffer> {
    return this.#call('GET', `/internal/tasks/${uid}/command`, { limit, ...(signal && { signal }) });
  }

  async credential(uid: string, name: string, signal?: AbortSignal): Promise<Credential> {
    const path = `/internal/tasks/${uid}/secret?ref=${encodeURIComponent(name)}`;
    const body = await this.#call('GET', path, { limit: 1024 * 1024, ...(signal && { signal }) });
    const answer = JSON.parse(body.toString()) as { data?: Record<string, string>; allowedHosts?: string[] | null };
    return { data: answer.data ?? {}, allowedHosts: answer.allowedHosts ?? undefined };
  }

  async streamState(uid: string, epoch: number, stream: StreamName, signal?: AbortSignal): Promise<StreamState> {
    const path = `/internal/tasks/${uid}/${epoch}/${stream}`;
    return JSON.parse((await this.#call('GET', path, signal && { signal })).toString()) as StreamState;
  }

  /** Resolves with the number of the chunk that the API wants next; then this one is durable there. */
  async putChunk(
    stream: { readonly uid: string; readonly epoch: number; readonly name: StreamName },
    chunk: { readonly number: number; readonly bytes: Buffer; readonly final: boolean },
    signal?: AbortSignal,
  ): Promise<number> {
    const path = `/internal/tasks/${stream.uid}/${stream.epoch}/${stream.name}/${chunk.number}`;
    const headers = {
      'content-type': 'application/octet-stream',
      'x-content-sha256': hash('sha256', chunk.bytes),
      ...(chunk.final ? { 'x-final': 'true' } : {}),
    };
    const body = await this.#call('PUT', path, { body: chunk.bytes, headers, ...(signal && { signal }) });
    return (JSON.parse(body.toString()) as { next: number }).next;
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }

  async #call(
    method: 'GET' | 'PUT',
    path: string,
    options: { body?: Buffer; headers?: Record<string, string>; limit?: number; signal?: AbortSignal } = {},
  ): Promise<Buffer> {
    const token = await this.#token();
    const timeout = AbortSignal.timeout(CALL_TIMEOUT_MS);
    const response = await this.#pool.request({
      method,
      path: this.#prefix + path,
      headers: { ...options.headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
      ...(options.body === undefined ? {} : { body: options.body }),
      signal: options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]),
    });
    const limit = response.statusCode < 400 ? (options.limit ?? 64 * 1024) : 64 * 1024;
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > limit) throw new Error(`${method} ${path}: the answer is longer than ${limit} bytes`);
      chunks.push(chunk);
    }
    const body = Buffer.concat(chunks);
    if (response.statusCode < 400) return body;
    const { code, error } = parseError(body);
    throw new ApiError(response.statusCode, code, `${method} ${path}: ${error ?? `HTTP ${response.statusCode}`}`);
  }
}

function parseError(body: Buffer): { code: string; error: string | undefined } {
  try {
    const { code, error } = JSON.parse(body.toString()) as { code?: unknown; error?: unknown };
    return { code: typeof code === 'string' ? code : '', error: typeof error === 'string' ? error : undefined };
  } catch {
    return { code: '', error: undefined };
  }
}
