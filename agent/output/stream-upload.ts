import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { ApiError } from '../tiangong-api.ts';
import type { StreamName, TiangongApi } from '../tiangong-api.ts';
import type { StreamSpool } from './stream-spool.ts';

/** The contract's bound on a chunk. */
const CHUNK_BYTES = 1024 * 1024;
const MIN_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 15_000;
/** The API refuses a stream that is not this agent's; its view may be late, so it is asked again for this long. */
const REFUSED_FOR_MS = 60_000;
/** A producer is held back while more than this waits, as long as the API takes chunks at all. */
const HIGH_WATER_BYTES = 64 * 1024 * 1024;

export interface StreamId {
  readonly uid: string;
  readonly epoch: number;
  readonly name: StreamName;
}

/** Bounds how many chunks are in memory at once, over all streams. */
export type Slots = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * Brings one spooled stream to the API in numbered chunks. What is sent next is decided by what the API says it has,
 * so a lost answer or a restart neither doubles nor loses bytes.
 */
export class StreamUpload {
  readonly id: StreamId;
  readonly spool: StreamSpool;
  readonly #api: TiangongApi;
  readonly #slots: Slots;
  readonly #logger: Logger;
  #buffer: Buffer | undefined;
  #offset = 0;
  #next = 0;
  #synced: boolean;
  #healthy = true;
  #refusedSince: number | undefined;
  #held = false;
  readonly #released = Promise.withResolvers<void>();
  #drained = Promise.withResolvers<void>();
  readonly #acknowledged = Promise.withResolvers<boolean>();

  /** `fresh`: the API cannot have anything of the stream yet, so it need not be asked. */
  constructor(id: StreamId, spool: StreamSpool, api: TiangongApi, slots: Slots, logger: Logger, fresh: boolean) {
    this.id = id;
    this.spool = spool;
    this.#api = api;
    this.#slots = slots;
    this.#logger = logger;
    this.#synced = fresh;
  }

  /** Sends nothing before `release`. To be called before `run`. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    this.#released.resolve();
  }

  get held(): boolean {
    return this.#held;
  }

  /** Resolves with true when the API has the whole stream on disk, with false when it never will. */
  get acknowledged(): Promise<boolean> {
    return this.#acknowledged.promise;
  }

  /** Adds bytes; the promise is a request to wait, as `StreamSpool.append`'s, also while the API is behind. */
  append(bytes: Buffer): Promise<void> | undefined {
    const disk = this.spool.append(bytes);
    if (this.#held || !this.#healthy || this.spool.size - this.#offset < HIGH_WATER_BYTES) return disk;
    return this.#drained.promise;
  }

  /** Uploads until the stream is complete, refused for good, or the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    if (this.#held) await Promise.race([this.#released.promise, aborted]);
    for (let backoff = MIN_BACKOFF_MS; !signal.aborted;) {
      try {
        const { changed } = this.spool;
        const step = await this.#step(signal);
        if (step === 'complete') {
          await this.#settle(true);
          return;
        }
        backoff = MIN_BACKOFF_MS;
        this.#healthy = true;
        this.#refusedSince = undefined;
        if (step === 'idle') await Promise.race([changed, aborted]);
      } catch (err) {
        if (signal.aborted) break;
        this.#synced = false;
        // Producers go on: from now on the spool's limit is what holds them.
        this.#healthy = false;
        this.#releaseProducer();
        if (this.#isHopeless(err)) {
          this.#logger.warn({ err, ...this.id }, 'the API refuses the stream; what is left of it is removed');
          await this.#settle(false);
          return;
        }
        this.#logger.debug({ err, ...this.id, backoff }, 'upload failed, will be tried again');
        await delay(backoff * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
        backoff = Math.min(backoff * 2, MAX_BACKOFF_MS);
      }
    }
    this.#healthy = false;
    this.#releaseProducer();
    await this.spool.close();
  }

  async #settle(acknowledged: boolean): Promise<void> {
    this.#acknowledged.resolve(acknowledged);
    this.#healthy = false;
    this.#releaseProducer();
    await this.spool.remove();
  }

  async #step(signal: AbortSignal): Promise<'complete' | 'sent' | 'idle'> {
    if (!this.#synced) {
      const state = await this.#api.streamState(this.id.uid, this.id.epoch, this.id.name, signal);
      if (state.complete) return 'complete';
      const { freed, size } = this.spool;
      if (state.bytes < freed || state.bytes > size)
        throw new ApiError(
          409,
          'StreamLost',
          `the API has ${state.bytes} bytes, here are those from ${freed} to ${size}`,
        );
      this.#offset = state.bytes;
      this.#next = state.next;
      this.#synced = true;
    }
    // Results go in whole chunks; log lines shall be seen soon.
    const enough = this.id.name === 'log' ? 1 : CHUNK_BYTES;
    if (this.spool.written - this.#offset < enough && !this.spool.ended) return 'idle';
    return this.#slots(() => this.#send(signal));
  }

  async #send(signal: AbortSignal): Promise<'complete' | 'sent' | 'idle'> {
    const read = await this.#read();
    const rest = this.#offset + read.length === this.spool.size;
    // Only whole lines. What a crash left of a last line is dropped: nothing will complete it.
    const bytes = this.id.name === 'log' ? read.subarray(0, read.lastIndexOf(0x0a) + 1) : read;
    const final = this.spool.ended && rest;
    if (bytes.length === 0 && !final) return 'idle';
    const number = this.#next;
    const next = await this.#api.putChunk(this.id, { number, bytes, final }, signal);
    if (next !== number + 1) {
      this.#synced = false;
      return 'sent';
    }
    this.#next = next;
    this.#offset += bytes.length;
    await this.spool.free(this.#offset);
    if (this.spool.size - this.#offset < HIGH_WATER_BYTES / 2) this.#releaseProducer();
    return final ? 'complete' : 'sent';
  }

  async #read(): Promise<Buffer> {
    // One buffer for all chunks, since one is on its way at a time: fresh ones would be 1 MiB of garbage each.
    this.#buffer ??= Buffer.allocUnsafeSlow(CHUNK_BYTES);
    const buffer = this.#buffer.subarray(0, Math.min(CHUNK_BYTES, this.spool.written - this.#offset));
    let length = 0;
    // A read stops at the end of a segment.
    for (let read = -1; read !== 0 && length < buffer.length; length += Math.max(read, 0))
      read = await this.spool.read(this.#offset + length, buffer.subarray(length));
    return buffer.subarray(0, length);
  }

  #isHopeless(err: unknown): boolean {
    if (!(err instanceof ApiError)) return false;
    if (err.code === 'StreamLost') return true;
    if (err.status !== 403 && err.status !== 404) {
      this.#refusedSince = undefined;
      return false;
    }
    this.#refusedSince ??= performance.now();
    return performance.now() - this.#refusedSince > REFUSED_FOR_MS;
  }

  #releaseProducer(): void {
    this.#drained.resolve();
    this.#drained = Promise.withResolvers<void>();
  }
}
