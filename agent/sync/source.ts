import type { Logger } from 'pino';
import type { DriverAction } from './driver-action.ts';
import type { EventBus } from './event-bus.ts';
import type { Credential } from '../executors/executor.ts';
import type { SnapshotReader } from './snapshot.ts';
import type { Checkpoint, SourcePosition, StreamEntry } from './stream-entry.ts';
import type { Wizard } from './wizard.ts';

/** A SyncSource with its login. */
export interface SourceConfig {
  /** As REST knows it. */
  readonly id: string;
  readonly driver: string;
  readonly uri: string;
  /** Undefined: it has none. */
  readonly credential: Credential | undefined;
  readonly driverParams: Readonly<Record<string, unknown>>;
  /** In events, at least 1. */
  readonly maxQueueSize: number;
  readonly maxRetries: number;
  readonly retryDelayMs: number;
}

export interface SourceTools {
  readonly logger: Logger;
  /** A folder of this source's own that outlives the agent's process; made when first used. */
  readonly stateFolder: string;
  /** Whether the agent lets tasks use this path on its host; every path unless set. */
  readonly mayRead?: (path: string) => Promise<boolean>;
  /** Names the SyncTask: what a source keeps on a server for it (a replication slot) is named after it. */
  readonly taskUid: string;
}

export interface StreamStart {
  /** Undefined: from now on. */
  readonly checkpoint: Checkpoint | undefined;
  /** No index may be this or lower, but those that follow from the checkpoint. −1: none. */
  readonly afterIndex: number;
}

/** What the source no longer has: the log was purged, the slot or the index is gone, or it is another server. */
export class PositionLostError extends Error {
  override readonly name = 'PositionLostError';
}

/** A failure of a source or its server. No secret stands in its message. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
  /** Stable, in CamelCase: ConnectionFailed, AuthenticationFailed, PrivilegeMissing, ConfigurationInvalid, … */
  readonly reason: string;
  /** Whether the same may succeed later with nothing changed here. */
  readonly retryable: boolean;

  constructor(reason: string, message: string, options: { readonly retryable: boolean; readonly cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.retryable = options.retryable;
  }
}

/** The names of the fields that are asked for, such as `db.table.column`; undefined is all. May change while a stream runs. */
export type WantedFields = () => readonly string[] | undefined;

export interface SnapshotStart {
  readonly wanted: readonly string[] | undefined;
  /**
   * The newest position that the stream has brought: the reader is not given before all up to there is visible to its reads,
   * for a transaction may be in the log before it is visible.
   */
  readonly after: SourcePosition | undefined;
}

/** Where changes and rows come from. Fails with `SourceError` or `PositionLostError`; never tries again by itself. */
export interface Source {
  /**
   * The changes from a start on, until the signal aborts. The first array comes as soon as the stream stands and holds an entry
   * whose position is the start's. Reads on only while it is asked for more. An iterator that ended or failed is not used again.
   */
  stream?(start: StreamStart, wanted: WantedFields, signal: AbortSignal): AsyncIterable<readonly StreamEntry[]>;
  /** In place of `stream`: a bus of the source's own, where changes coalesce. */
  openBus?(): EventBus;
  openSnapshot(start: SnapshotStart, signal: AbortSignal): Promise<SnapshotReader>;
  /**
   * Tells the server that nothing before this position is needed again. Called after the checkpoint is durable, with growing
   * positions; undefined where servers do not ask.
   */
  release?(position: SourcePosition): Promise<void>;
  /** Frees what it holds here; leaves what it keeps on the server. */
  close(): Promise<void>;
}

/** One kind of source (facts: driver). Registered in sources/registry.ts. */
export interface SourceDriver {
  readonly name: string;
  readonly wizard: Wizard;
  /** By the names of the manual, §3; those that are missing answer that they are not implemented for this driver. */
  readonly actions: Readonly<Partial<Record<SourceActionName, DriverAction>>>;
  /**
   * Sources of the same signature show the same changes: they share a bus. No secret can be read from it. It holds `taskUid` where
   * the server keeps a place in its log for each reader, as PostgreSQL does: then each SyncTask has a bus of its own (ADR 0025).
   */
  signature(config: SourceConfig, taskUid: string): string;
  /** Checks the configuration, connects to nothing. Throws a `SourceError` that is not retryable. */
  open(config: SourceConfig, tools: SourceTools): Source;
  /** Removes what `open` and its streams left on the server for a SyncTask that is gone, such as a replication slot. */
  forget?(config: SourceConfig, taskUid: string, signal: AbortSignal): Promise<void>;
}

export type SourceActionName =
  'test_connection' | 'check_params' | 'create_agent_user' | 'check_privileges' | 'discover_fields_no_cache';
