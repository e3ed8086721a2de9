import type { BusInfo } from '../event-bus.ts';
import type { Checkpoint, SourcePosition } from '../stream-entry.ts';
import { withCheckpoint } from './checkpoint-list.ts';
import type { PipelineFailure } from './pipeline-failure.ts';
import type { EarlierReport } from './pipeline-options.ts';
import type { PipelineError, PipelineReport, PositionLoss, SnapshotReport } from './pipeline-report.ts';
import type { SyncFlag } from './sync-state.ts';

/** The place in the source's log up to which the consumer has everything. */
export interface StreamCursor {
  readonly index: number;
  readonly sentIndex: number;
  readonly position: SourcePosition;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** What must succeed for data to flow. */
export type Work = 'fields' | 'session' | 'stream' | 'push';

/** As the original says it once a snapshot is over (facts §1.7). */
const CLEANED = '快照同步任务已清理。';
const SNAPSHOT_INFO = {
  Running: '消息同步进行中，快照同步任务正在并发执行。',
  Succeeded: CLEANED,
  Obsolete: CLEANED,
  Failed: '消息同步进行中，快照同步任务失败。',
} as const;

/** All that a pipeline tells of itself. Its parts write, `report` reads. */
export class PipelineStatus {
  readonly #flags = new Set<SyncFlag>();
  readonly #onChange: () => void;
  readonly #counts = { rows: 0, pushes: 0, failures: 0, seconds: 0 };
  #info = '';
  #checkpoints: readonly Checkpoint[];
  #cursor: StreamCursor | undefined;
  #sentIndex: number | undefined;
  #lastPushed: number | undefined;
  #lagMs: number | undefined;
  #snapshot: SnapshotReport | undefined;
  #positionLoss: PositionLoss | undefined;
  #error: PipelineError | undefined;
  /** What is being tried again. */
  readonly #troubles = new Map<Work, PipelineError>();

  constructor(earlier: EarlierReport, onChange: () => void) {
    this.#checkpoints = earlier.checkpoints;
    this.#snapshot = earlier.snapshot;
    this.#positionLoss = earlier.positionLoss;
    this.#onChange = onChange;
  }

  get checkpoints(): readonly Checkpoint[] {
    return this.#checkpoints;
  }

  get snapshot(): SnapshotReport | undefined {
    return this.#snapshot;
  }

  get positionLoss(): PositionLoss | undefined {
    return this.#positionLoss;
  }

  /** Sets and clears flags, and says why. */
  change(set: readonly SyncFlag[], clear: readonly SyncFlag[], info: string): void {
    for (const flag of clear) this.#flags.delete(flag);
    for (const flag of set) this.#flags.add(flag);
    this.#info = info;
    this.#onChange();
  }

  /** The stream begins with these checkpoints left, and a consumer that has everything up to `sentIndex`. */
  began(checkpoints: readonly Checkpoint[], sentIndex: number, loss: PositionLoss | undefined): void {
    this.#checkpoints = checkpoints;
    this.#cursor = undefined;
    this.#sentIndex = sentIndex;
    if (loss !== undefined) this.#positionLoss = loss;
  }

  moved(cursor: StreamCursor): void {
    this.#cursor = cursor;
  }

  /** There is something that should be written soon. */
  touch(): void {
    this.#onChange();
  }

  /** Messages up to this index are the consumer's. */
  sent(index: number): void {
    this.#sentIndex = index;
    this.#lastPushed = index;
  }

  /** How old the last change was when it was dealt with. */
  lags(ms: number): void {
    this.#lagMs = ms;
  }

  caughtUp(): void {
    if (this.#lagMs !== undefined) this.#lagMs = 0;
  }

  pushed(rows: number, seconds: number): void {
    this.#counts.rows += rows;
    this.#counts.pushes += 1;
    this.#counts.seconds += seconds;
  }

  pushFailed(): void {
    this.#counts.failures += 1;
  }

  setSnapshot(snapshot: SnapshotReport): void {
    const changed = snapshot.state !== this.#snapshot?.state || snapshot.startTime !== this.#snapshot.startTime;
    this.#snapshot = snapshot;
    if (!changed) return;
    this.#info = SNAPSHOT_INFO[snapshot.state];
    this.#onChange();
  }

  losePosition(loss: PositionLoss): void {
    this.#positionLoss = loss;
  }

  lossIsMadeUpFor(): void {
    this.#positionLoss = undefined;
  }

  /** Why this cannot be done for now, and is tried again; undefined once it could. */
  trouble(work: Work, failure: PipelineFailure | undefined): void {
    const before = this.#troubles.get(work)?.reason;
    if (failure === undefined) this.#troubles.delete(work);
    else {
      const { reason, message } = failure;
      this.#troubles.set(work, { reason, message, time: new Date().toISOString() });
    }
    if (before !== failure?.reason) this.#onChange();
  }

  failed({ reason, message }: PipelineFailure): PipelineError {
    this.#error = { reason, message, time: new Date().toISOString() };
    return this.#error;
  }

  /** `rejected`: rows. The cursor becomes the newest checkpoint. */
  report(bus: BusInfo | undefined, rejected: number): PipelineReport {
    this.#keepCursor();
    const { rows, pushes, failures, seconds } = this.#counts;
    const newest = this.#checkpoints[0];
    return {
      flags: this.#presentFlags(),
      info: this.#info,
      bus,
      statistics: {
        events_pushed: rows,
        last_pushed_event_id: this.#lastPushed,
        pushes,
        push_failures: failures,
        push_latency_seconds_sum: seconds,
        push_latency_seconds_count: pushes,
        rows_rejected: rejected,
      },
      checkpoints: this.#checkpoints,
      position:
        this.#sentIndex === undefined
          ? undefined
          : { index: this.#sentIndex, ...(newest && { position: newest.position, time: newest.time }) },
      lagMs: this.#lagMs,
      snapshot: this.#snapshot,
      positionLoss: this.#positionLoss,
      trouble: [...this.#troubles.values()].at(-1) ?? bus?.trouble,
      error: this.#error,
    };
  }

  #presentFlags(): readonly SyncFlag[] {
    const flags = [...this.#flags];
    const works = this.#flags.has('MESSAGE_SYNC');
    return works && this.#snapshot?.state === 'Running' ? [...flags, 'SNAPSHOT_SYNC'] : flags;
  }

  #keepCursor(): void {
    if (this.#cursor === undefined) return;
    const { index, sentIndex, position, at } = this.#cursor;
    this.#checkpoints = withCheckpoint(this.#checkpoints, {
      index,
      ...(sentIndex === index ? {} : { sentIndex }),
      position,
      time: new Date(at).toISOString(),
    });
  }
}
