import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { RevisionRow } from './revision-database.ts';
import type { FromWriteThread, ToWriteThread } from './write-thread.ts';

/** A write did not happen because the storage did not take it. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  /** Whether for want of room: later writes succeed once there is some. */
  readonly full: boolean;

  constructor(message: string, full: boolean) {
    super(message);
    this.full = full;
  }
}

interface Batch<T extends RevisionRow> {
  readonly rows: T[];
  readonly compactTo: number;
  readonly done: PromiseWithResolvers<void>;
}

/**
 * Hands writes to the writer's thread, one batch at a time: what arrives while a batch commits goes into the next one,
 * so that many writers share one flush of the disk.
 */
export class CommitQueue<T extends RevisionRow> {
  readonly #worker: Worker;
  readonly #onDurable: (rows: readonly T[]) => void;
  readonly #onFailed: () => void;
  #waiting: Batch<T> = newBatch(0);
  #committing: Batch<T> | undefined;
  #scheduled = false;
  #broken: StorageError | undefined;

  /**
   * `onDurable` is called in order of the batches, before their writers go on. `onFailed`: everything that was in the
   * queue did not happen.
   */
  static async open<T extends RevisionRow>(
    file: string,
    onDurable: (rows: readonly T[]) => void,
    onFailed: () => void,
  ): Promise<CommitQueue<T>> {
    // As this file is: .ts, or .js once it was built.
    const program = new URL(`./write-thread${extname(import.meta.filename)}`, import.meta.url);
    const worker = new Worker(program, { workerData: { file } });
    await once(worker, 'message');
    return new CommitQueue(worker, onDurable, onFailed);
  }

  private constructor(worker: Worker, onDurable: (rows: readonly T[]) => void, onFailed: () => void) {
    this.#worker = worker;
    this.#onDurable = onDurable;
    this.#onFailed = onFailed;
    worker.on('message', (message: FromWriteThread) => this.#settle(message));
    worker.on('error', (err: Error) => this.#break(`the storage's thread failed: ${err.message}`));
    worker.on('exit', () => this.#break('the storage is closed'));
  }

  /** How many writes wait or commit. */
  get length(): number {
    return this.#waiting.rows.length + (this.#committing?.rows.length ?? 0);
  }

  /** Resolves when the row is durable; rejects with `StorageError` when it was not written. */
  add(row: T): Promise<void> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    this.#waiting.rows.push(row);
    this.#schedule();
    return this.#waiting.done.promise;
  }

  /** Drops history up to a revision along with the next batch, which may be an empty one. */
  compact(revision: number): void {
    if (this.#broken !== undefined) return;
    const { rows, done, compactTo } = this.#waiting;
    this.#waiting = { rows, done, compactTo: Math.max(compactTo, revision) };
    this.#schedule();
  }

  /** Resolves when everything added before is durable, or rejects when it failed. */
  async flushed(): Promise<void> {
    if (this.#waiting.rows.length > 0) await this.#waiting.done.promise;
    else await this.#committing?.done.promise;
  }

  limitPages(maxPages: number): void {
    this.#worker.postMessage({ maxPages } satisfies ToWriteThread);
  }

  async close(): Promise<void> {
    await this.flushed().catch(() => undefined);
    const exited = once(this.#worker, 'exit');
    this.#worker.postMessage({ close: true } satisfies ToWriteThread);
    await exited;
  }

  #schedule(): void {
    if (this.#committing !== undefined || this.#scheduled) return;
    this.#scheduled = true;
    // Writes of the same turn of the event loop share the first commit as well.
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#committing === undefined) this.#send();
    });
  }

  #send(): void {
    const batch = this.#waiting;
    this.#waiting = newBatch(0);
    this.#committing = batch;
    const rows = batch.rows.map(({ revision, key, type, previous, value }) => ({
      revision,
      key,
      type,
      previous,
      value,
    }));
    this.#worker.postMessage({ rows, compactTo: batch.compactTo } satisfies ToWriteThread);
  }

  #settle(message: FromWriteThread): void {
    const batch = this.#committing;
    if (batch === undefined || message.kind === 'closed') return;
    this.#committing = undefined;
    if (message.kind === 'failed') {
      this.#fail(batch, new StorageError(message.message, message.full));
      return;
    }
    this.#onDurable(batch.rows);
    batch.done.resolve();
    if (this.#waiting.rows.length > 0 || this.#waiting.compactTo > 0) this.#schedule();
  }

  /** Writes that wait were decided on those that failed, so they fail with them. */
  #fail(batch: Batch<T>, err: StorageError): void {
    const waiting = this.#waiting;
    this.#waiting = newBatch(0);
    this.#onFailed();
    batch.done.reject(err);
    waiting.done.reject(err);
  }

  #break(message: string): void {
    if (this.#broken !== undefined) return;
    this.#broken = new StorageError(message, false);
    const batch = this.#committing ?? newBatch<T>(0);
    this.#committing = undefined;
    this.#fail(batch, this.#broken);
  }
}

function newBatch<T extends RevisionRow>(compactTo: number): Batch<T> {
  const done = Promise.withResolvers<void>();
  // Nobody waits for a batch that only compacts.
  done.promise.catch(() => undefined);
  return { rows: [], compactTo, done };
}
