import { setTimeout as delay } from 'node:timers/promises';
import { storeRef } from '../../kube/task-state.ts';
import type { DeployTaskStatus } from '../../kube/types/deploytask.ts';
import type { OutputSink, RollbackSink } from '../executors/executor.ts';
import { LogCapture } from './log-capture.ts';
import { encodeLine } from './log-line.ts';
import type { LogLevel } from './log-line.ts';
import { ResultCapture } from './result-capture.ts';
import { RollbackCapture } from './rollback-capture.ts';
import type { RollbackStatus } from './rollback-capture.ts';
import type { StreamUpload } from './stream-upload.ts';
import type { StreamName } from '../tiangong-api.ts';
import type { Uploader } from './uploader.ts';

/** A task that ends within this and prints little costs no call to the API. */
const FIRST_FLUSH_MS = 700;
const FLUSH_MS = 500;
const FLUSH_BYTES = 16 * 1024;
/** How long the end of a task waits until the API has all of it on disk. */
const ACKNOWLEDGE_MS = 30_000;

export interface TaskOutputOptions {
  readonly uid: string;
  readonly epoch: number;
  /** Undefined: no API is known, and only what fits the status is kept. */
  readonly uploader: Uploader | undefined;
  /** Called once when output can no longer be kept. */
  onOverflow(message: string): void;
}

/** What a task's run printed, ready for its status. */
export interface OutputSummary {
  readonly result: NonNullable<DeployTaskStatus['result']>;
  readonly log: NonNullable<DeployTaskStatus['log']>;
  /** Absent when the executor said nothing of one. */
  readonly rollback?: RollbackStatus;
}

/**
 * The output of one run: a small one stays in memory, of a large one the status gets the head and the tail, and the
 * whole goes to the API by way of the disk.
 */
export class TaskOutput implements OutputSink {
  readonly #options: TaskOutputOptions;
  readonly #result = new ResultCapture();
  readonly #log = new LogCapture();
  readonly #rollback = new RollbackCapture();
  /** The SQL that undoes the work. */
  readonly rollback: RollbackSink = {
    write: (bytes) => this.#writeRollback(bytes),
    end: (summary) => this.#rollback.end(summary),
  };
  #rollbackUpload: StreamUpload | undefined;
  #resultUpload: StreamUpload | undefined;
  #logUpload: StreamUpload | undefined;
  /** Uploads that hold what the status lacks. */
  readonly #needed: StreamUpload[] = [];
  /** Encoded lines that are not yet in the upload. */
  #unsent = '';
  #timer: NodeJS.Timeout | undefined;
  #overflowed = false;

  constructor(options: TaskOutputOptions) {
    this.#options = options;
    if (options.uploader !== undefined) this.#timer = setTimeout(() => this.#tick(), FIRST_FLUSH_MS);
  }

  write(bytes: Buffer): Promise<void> | undefined {
    const rest = this.#result.add(bytes);
    return rest === undefined ? undefined : this.#keepResult(rest);
  }

  log(level: LogLevel, ...messages: string[]): Promise<void> | undefined {
    const timestamp = new Date().toISOString();
    let id = this.#log.total;
    this.#log.add(level, timestamp, messages);
    if (this.#options.uploader === undefined) return undefined;
    let wait: Promise<void> | undefined;
    for (const message of messages) {
      this.#unsent += `${encodeLine({ id: (id += 1), level, timestamp, message })}\n`;
      // In small pieces: V8 puts strings of more than 128 KiB where only a full collection finds them.
      if (this.#unsent.length > FLUSH_BYTES) wait = this.#flushLog();
    }
    return wait;
  }

  /** Ends the output. What does not fit the status is then on disk, on its way to the API. */
  async end(): Promise<OutputSummary> {
    clearTimeout(this.#timer);
    const result = this.#result.summary();
    if (!result.whole && this.#resultUpload === undefined) void this.#keepResult(this.#result.small());
    const { uploader, uid, epoch } = this.#options;
    if (uploader === undefined && !(result.whole && this.#log.summary().whole))
      void this.log(
        'warn',
        'Only the first and the last part of the output are kept: the agent knows no address of the API',
      );
    const rollback = this.#rollback.status();
    if (rollback?.whole === false && this.#rollbackUpload === undefined)
      void this.#keepRollback(this.#rollback.small());
    const log = this.#log.summary();
    if (!log.whole || this.#logUpload !== undefined) void this.#flushLog();
    const uploads = [this.#resultUpload, this.#logUpload, this.#rollbackUpload];
    await Promise.all(uploads.map(async (upload) => upload?.spool.end()));
    if (rollback?.whole === false && this.#rollbackUpload !== undefined) this.#needed.push(this.#rollbackUpload);
    if (!result.whole && this.#resultUpload !== undefined) this.#needed.push(this.#resultUpload);
    if (!log.whole && this.#logUpload !== undefined) this.#needed.push(this.#logUpload);
    const cut = (name: StreamName): object =>
      uploader === undefined ? { truncated: true } : { truncated: true, ref: storeRef(uid, epoch, name) };
    const { text, bytes, sha256 } = result;
    return {
      result: { text, bytes, sha256, ...(result.whole ? {} : cut('result')) },
      log: { total: log.total, lines: [...log.lines], ...(log.whole ? {} : cut('log')) },
      ...(rollback && { rollback: rollback.whole ? rollback.status : { ...rollback.status, ...this.#cutRollback() } }),
    };
  }

  /**
   * After `end`: resolves when the API has what the status lacks, but no later than after 30 seconds or when `hurry`
   * aborts; then it is on disk for good and is uploaded later.
   */
  async acknowledged(hurry: AbortSignal): Promise<void> {
    if (await allAcknowledged(this.#needed, hurry)) return;
    await Promise.all(this.#needed.map(({ spool }) => spool.sync()));
  }

  /** Forgets everything: nobody waits for it. */
  async abandon(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#options.uploader?.abandon(this.#options.uid, this.#options.epoch);
  }

  #tick(): void {
    void this.#flushLog();
    this.#timer = setTimeout(() => this.#tick(), FLUSH_MS);
  }

  #flushLog(): Promise<void> | undefined {
    const { uploader, uid, epoch } = this.#options;
    if (this.#unsent === '' || uploader === undefined) return undefined;
    this.#logUpload ??= uploader.open({ uid, epoch, name: 'log' });
    const bytes = Buffer.from(this.#unsent);
    this.#unsent = '';
    return this.#append(this.#logUpload, bytes);
  }

  #keepResult(bytes: Buffer): Promise<void> | undefined {
    const { uploader, uid, epoch } = this.#options;
    if (uploader === undefined) return undefined;
    this.#resultUpload ??= uploader.open({ uid, epoch, name: 'result' });
    return this.#append(this.#resultUpload, bytes);
  }

  /** What the status says of a script that it does not hold whole. */
  #cutRollback(): Partial<RollbackStatus> {
    const { uploader, uid, epoch } = this.#options;
    if (uploader !== undefined) return { truncated: true, ref: storeRef(uid, epoch, 'rollback') };
    const message = 'it is too long for the status, and the agent knows no address of the API';
    return { truncated: true, available: false, message };
  }

  #writeRollback(bytes: Buffer): Promise<void> | undefined {
    const rest = this.#rollback.add(bytes);
    return rest === undefined ? undefined : this.#keepRollback(rest);
  }

  #keepRollback(bytes: Buffer): Promise<void> | undefined {
    const { uploader, uid, epoch } = this.#options;
    if (uploader === undefined) return undefined;
    this.#rollbackUpload ??= uploader.open({ uid, epoch, name: 'rollback' });
    return this.#append(this.#rollbackUpload, bytes);
  }

  #append(upload: StreamUpload, bytes: Buffer): Promise<void> | undefined {
    const wait = upload.append(bytes);
    const { error } = upload.spool;
    if (error !== undefined && !this.#overflowed) {
      this.#overflowed = true;
      this.#options.onOverflow(error.message);
    }
    return wait;
  }
}

/** Whether all uploads settled in time. */
async function allAcknowledged(uploads: readonly StreamUpload[], hurry: AbortSignal): Promise<boolean> {
  if (uploads.length === 0) return true;
  if (hurry.aborted) return false;
  const stop = new AbortController();
  const timeout = delay(ACKNOWLEDGE_MS, false, { signal: AbortSignal.any([stop.signal, hurry]), ref: false });
  const all = Promise.all(uploads.map((upload) => upload.acknowledged)).then(() => true);
  const settled = await Promise.race([all, timeout.catch(() => false)]);
  stop.abort();
  return settled;
}
