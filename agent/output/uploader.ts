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

  /** Goes on with what an earlier process left. */
  async recover(): Promise<void> {
    await mkdir(this.#options.folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#options.folder)) {
      const match = /^([\w-]+)\.(\d+)\.(log|result|rollback)$/.exec(name);
      if (match === null) continue;
      const id = { uid: match[1] ?? '', epoch: Number(match[2]), name: match[3] as StreamName };
      const spool = await StreamSpool.reopen(join(this.#options.folder, name), this.#space);
      this.#start(id, spool, false);
    }
  }

  /** Begins a stream of a run. Called once per stream. */
  open(id: StreamId): StreamUpload {
    const folder = join(this.#options.folder, `${id.uid}.${id.epoch}.${id.name}`);
    return this.#start(id, StreamSpool.create(folder, this.#space), true);
  }

  /** Gives up the streams of a run whose task is gone. */
  async abandon(uid: string, epoch: number): Promise<void> {
    for (const name of STREAM_NAMES) {
      const running = this.#running.get(`${uid}.${epoch}.${name}`);
      running?.stop.abort();
      await running?.done;
      await running?.upload.spool.remove();
    }
  }

  /** Stops; what is not acknowledged stays on disk. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  #start(id: StreamId, spool: StreamSpool, fresh: boolean): StreamUpload {
    const key = `${id.uid}.${id.epoch}.${id.name}`;
    const { api, logger } = this.#options;
    const upload = new StreamUpload(id, spool, api, (work) => this.#inSlot(work), logger, fresh);
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
