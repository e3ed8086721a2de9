import type { Logger } from 'pino';
import type { Credential } from '../executors/executor.ts';
import type { DriverAction, FieldsSchema } from './driver-action.ts';
import type { SyncEvent } from './sync-event.ts';
import type { Wizard } from './wizard.ts';

/** A SyncPusher with its login. */
export interface PusherConfig {
  /** As REST knows it. */
  readonly id: string;
  readonly driver: string;
  readonly endpoint: string;
  readonly credential: Credential | undefined;
  readonly driverParams: Readonly<Record<string, unknown>>;
  /** Rows in a push, at least 1. */
  readonly batchSize: number;
  readonly maxRetries: number;
  readonly retryDelayMs: number;
}

export type PusherFailure =
  /** 419: a newer session has taken this one's place. */
  | 'SessionObsolete'
  /** 409 when a session is opened: another is still active. */
  | 'SessionConflict'
  /** 401 and 403. */
  | 'AuthenticationFailed'
  /** No answer, or the connection broke. */
  | 'ConnectionFailed'
  | 'Timeout'
  /** 408, 425, 429, 5xx. */
  | 'ConsumerUnavailable'
  /** Other answers of 400 and more. */
  | 'ConsumerRefused'
  /** An answer that means nothing, or a description of the consumer that cannot be used. */
  | 'AnswerInvalid'
  | 'ConfigurationInvalid';

/** A call of a consumer that failed. No secret stands in its message. */
export class PusherError extends Error {
  override readonly name = 'PusherError';
  readonly reason: PusherFailure;
  /** Whether the same may succeed later with nothing changed here. */
  readonly retryable: boolean;
  /** The HTTP status, if there was an answer. */
  readonly status: number | undefined;

  constructor(
    reason: PusherFailure,
    message: string,
    options: { readonly retryable: boolean; readonly status?: number; readonly cause?: unknown },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.retryable = options.retryable;
    this.status = options.status;
  }
}

export interface PushBatch {
  readonly sourceType: 'message' | 'snapshot';
  readonly events: readonly SyncEvent[];
  readonly isSnapshotEnd: boolean;
}

export interface PushAnswer {
  readonly snapshotNeeded: boolean;
}

/** One session with a consumer. Each call is tried once and rejects with a `PusherError`. */
export interface PushSession {
  readonly id: string;
  readonly heartbeatIntervalMs: number;
  /** After so long without a heartbeat the consumer ends the session, where it said so. */
  readonly timeoutMs: number | undefined;
  /** Whether the consumer takes from this session what it takes from one only; true where it has no such roles. */
  readonly isLeader: boolean;
  /** The index that the consumer has everything up to; −1 when it knows of none. */
  committedIndex(signal: AbortSignal): Promise<number>;
  /** May change `isLeader`. */
  heartbeat(signal: AbortSignal): Promise<void>;
  push(batch: PushBatch, signal: AbortSignal): Promise<PushAnswer>;
  close(signal: AbortSignal): Promise<void>;
}

/** A consumer, as one SyncTask sees it. */
export interface Pusher {
  /** What its rows must look like; no properties: as they come. */
  neededFields(signal: AbortSignal): Promise<FieldsSchema>;
  /** `taskId`: `<agent id>:<sync id>` on the wire (facts §1.5). */
  openSession(taskId: string, signal: AbortSignal): Promise<PushSession>;
  close(): Promise<void>;
}

/** One kind of consumer (facts: driver). Registered in pushers/registry.ts. */
export interface PusherDriver {
  readonly name: string;
  readonly wizard: Wizard;
  readonly actions: Readonly<Partial<Record<PusherActionName, DriverAction>>>;
  /** Checks the configuration, connects to nothing. Throws a `PusherError` that is not retryable. */
  open(config: PusherConfig, tools: { readonly logger: Logger }): Pusher;
}

export type PusherActionName = 'test_connection' | 'check_privileges' | 'discover_fields';
