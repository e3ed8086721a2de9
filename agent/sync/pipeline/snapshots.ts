import type { Logger } from 'pino';
import { backoffMs } from '../../../kube/backoff.ts';
import type { Source, SourceConfig } from '../source.ts';
import type { SourcePosition, StreamEntry } from '../stream-entry.ts';
import { Attempts } from './attempts.ts';
import type { PipelineFailure } from './pipeline-failure.ts';
import type { SnapshotReport, SnapshotTrigger } from './pipeline-report.ts';
import type { PipelineStatus } from './pipeline-status.ts';
import { SnapshotGuard } from './snapshot-guard.ts';
import { SnapshotRun } from './snapshot-run.ts';
import type { SnapshotPart, SnapshotStep } from './snapshot-run.ts';

export interface SnapshotsOptions {
  readonly source: Source;
  readonly sourceConfig: SourceConfig;
  readonly wanted: readonly string[] | undefined;
  readonly status: PipelineStatus;
  readonly logger: Logger;
  /** How many keys may be remembered while a chunk is under way; 500,000 unless set. */
  readonly maxKeys?: number;
  /** Called when `step` may have something. */
  readonly onReady: () => void;
}

/** A snapshot that cannot be read is begun again after so long, while messages go on. */
const RETRY = { minMs: 60_000, maxMs: 600_000 };

/** The snapshots of a pipeline: one at a time, over as many stretches as it takes. */
export class Snapshots {
  readonly #options: SnapshotsOptions;
  #run: SnapshotRun | undefined;
  /** Whether what is missing since the position was lost is in the snapshot that runs. */
  #makesUp = true;
  /** Of `performance.now()`. */
  #begunAt = -Infinity;
  #failures = 0;
  #retryAt: number | undefined;

  constructor(options: SnapshotsOptions) {
    this.#options = options;
  }

  get #report(): SnapshotReport | undefined {
    return this.#options.status.snapshot;
  }

  get isRunning(): boolean {
    return this.#report?.state === 'Running';
  }

  /** Whether one was begun, from the start, after this time of `performance.now()`. */
  hasBegunSince(time: number): boolean {
    return this.#begunAt >= time;
  }

  /** Begins one, unless one runs. */
  request(trigger: SnapshotTrigger): void {
    if (this.isRunning) return;
    this.restart(trigger);
  }

  /** Begins one from the start, also in place of one that runs. */
  restart(trigger: SnapshotTrigger): void {
    this.#makesUp = true;
    this.#begunAt = performance.now();
    this.#failures = 0;
    this.#retryAt = undefined;
    this.#abandonRun();
    this.#set({ state: 'Running', trigger, startTime: new Date().toISOString(), rows: 0 });
    this.#options.logger.info({ trigger }, 'a snapshot begins');
  }

  /** Whether a consumer that was put back to how it was at an ISO time may lack rows of the last snapshot. */
  mayLack(time: string): boolean {
    const { state, completionTime } = this.#report ?? {};
    if (state === 'Running') return true;
    return state === 'Succeeded' && !(Date.parse(completionTime ?? '') < Date.parse(time));
  }

  /** Goes on with one that another pipeline of the task had begun or could not read. */
  resume(): void {
    this.#makesUp = this.#options.status.positionLoss?.reason === 'SnapshotNeeded';
    if (this.#report?.state === 'Failed') this.#goOn(this.#report);
  }

  /**
   * Called between pushes. `position` lies behind all entries that were read so far, undefined inside a transaction. The next stretch
   * begins when there is one to do; it hears of all entries from now on.
   */
  prepare(position: SourcePosition | undefined): void {
    const report = this.#report;
    if (report?.state === 'Failed' && this.#retryAt !== undefined && performance.now() >= this.#retryAt)
      this.#goOn(report);
    if (!this.isRunning) return;
    if (this.#run?.isOverrun) {
      this.#options.logger.warn(
        'more rows changed than can be remembered while a chunk was under way: it is read again',
      );
      this.#abandonRun();
    }
    this.#run ??= this.#newRun();
    if (position !== undefined && !this.#run.hasBegun) this.#run.begin(position);
  }

  record(entries: readonly StreamEntry[]): void {
    if (this.#run !== undefined) for (const entry of entries) this.#run.record(entry);
  }

  /** Whether `step` has something to do. */
  isReady(position: SourcePosition | undefined): boolean {
    return this.#run?.isReady(position) ?? false;
  }

  step(position: SourcePosition | undefined, rows: number): SnapshotStep {
    return this.#run?.step(position, rows) ?? { kind: 'Wait' };
  }

  /** The consumer has the part, of which it wanted so many rows. */
  acknowledge(part: SnapshotPart, rows: number): void {
    const report = this.#report;
    if (report === undefined || this.#run === undefined) return;
    const done = this.#run.acknowledge(part);
    const { event_schema, table, progress } = part.chunk;
    this.#failures = 0;
    this.#set({
      ...report,
      rows: report.rows + rows,
      table: `${event_schema}.${table}`,
      tablesDone: progress.tablesDone,
      tablesTotal: progress.tablesTotal,
      ...(done && { cursor: part.chunk.cursor }),
    });
  }

  readAgain(): void {
    this.#run?.readAgain();
  }

  succeeded(): void {
    if (this.#makesUp) this.#options.status.lossIsMadeUpFor();
    this.#end('Succeeded');
  }

  /** The consumer wants it no longer. */
  obsolete(): void {
    this.#end('Obsolete', 'the consumer answered that the snapshot is obsolete');
  }

  failed(failure: PipelineFailure): void {
    this.#failures += 1;
    this.#retryAt = failure.retryable ? performance.now() + backoffMs(this.#failures, RETRY) : undefined;
    this.#options.logger.error({ err: failure, again: failure.retryable }, 'a snapshot failed');
    this.#end('Failed', failure.message);
  }

  /** The stream ends here, or this pipeline: what is left is for the next stretch. */
  async close(): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    await run?.close();
  }

  #newRun(): SnapshotRun {
    const { source, sourceConfig, wanted, logger, maxKeys, onReady } = this.#options;
    const { maxRetries, retryDelayMs } = sourceConfig;
    const attempts = new Attempts({ maxRetries, retryDelayMs, logger });
    const guard = new SnapshotGuard(maxKeys);
    return new SnapshotRun({ source, wanted, cursor: this.#report?.cursor, attempts, onReady }, guard);
  }

  #abandonRun(): void {
    void this.close().catch((err: unknown) => {
      this.#options.logger.warn({ err }, 'a snapshot that is not wanted any more could not be closed');
    });
  }

  #goOn(report: SnapshotReport): void {
    const { completionTime: _ended, message: _failure, ...rest } = report;
    this.#retryAt = undefined;
    this.#set({ ...rest, state: 'Running' });
  }

  #end(state: SnapshotReport['state'], message?: string): void {
    const report = this.#report;
    this.#abandonRun();
    if (report === undefined) return;
    // A cursor is where to go on: only what has failed will.
    const { cursor, ...rest } = report;
    this.#set({
      ...rest,
      ...(state === 'Failed' && cursor !== undefined && { cursor }),
      state,
      completionTime: new Date().toISOString(),
      ...(message !== undefined && { message }),
    });
  }

  #set(report: SnapshotReport): void {
    const { status } = this.#options;
    status.setSnapshot(report);
  }
}
