import type { BusInfo } from '../event-bus.ts';
import type { SnapshotCursor } from '../snapshot.ts';
import type { Checkpoint, SourcePosition } from '../stream-entry.ts';
import type { SyncFlag } from './sync-state.ts';

/** Why a snapshot is made. */
export type SnapshotTrigger = 'FirstStart' | 'PositionLost' | 'ConsumerRequest';

/** As `SyncTask.status.snapshot` has it. Times are ISO texts. */
export interface SnapshotReport {
  readonly state: 'Running' | 'Succeeded' | 'Failed' | 'Obsolete';
  readonly trigger: SnapshotTrigger;
  readonly startTime: string;
  readonly completionTime?: string;
  /** Rows that the consumer has of it. */
  readonly rows: number;
  /** `schema.table` */
  readonly table?: string;
  readonly tablesDone?: number;
  readonly tablesTotal?: number;
  /** Behind the last chunk that the consumer has; a restart goes on there. */
  readonly cursor?: SnapshotCursor;
  readonly message?: string;
}

/** Changes were missed, because the source does not have them any more. */
export interface PositionLoss {
  /** `SnapshotNeeded`: a snapshot makes up for it. `Skipped`: nothing does (`onPositionLost`). */
  readonly reason: 'SnapshotNeeded' | 'Skipped' | 'Failed';
  readonly message: string;
}

export interface PipelineError {
  /** Stable, CamelCase. */
  readonly reason: string;
  /** What happened, to what, what to do; no secret. */
  readonly message: string;
  /** ISO. */
  readonly time: string;
}

/** Since the pipeline began. */
export interface PipelineStatistics {
  /** Rows of messages and snapshots. */
  readonly events_pushed: number;
  /** Of the last message that the consumer has; undefined: none since the pipeline began. */
  readonly last_pushed_event_id: number | undefined;
  readonly pushes: number;
  readonly push_failures: number;
  readonly push_latency_seconds_sum: number;
  readonly push_latency_seconds_count: number;
  readonly rows_rejected: number;
}

/** What there is to say of a pipeline at one moment: the parts of `SyncTask.status` that it knows. */
export interface PipelineReport {
  /** For `showState`, to which the runner adds what it knows. None: stopped. */
  readonly flags: readonly SyncFlag[];
  /** For a person. */
  readonly info: string;
  readonly bus: BusInfo | undefined;
  readonly statistics: PipelineStatistics;
  /** Newest first. */
  readonly checkpoints: readonly Checkpoint[];
  /** The last message that the consumer has, and the newest checkpoint's place in the log. */
  readonly position: { readonly index: number; readonly position?: SourcePosition; readonly time?: string } | undefined;
  readonly lagMs: number | undefined;
  readonly snapshot: SnapshotReport | undefined;
  /** Undefined: nothing is missing. */
  readonly positionLoss: PositionLoss | undefined;
  /** What keeps data from flowing for now, while it is tried again. */
  readonly trouble?: PipelineError | undefined;
  /** The last error; it stays when it is over, until there is another. */
  readonly error: PipelineError | undefined;
}

/** How a pipeline ended. */
export type PipelineEnd =
  /** Its signal aborted. */
  | { readonly kind: 'Stopped' }
  /** The task is another agent's now. */
  | { readonly kind: 'Lost' }
  /** `retryable`: the same may succeed later; else the configuration or a server must be changed first. */
  | { readonly kind: 'Failed'; readonly error: PipelineError; readonly retryable: boolean };
