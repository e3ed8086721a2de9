import type { Logger } from 'pino';
import type { FieldMapping } from '../mapping/field-mapping.ts';
import type { SubscribeOptions, Subscription } from '../event-bus.ts';
import type { Pusher, PusherConfig } from '../pusher.ts';
import type { Source, SourceConfig } from '../source.ts';
import type { Checkpoint } from '../stream-entry.ts';
import type { PositionLoss, SnapshotReport } from './pipeline-report.ts';

/** What an earlier pipeline of the task has reported, as `SyncTask.status` holds it. */
export interface EarlierReport {
  /** Newest first. */
  readonly checkpoints: readonly Checkpoint[];
  readonly snapshot: SnapshotReport | undefined;
  readonly positionLoss: PositionLoss | undefined;
}

export interface PipelineOptions {
  /** The SyncTask's id, as REST knows it. */
  readonly syncId: string;
  /** What consumers know the task by: `<uid of the SyncTask>:<its id>`. */
  readonly taskId: string;
  readonly fieldsMapping: readonly FieldMapping[];
  readonly onPositionLost: 'Snapshot' | 'Fail' | 'SkipToLatest';
  readonly source: Source;
  /** What `source` was opened with: how often and how soon to try again. */
  readonly sourceConfig: SourceConfig;
  /** A place on the source's bus, of the agent's registry of buses. */
  readonly subscribe: (options: SubscribeOptions, signal: AbortSignal) => Promise<Subscription>;
  readonly pusher: Pusher;
  /** What `pusher` was opened with. */
  readonly pusherConfig: PusherConfig;
  readonly earlier: EarlierReport;
  /**
   * Whether the task is still assigned to this process at its epoch, by a fresh read. Asked before each session is opened. Rejects when
   * it cannot be known now: it is asked again.
   */
  readonly mayOpenSession: (signal: AbortSignal) => Promise<boolean>;
  readonly logger: Logger;
  readonly times?: Partial<PipelineTimes>;
}

/** In milliseconds. */
export interface PipelineTimes {
  /** A stream that brings nothing for so long after its start lets the consumer be asked (facts §1.5, initial trigger). */
  readonly triggerMs: number;
  /** The longest wait for changes at once. */
  readonly idleMs: number;
  /** How long a push may still take when the pipeline is stopped. */
  readonly stopMs: number;
  /** How long the stream and then the session may take to be closed, each. */
  readonly closeMs: number;
}

/** An agent that cannot renew its Lease stops pipelines from 12 s on; they must be gone by 18 s. */
export const PIPELINE_TIMES: PipelineTimes = {
  triggerMs: 200,
  idleMs: 1_000,
  stopMs: 2_500,
  closeMs: 1_500,
};
