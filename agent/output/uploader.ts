import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { STREAM_NAMES } from '../tiangong-api.ts';
import type { StreamName, TiangongApi } from '../tiangong-api.ts';
import { freeAboveReserve } from './disk-reserve.ts';
import { SpoolSpace } from './spool-space.ts';
import { StreamSpool } from './stream-spool.ts';
import { StreamUpload } from './stream-upload.ts';
import type { StreamId } from './stream-upload.ts';

/** At most this many chunks of 1 MiB are in memory at once, over all streams. */
const CHUNKS_AT_ONCE = 4;

export interface UploaderOptions {
  readonly api: TiangongApi;
  /** Where streams wait on disk for their upload. */
  readonly folder: string;
  /** How many bytes may wait there. */
  readonly limit: number;
  readonly logger: Logger;
}

/** All uploads of an agent: those of running tasks, and those that earlier runs and processes left on disk. */
export class Uploader {
  readonly #options: UploaderOptions;
  readonly #space: SpoolSpace;
  readonly #stop = new AbortController();
  readonly #running = new Map<string, { upload: StreamUpload; stop: AbortController; done: Promise<void> }>();
  readonly #waiting: (() => void)[] = [];
  #free = CHUNKS_AT_ONCE;

  constructor(options: UploaderOptions) {
    this.#options = options;
    this.#space = new SpoolSpace(options.limit, () => freeAboveReserve(options.folder));
  }

  /** Goes on with what an earlier process left, but for runs (`<uid>/<epoch>`) that may go on themselves. */
  async recover(leave: ReadonlySet<string> = new Set()): Promise<void> {
    await mkdir(this.#options.folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#options.folder)) {
      const match = /^([\w-]+)\.(\d+)\.(log|result|rollback)$/.exec(name);
      if (match === null) continue;
      const id = { uid: match[1] ?? '', epoch: Number(match[2]), name: match[3] as StreamName };
      if (!leave.has(`${id.uid}/${id.epoch}`)) await this.finish(id);
    }
  }

  /** Uploads what an earlier process left of a stream: nothing more will come. */
  async finish(id: StreamId): Promise<void> {
    this.#start(id, await StreamSpool.reopen(this.#folderOf(id), this.#space), false);
  }

  /** Uploads what an earlier process left of a run that does not go on. */
  async finishRun(uid: string, epoch: number): Promise<void> {
    for (const name of STREAM_NAMES) {
      const id = { uid, epoch, name };
      if (existsSync(this.#folderOf(id))) await this.finish(id);
    }
  }

  /** Begins a stream of a run. Called once per stream. With `held` nothing is sent before its `release`. */
  open(id: StreamId, held = false): StreamUpload {
    return this.#start(id, StreamSpool.create(this.#folderOf(id), this.#space), true, held);
  }

  /** Goes on with a stream of a run that an earlier process began, if it did; to be released when it is read. */
  async goOn(id: StreamId): Promise<StreamUpload | undefined> {
    if (!existsSync(this.#folderOf(id))) return undefined;
    return this.#start(id, await StreamSpool.goOn(this.#folderOf(id), this.#space), false, true);
  }

  /** Gives up a stream. */
  async drop({ uid, epoch, name }: StreamId): Promise<void> {
    const running = this.#running.get(`${uid}.${epoch}.${name}`);
    running?.stop.abort();
    await running?.done;
    await running?.upload.spool.remove();
  }

  /** Gives up the streams of a run whose task is gone. */
  async abandon(uid: string, epoch: number): Promise<void> {
    for (const name of STREAM_NAMES) await this.drop({ uid, epoch, name });
  }

  /** Stops; what is not acknowledged stays on disk. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  #folderOf({ uid, epoch, name }: StreamId): string {
    return join(this.#options.folder, `${uid}.${epoch}.${name}`);
  }

  #start(id: StreamId, spool: StreamSpool, fresh: boolean, held = false): StreamUpload {
    const key = `${id.uid}.${id.epoch}.${id.name}`;
    const { api, logger } = this.#options;
    const upload = new StreamUpload(id, spool, api, (work) => this.#inSlot(work), logger, fresh);
    if (held) upload.hold();
    const stop = new AbortController();
    const abort = (): void => stop.abort();
    this.#stop.signal.addEventListener('abort', abort, { once: true });
    const done = upload.run(stop.signal).finally(() => {
      this.#stop.signal.removeEventListener('abort', abort);
      this.#running.delete(key);
    });
    this.#running.set(key, { upload, stop, done });
    return upload;
  }

  async #inSlot<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free -= 1;
    try {
      return await work();
    } finally {
      // The slot goes straight to the next in line, so that nobody is overtaken.
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}
