import type { Logger } from 'pino';
import type { KubeClient } from '../../../kube/client.ts';
import type { Credential } from '../../executors/executor.ts';
import type { SharedSources } from '../bus/shared-sources.ts';
import type { PusherDriver } from '../pusher.ts';
import type { SourceDriver } from '../source.ts';

/** What the runs of one agent share. */
export interface SyncTools {
  readonly client: KubeClient;
  /** Reads a Secret that the source or the pusher of a SyncTask names. */
  credential(
    sync: { readonly uid: string; readonly namespace: string; readonly name: string; readonly epoch: number },
    ref: string,
    signal: AbortSignal,
  ): Promise<Credential>;
  readonly sources: SharedSources;
  readonly sourceDrivers: ReadonlyMap<string, SourceDriver>;
  readonly pusherDrivers: ReadonlyMap<string, PusherDriver>;
  /** Where sources keep what must outlive the process: a folder for each signature. */
  readonly stateFolder: string;
  /** Whether the agent lets tasks use this path on its host. */
  readonly mayRead: (path: string) => Promise<boolean>;
  readonly logger: Logger;
  readonly times?: Partial<SyncTimes>;
}

/** All in milliseconds. */
export interface SyncTimes {
  /** How often the status is written at most, but for changes of state. */
  readonly statusMs: number;
  /** The first wait before a pipeline that failed is started again; it doubles up to `maxRestartMs`. */
  readonly restartMs: number;
  readonly maxRestartMs: number;
  /** The same for what failed before there was a pipeline: a Secret that is not there yet, an API that is being started. */
  readonly earlyMs: number;
  readonly maxEarlyMs: number;
  /** A pipeline that ran for so long was healthy: the next wait is the first again. */
  readonly healthyMs: number;
}

export const SYNC_TIMES: SyncTimes = {
  statusMs: 5_000,
  restartMs: 30_000,
  maxRestartMs: 600_000,
  earlyMs: 2_000,
  maxEarlyMs: 60_000,
  healthyMs: 600_000,
};
