import { setTimeout as delay } from 'node:timers/promises';
import { storeRef } from '../../kube/task-state.ts';
import type { DeployTaskStatus } from '../../kube/types/deploytask.ts';
import type { OutputSink, RollbackSink, RollbackSummary } from '../executors/executor.ts';
import type { KeptOutput, OutputNote } from './kept-output.ts';
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
/** So many checkpoints are all kept; a text with more of them needs one now and then only. */
const CHECKPOINTS = 1000;
const CHECKPOINT_MS = 100;
/** How long the end of a task waits until the API has all of it on disk. */
const ACKNOWLEDGE_MS = 30_000;

/** A resumed run knows only what it changed itself. */
const NO_ROLLBACK: RollbackSummary = {
  ...{ available: false, exact: false, statements: 0 },
  message: 'the agent restarted while the task ran: what it changed before is not known',
};

export interface TaskOutputOptions {
  readonly uid: string;
  readonly epoch: number;
  /** Undefined: no API is known, and only what fits the status is kept. */
  readonly uploader: Uploader | undefined;
  /** What is written is kept on disk from its first byte, for a later process that goes on with the run. */
  readonly resumable?: boolean;
  /** The run goes on after that of an earlier process. */
  readonly resumed?: boolean;
  /** What that left. */
  readonly kept?: KeptOutput | undefined;
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
  readonly #result: ResultCapture;
  readonly #log: LogCapture;
  readonly #rollback = new RollbackCapture();
  /** The SQL that undoes the work. */
  readonly rollback: RollbackSink = {
    write: (bytes) => this.#writeRollback(bytes),
    end: (summary) => this.#rollback.end(this.#resumed ? NO_ROLLBACK : summary),
  };
  readonly #resumed: boolean;
  #rollbackUpload: StreamUpload | undefined;
  #resultUpload: StreamUpload | undefined;
  #logUpload: StreamUpload | undefined;
  /** Uploads that hold what the status lacks. */
  readonly #needed: StreamUpload[] = [];
  /** Held back until the end, which has all that they hold. */
  readonly #unneeded: StreamUpload[] = [];
  /** Encoded lines that are not yet in the upload. */
  #unsent = '';
  #timer: NodeJS.Timeout | undefined;
  #overflowed = false;
  #checkpoints = 0;
  #checkpointAt = 0;

  constructor(options: TaskOutputOptions) {
    this.#options = options;
    const { kept } = options;
    this.#resumed = options.resumed ?? false;
    this.#result = kept?.result ?? new ResultCapture();
    this.#log = kept?.log ?? new LogCapture();
    this.#resultUpload = kept?.resultUpload;
    this.#logUpload = kept?.logUpload;
    if (options.uploader !== undefined) this.#timer = setTimeout(() => this.#tick(), FIRST_FLUSH_MS);
  }

  write(bytes: Buffer): Promise<void> | undefined {
    const rest = this.#result.add(bytes);
    if (this.#options.resumable === true) return this.#keepResult(bytes);
    return rest === undefined ? undefined : this.#keepResult(rest);
  }

  /** What the last checkpoint of an earlier process said. */
  get kept(): OutputNote | undefined {
    return this.#options.kept?.note;
  }

  async checkpoint(note: OutputNote): Promise<void> {
    const { uploader, resumable } = this.#options;
    if (resumable !== true || uploader === undefined) return;
    const now = performance.now();
    if ((this.#checkpoints += 1) > CHECKPOINTS && now - this.#checkpointAt < CHECKPOINT_MS) return;
    this.#checkpointAt = now;
    void this.#flushLog();
    await this.#logUpload?.spool.flushed();
    this.#resultUpload ??= this.#open('result');
    await this.#resultUpload.spool.mark(JSON.stringify(note));
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
    for (const upload of uploads)
      if (upload?.held === true && !this.#needed.includes(upload)) this.#unneeded.push(upload);
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
   * aborts; then it is on disk for good and is uploaded later. To be called when the end is in the journal: before, a
   * later process would go on with what is here.
   */
  async acknowledged(hurry: AbortSignal): Promise<void> {
    for (const upload of this.#needed) upload.release();
    for (const upload of this.#unneeded)
      // The API may have a part of what an earlier process began.
      if (upload === this.#options.kept?.logUpload) upload.release();
      else await this.#options.uploader?.drop(upload.id);
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
    this.#logUpload?.release();
    this.#timer = setTimeout(() => this.#tick(), FLUSH_MS);
  }

  #flushLog(): Promise<void> | undefined {
    if (this.#unsent === '' || this.#options.uploader === undefined) return undefined;
    this.#logUpload ??= this.#open('log');
    const bytes = Buffer.from(this.#unsent);
    this.#unsent = '';
    return this.#append(this.#logUpload, bytes);
  }

  #keepResult(bytes: Buffer): Promise<void> | undefined {
    if (this.#options.uploader === undefined) return undefined;
    this.#resultUpload ??= this.#open('result');
    return this.#append(this.#resultUpload, bytes);
  }

  /** What the status says of a script that it does not hold whole. */
  #cutRollback(): Partial<RollbackStatus> {
    const { uploader, uid, epoch } = this.#options;
    const { error } = this.#rollbackUpload?.spool ?? {};
    if (error !== undefined)
      return { truncated: true, available: false, message: `it could not be kept: ${error.message}` };
    if (uploader !== undefined) return { truncated: true, ref: storeRef(uid, epoch, 'rollback') };
    const message = 'it is too long for the status, and the agent knows no address of the API';
    return { truncated: true, available: false, message };
  }

  #writeRollback(bytes: Buffer): Promise<void> | undefined {
    if (this.#resumed) return undefined;
    const rest = this.#rollback.add(bytes);
    return rest === undefined ? undefined : this.#keepRollback(rest);
  }

  #keepRollback(bytes: Buffer): Promise<void> | undefined {
    if (this.#options.uploader === undefined) return undefined;
    this.#rollbackUpload ??= this.#open('rollback');
    return this.#append(this.#rollbackUpload, bytes);
  }

  /** Of a run that may be resumed, results are sent in the end only, and logs after a while: they may be cut until then. */
  #open(name: StreamName): StreamUpload {
    const { uploader, uid, epoch, resumable = false } = this.#options;
    if (uploader === undefined) throw new Error('no API is known');
    return uploader.open({ uid, epoch, name }, resumable);
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
