import { hash } from 'node:crypto';
import { Pool } from 'undici';
import type { Dispatcher } from 'undici';
import { apiConnector } from './api-connector.ts';
import type { Credential } from './executors/executor.ts';

export interface TiangongApiOptions {
  /** The API's base address, such as `https://tiangong.example.com`. */
  readonly url: string;
  /** The token to show; asked for on every call, since projected tokens change. */
  token(): Promise<string | undefined>;
  /** A PEM bundle that the API's certificate is checked against; asked for on every connection, since a mounted one changes. */
  ca?(): string | undefined;
}

/** What the API has of a stream. */
export interface StreamState {
  readonly next: number;
  readonly complete: boolean;
  readonly bytes: number;
}

export const STREAM_NAMES = ['log', 'result', 'rollback'] as const;
export type StreamName = (typeof STREAM_NAMES)[number];

/** A line about a sync or about an action of a driver. */
export interface SyncLogLine {
  /** Counts the sender's lines, from 1. */
  readonly n: number;
  /** An ISO time. */
  readonly ts: string;
  readonly level: string;
  /** Who speaks, such as `fustor_agent.sync.t1`. */
  readonly source: string;
  readonly msg: string;
}

export interface SyncLogBatch {
  /** The process that the lines are of. */
  readonly sender: string;
  /** With rising numbers. */
  readonly lines: readonly SyncLogLine[];
}

/** Names one SyncTask. */
export interface SyncTaskId {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly epoch: number;
}

/** What the API says of an uploaded file. */
export interface FileHead {
  readonly bytes: number;
  /** In lower-case hexadecimal digits. */
  readonly sha256: string;
  /** As it was uploaded: not fit for a path without a check. */
  readonly name: string;
}

/** An answer of 400 or more of the API. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  /** The stable code of the error, such as `NotAssigned`; empty when the answer had none. */
  readonly code: string;

  /** What the API says, without the call that it answers. */
  readonly detail: string;

  /** `call`: what it answers, for the agent's own log. */
  constructor(status: number, code: string, detail: string, call?: string) {
    super(call === undefined ? detail : `${call}: ${detail}`);
    this.status = status;
    this.code = code;
    this.detail = detail;
  }
}

/** An answer takes this long at most; a chunk is 1 MiB, so this also bounds a dead connection. */
const CALL_TIMEOUT_MS = 30_000;
/** Of answers that are no command and no file. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** The agent's calls to Tiangong's API: streams, long commands, files and credentials. Never used to move a task along. */
export class TiangongApi {
  readonly #pool: Pool;
  /** Downloads have connections of their own: a few large files would leave none for the streams. */
  readonly #downloads: Pool;
  readonly #prefix: string;
  readonly #token: () => Promise<string | undefined>;

  constructor(options: TiangongApiOptions) {
    const url = new URL(options.url);
    this.#prefix = url.pathname.replace(/\/$/, '');
    this.#token = () => options.token();
    const connection = {
      headersTimeout: CALL_TIMEOUT_MS,
      bodyTimeout: CALL_TIMEOUT_MS,
      connect: apiConnector(() => options.ca?.()),
    };
    this.#pool = new Pool(url.origin, { ...connection, connections: 8 });
    this.#downloads = new Pool(url.origin, { ...connection, connections: 3 });
  }

  /** The bytes of a command that is too long for the resource. */
  async command(uid: string, limit: number, signal?: AbortSignal): Promise<Buffer> {
    return this.#call('GET', `/internal/tasks/${uid}/command`, { limit, ...(signal && { signal }) });
  }

  /** A credential that the task names, which is assigned to this agent at the epoch. */
  async credential(
    { uid, epoch }: { readonly uid: string; readonly epoch: number },
    name: string,
    signal?: AbortSignal,
  ): Promise<Credential> {
    const query = new URLSearchParams({ ref: name, epoch: String(epoch) });
    return this.#credential(`/internal/tasks/${uid}/secret?${query.toString()}`, signal);
  }

  /** A credential that the source or the pusher of a SyncTask names. */
  async syncCredential(sync: SyncTaskId, ref: string, signal: AbortSignal): Promise<Credential> {
    const query = new URLSearchParams({ namespace: sync.namespace, name: sync.name, ref, epoch: String(sync.epoch) });
    return this.#credential(`/internal/syncs/${sync.uid}/secret?${query.toString()}`, signal);
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

  /** What the file is that a task names. Rejects with an `ApiError` of the code `FileNotFound` when there is none. */
  async fileHead(uid: string, signal: AbortSignal): Promise<FileHead> {
    const path = `/internal/tasks/${uid}/file`;
    const { statusCode, headers, body } = await this.#request('HEAD', path, { signal });
    await body.dump();
    // The answer to HEAD has no body, so it cannot say why.
    if (statusCode >= 400) await this.#call('GET', path, { signal });
    const [sha256, bytes] = [headers['x-content-sha256'], Number(headers['content-length'] ?? NaN)];
    if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256) || !Number.isSafeInteger(bytes) || bytes < 0)
      throw new Error(`HEAD ${path}: the answer lacks the file's digest or its length (HTTP ${statusCode})`);
    return { sha256, bytes, name: decoded(headers['x-file-name']) };
  }

  /**
   * The bytes of the file that a task names, from an offset or, where the API gives no part of it, from the beginning.
   * They are bounded in time only by pauses of 30 s.
   */
  async file(uid: string, from: number, signal: AbortSignal): Promise<{ from: number; chunks: AsyncIterable<Buffer> }> {
    const path = `/internal/tasks/${uid}/file`;
    const headers: Record<string, string> = from === 0 ? {} : { range: `bytes=${from}-` };
    const {
      statusCode,
      headers: fields,
      body,
    } = await this.#request('GET', path, { headers, signal }, this.#downloads);
    if (statusCode >= 400) throw await apiError('GET', path, statusCode, body);
    const range = /^bytes (\d+)-/.exec(String(fields['content-range'] ?? ''));
    return { from: statusCode === 206 && range !== null ? Number(range[1]) : 0, chunks: body };
  }

  /** Resolves once the lines are durable; sending them again does no harm. */
  async putSyncLogs(batch: SyncLogBatch, signal: AbortSignal): Promise<void> {
    const headers = { 'content-type': 'application/json' };
    await this.#call('PUT', '/internal/sync-logs', { body: Buffer.from(JSON.stringify(batch)), headers, signal });
  }

  async close(): Promise<void> {
    await Promise.all([this.#pool.destroy(), this.#downloads.destroy()]);
  }

  async #credential(path: string, signal?: AbortSignal): Promise<Credential> {
    const body = await this.#call('GET', path, { limit: 1024 * 1024, ...(signal && { signal }) });
    const answer = JSON.parse(body.toString()) as { data?: Record<string, string>; allowedHosts?: string[] | null };
    return { data: answer.data ?? {}, allowedHosts: answer.allowedHosts ?? undefined };
  }

  async #call(
    method: 'GET' | 'PUT',
    path: string,
    options: { body?: Buffer; headers?: Record<string, string>; limit?: number; signal?: AbortSignal } = {},
  ): Promise<Buffer> {
    const timeout = AbortSignal.timeout(CALL_TIMEOUT_MS);
    const signal = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]);
    const response = await this.#request(method, path, { ...options, signal });
    if (response.statusCode >= 400) throw await apiError(method, path, response.statusCode, response.body);
    return readBody(`${method} ${path}`, response.body, options.limit ?? MAX_ANSWER_BYTES);
  }

  async #request(
    method: 'GET' | 'HEAD' | 'PUT',
    path: string,
    options: { body?: Buffer; headers?: Record<string, string>; signal: AbortSignal },
    pool = this.#pool,
  ): Promise<Dispatcher.ResponseData> {
    const token = await this.#token();
    return pool.request({
      method,
      path: this.#prefix + path,
      headers: { ...options.headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
      ...(options.body === undefined ? {} : { body: options.body }),
      signal: options.signal,
    });
  }
}

async function readBody(call: string, body: AsyncIterable<Buffer>, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > limit) throw new Error(`${call}: the answer is longer than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function apiError(method: string, path: string, status: number, body: AsyncIterable<Buffer>): Promise<ApiError> {
  const { code, error } = parseError(await readBody(`${method} ${path}`, body, MAX_ANSWER_BYTES));
  return new ApiError(status, code, error ?? `HTTP ${status}`, `${method} ${path}`);
}

/** A header with a percent-encoded value. */
function decoded(header: string | string[] | undefined): string {
  const text = String(header ?? '');
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
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
