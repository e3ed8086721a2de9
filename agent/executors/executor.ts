import type { TaskFile } from '../files/task-file.ts';
import type { OutputNote } from '../output/kept-output.ts';
import type { LogLevel } from '../output/log-line.ts';
import type { TaskType } from '../../kube/task-state.ts';

/** Why a task's signal was aborted. */
export type AbortKind =
  /** A person asked for it by spec.cancel or by deleting the task. */
  | 'User'
  /** The task took longer than its timeoutSeconds. */
  | 'Timeout'
  /** The agent is being stopped. */
  | 'Shutdown'
  /** The agent could not renew its Lease, so that the work may be begun elsewhere. */
  | 'Fenced'
  /** The task is gone or is no longer this agent's: nobody waits for a report. */
  | 'Gone'
  /** The task printed more than the agent may keep. */
  | 'Output';

/** The reason that a task's signal carries. */
export class TaskAborted extends Error {
  override readonly name = 'TaskAborted';
  readonly kind: AbortKind;

  constructor(kind: AbortKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Where an executor puts what the work brings. */
export interface OutputSink {
  /**
   * Adds bytes to the result. When a promise comes back, the caller should give nothing more before it resolves: the
   * disk or the API is behind. It never rejects; what cannot be kept aborts the task's signal.
   */
  write(bytes: Buffer): Promise<void> | undefined;
  /** Adds lines to the log, in order, with the time of the call. The promise is as that of `write`. */
  log(level: LogLevel, ...messages: string[]): Promise<void> | undefined;
  /**
   * Of a run that may be resumed: what was written so far belongs to statements that are done, and stays if the agent dies
   * later, of the result nothing that comes after it.
   */
  checkpoint?(note: OutputNote): Promise<void>;
  /** Of a resumed run: the last checkpoint of the earlier process. What was written up to it is there. */
  readonly kept?: OutputNote | undefined;
}

/** A Secret's values, and the hosts that they may be sent to (undefined: any). */
export interface Credential {
  readonly data: Readonly<Record<string, string>>;
  readonly allowedHosts: readonly string[] | undefined;
}

/** What the executor says of the SQL that it gave to a `RollbackSink`. */
export interface RollbackSummary {
  /** Whether there is something to run. */
  readonly available: boolean;
  /** Whether it brings back every row as it was. */
  readonly exact: boolean;
  /** How many statements it has. */
  readonly statements: number;
  /** Why it is not available or not exact. */
  readonly message?: string;
}

/** Where an executor puts the SQL that undoes its work. */
export interface RollbackSink {
  /** Adds bytes, in the order in which they are to be run. The promise is as that of `OutputSink.write`. */
  write(bytes: Buffer): Promise<void> | undefined;
  /** To be called at most once, after the last `write`. Without it the task has no rollback, whatever was written. */
  end(summary: RollbackSummary): void;
}

/** What is known of a run that an earlier process of the agent began. */
export interface Resumption {
  /** What the executor last said by `evidence`. */
  readonly evidence: string | undefined;
  /** Why nothing more is to be executed (`canceled by user`): the executor only finds out what was done. */
  readonly lookOnly: string | undefined;
}

export interface ExecutionContext {
  /** The task's name, by which people find it. */
  readonly name: string;
  readonly uid: string;
  readonly epoch: number;
  /** What the task is to do, whole also when the resource names a blob. */
  readonly command: string;
  /** As the resource has them: checked by the schema, but unknown ones are there as well. */
  readonly params: Readonly<Record<string, unknown>>;
  /** Aborted with a `TaskAborted` as its reason. */
  readonly signal: AbortSignal;
  readonly output: OutputSink;
  readonly rollback: RollbackSink;
  /**
   * An earlier process of the agent began this very run, of the same uid and epoch, and died. Only where
   * `Executor.resumes` said yes: the executor finds out on the server what was done, and goes on from there.
   */
  readonly resumed: boolean;
  /** Only where `resumed`. */
  readonly resumption?: Resumption | undefined;
  /** Fetches a credential that the task names. Rejects when there is none or no API to ask. */
  credential(name: string): Promise<Credential>;
  /** The uploaded file that the task names. */
  readonly fileId: string | undefined;
  /** The task's file on this host; rejects with `FileUnavailable` when it cannot be had. */
  file(): Promise<TaskFile>;
  /** Tells the journal which process does the work, so that a later agent can end it. */
  processStarted(pid: number): void;
  /**
   * Tells the journal how far the work has come (`statement 3, backend pid 4711`), for a later agent to say if this one
   * dies. The last text counts; it survives a crash of the agent, but not always one of the host.
   */
  evidence(text: string): void;
}

/** How the work ended. An executor whose signal was aborted may return anything: the abort decides. */
export type Outcome =
  | { readonly state: 'Succeeded'; readonly message: string; readonly exitCode?: number }
  | {
      readonly state: 'Failed';
      /** One CamelCase word for the condition. */
      readonly reason: string;
      /** The task's error text. */
      readonly message: string;
      readonly exitCode?: number;
    }
  | {
      /** Nobody can know what the server made of it. */
      readonly state: 'Unknown';
      readonly reason: string;
      /** What is known, with the evidence. */
      readonly message: string;
      readonly exitCode?: undefined;
    };

/**
 * Does the work of one type of task.
 *
 * `execute` is called only after the journal has the start on disk, once per run. It resolves when nothing of the work
 * goes on any more, also after an abort, which it heeds within about ten seconds; it rejects only on a bug.
 */
export interface Executor {
  readonly type: TaskType;
  /** What is better done before the first task than during it. */
  prepare?(): Promise<void>;
  execute(context: ExecutionContext): Promise<Outcome>;
  /**
   * Whether a run with these parameters that an earlier process of the agent began may be executed again, with
   * `context.resumed`, since what was done can be found out where it was done. Without it such a run ends Unknown.
   */
  resumes?(params: Readonly<Record<string, unknown>>): boolean;
  /** Called once when the agent stops and no task runs any more: closes what is kept open between tasks. */
  close?(): Promise<void>;
}

export const failed = (reason: string, message: string, exitCode?: number): Outcome => ({
  state: 'Failed',
  reason,
  message,
  ...(exitCode === undefined ? {} : { exitCode }),
});
