import { hash } from 'node:crypto';
import type { Logger } from 'pino';
import { backoffMs, sleep } from '../kube/backoff.ts';
import { timeoutSecondsOf } from '../kube/task-state.ts';
import type { DeployTask } from '../kube/types/deploytask.ts';
import { EvidenceNote } from './journal/evidence-note.ts';
import { failed, TaskAborted } from './executors/executor.ts';
import type { AbortKind, ExecutionContext, Outcome } from './executors/executor.ts';
import type { Executors } from './executors/registry.ts';
import { FileUnavailable } from './files/file-unavailable.ts';
import type { TaskFile } from './files/task-file.ts';
import type { TaskFiles } from './files/task-files.ts';
import { refusalOf } from './refusal.ts';
import type { RunReport } from './journal/journal-record.ts';
import type { LogLevel } from './output/log-line.ts';
import { TaskOutput } from './output/task-output.ts';
import type { Uploader } from './output/uploader.ts';
import { cutText } from './output/utf8.ts';
import { MAX_ERROR_BYTES, withinBudget } from './run-report.ts';
import { ApiError } from './tiangong-api.ts';
import type { TiangongApi } from './tiangong-api.ts';

export interface TaskRunTools {
  readonly executors: Executors;
  /** Undefined: the agent knows no address of the API. */
  readonly api: TiangongApi | undefined;
  readonly uploader: Uploader | undefined;
  /** Undefined: no task has a file. */
  readonly files?: TaskFiles;
  readonly logger: Logger;
  /** Told of every process that does a run's work. */
  readonly processStarted: (run: { uid: string; epoch: number }, pid: number) => void;
  /** Told how far a run has come. */
  readonly evidence: (run: { uid: string; epoch: number }, text: string) => void;
}

type AbortedOutcome = Pick<RunReport, 'state' | 'reason'>;

/** How a run ends that was aborted. Gone is not reported at all. */
const ABORTED: Readonly<Record<AbortKind, AbortedOutcome>> = {
  User: { state: 'Canceled', reason: 'CanceledByUser' },
  Timeout: { state: 'Failed', reason: 'TimeoutExceeded' },
  Shutdown: { state: 'Failed', reason: 'AgentStopped' },
  Fenced: { state: 'Unknown', reason: 'AgentLost' },
  Gone: { state: 'Canceled', reason: 'CanceledByUser' },
  Output: { state: 'Failed', reason: 'OutputTooLarge' },
};

const FETCH_BACKOFF = { minMs: 250, maxMs: 4_000 };
const FETCH_TRIES = 6;

/** One run of one task: from its start, which is already on record, to what is to be reported. */
export class TaskRun {
  readonly uid: string;
  readonly epoch: number;
  readonly namespace: string;
  readonly name: string;
  readonly idempotent: boolean;
  readonly #tools: TaskRunTools;
  readonly #resumed: boolean;
  readonly #controller = new AbortController();
  #output: TaskOutput | undefined;

  /** `resumed`: an earlier process had begun this run, and its executor goes on with it. */
  constructor(
    id: { uid: string; epoch: number; namespace: string; name: string; idempotent: boolean },
    tools: TaskRunTools,
    resumed = false,
  ) {
    this.uid = id.uid;
    this.epoch = id.epoch;
    this.namespace = id.namespace;
    this.name = id.name;
    this.idempotent = id.idempotent;
    this.#tools = tools;
    this.#resumed = resumed;
  }

  /** Why the run was aborted, if it was. */
  get aborted(): AbortKind | undefined {
    return this.#controller.signal.aborted ? (this.#controller.signal.reason as TaskAborted).kind : undefined;
  }

  /** Ends the work. The first reason counts. */
  abort(kind: AbortKind, message: string): void {
    this.#controller.abort(new TaskAborted(kind, message));
  }

  /** Does the work; resolves with what is to be reported, when nothing of the work goes on any more. Never rejects. */
  async execute(task: DeployTask): Promise<RunReport> {
    const startTime = task.status?.startTime ?? new Date().toISOString();
    const startedAt = performance.now();
    const output = new TaskOutput({
      uid: this.uid,
      epoch: this.epoch,
      uploader: this.#tools.uploader,
      onOverflow: (message) => this.abort('Output', message),
    });
    this.#output = output;
    void output.log('info', 'Task started');
    const seconds = timeoutSecondsOf(task);
    const timer = setTimeout(() => this.abort('Timeout', `timed out after ${seconds} seconds`), seconds * 1000);
    let outcome: Outcome;
    try {
      outcome = await this.#execute(task, output);
    } catch (err) {
      this.#tools.logger.error({ err, uid: this.uid, type: task.spec.type }, 'an executor failed');
      outcome = failed('InternalError', 'the agent failed while it ran the task; its log says more');
    }
    clearTimeout(timer);
    const duration = performance.now() - startedAt;
    const end = this.#end(outcome);
    if (end.state === 'Succeeded') void output.log('info', 'Task completed successfully');
    else void output.log('error', `Task ${end.state === 'Canceled' ? 'canceled' : 'failed'}: ${end.message}`);
    const fields = {
      startTime,
      completionTime: new Date().toISOString(),
      duration: `${Math.round(duration) / 1000}s`,
      ...(outcome.exitCode === undefined ? {} : { exitCode: outcome.exitCode }),
      ...(end.state === 'Succeeded' ? {} : { error: end.message }),
      ...(await output.end()),
    };
    return withinBudget({ ...end, fields });
  }

  /** After `execute`: waits until the API has what the report lacks, within the bounds of `TaskOutput.acknowledged`. */
  async outputAcknowledged(hurry: AbortSignal): Promise<void> {
    await this.#output?.acknowledged(hurry);
  }

  /** Forgets the output: nobody waits for it. */
  async abandon(): Promise<void> {
    await this.#output?.abandon();
  }

  async #execute(task: DeployTask, output: TaskOutput): Promise<Outcome> {
    const { signal } = this.#controller;
    if (signal.aborted) return failed('NotStarted', 'the task was stopped before its work began');
    const executor = this.#tools.executors.get(task.spec.type);
    if (executor === undefined) return failed('TaskTypeNotSupported', 'unsupported task type');
    const refusal = refusalOf(task);
    if (refusal !== undefined) return refusal;
    const command = await this.#command(task);
    if (command instanceof Error) return failed('CommandUnavailable', command.message);
    const { fileId } = task.spec;
    const files: TaskFile[] = [];
    const evidence = new EvidenceNote((text) => this.#tools.evidence(this, text));
    const context: ExecutionContext = {
      uid: this.uid,
      epoch: this.epoch,
      command,
      params: task.spec.params ?? {},
      signal,
      output,
      rollback: output.rollback,
      resumed: this.#resumed,
      credential: (name) => this.#credential(name),
      fileId,
      file: async () => {
        const file = await this.#file(task, output);
        files.push(file);
        return file;
      },
      processStarted: (pid) => this.#tools.processStarted(this, pid),
      evidence: (text) => evidence.set(text),
    };
    return executor.execute(context).finally(() => {
      evidence.end();
      for (const file of files) file.release();
    });
  }

  #end(outcome: Outcome): Omit<RunReport, 'fields'> {
    const { signal } = this.#controller;
    const own = cutText(outcome.message, MAX_ERROR_BYTES);
    // What nobody can know is not known better because the task was to be stopped.
    if (outcome.state === 'Unknown' && this.aborted !== 'Gone')
      return { state: 'Unknown', reason: outcome.reason, message: own };
    const message = signal.aborted ? cutText((signal.reason as Error).message, MAX_ERROR_BYTES) : own;
    if (this.aborted !== undefined) return { ...ABORTED[this.aborted], message };
    if (outcome.state === 'Succeeded') return { state: 'Succeeded', reason: 'Completed', message };
    return { state: outcome.state, reason: outcome.reason, message };
  }

  async #command(task: DeployTask): Promise<string | Error> {
    const blob = task.spec.commandFrom?.blob;
    if (blob === undefined) return task.spec.command ?? '';
    const { api } = this.#tools;
    if (api === undefined) return new Error('the command is in the store, and the agent knows no address of the API');
    const { signal } = this.#controller;
    for (let tries = 1; ; tries += 1) {
      try {
        const bytes = await api.command(this.uid, blob.bytes, signal);
        if (bytes.length !== blob.bytes || hash('sha256', bytes) !== blob.sha256)
          throw new Error('the command is not the one that the task names (its digest differs)');
        return bytes.toString('utf8');
      } catch (err) {
        if (tries === FETCH_TRIES || signal.aborted)
          return new Error(`the command could not be fetched from the API: ${(err as Error).message}`);
        await sleep(backoffMs(tries, FETCH_BACKOFF), signal);
      }
    }
  }

  #file(task: DeployTask, output: TaskOutput): Promise<TaskFile> {
    const { files } = this.#tools;
    if (files === undefined) return Promise.reject(new FileUnavailable('FileUnavailable', 'this agent keeps no files'));
    const { fileId, fileSha256, params = {} } = task.spec;
    const log = (level: LogLevel, message: string): void => void output.log(level, message);
    return files.find({ uid: this.uid, fileId, fileSha256, params, signal: this.#controller.signal, log });
  }

  #credential(name: string): ReturnType<TiangongApi['credential']> {
    const { api } = this.#tools;
    if (api === undefined) return Promise.reject(new Error('the agent knows no address of the API to ask for it'));
    return api.credential(this.uid, name, this.#controller.signal).catch((err: unknown) => {
      // Users know nothing of the calls between agent and API.
      throw err instanceof ApiError ? new Error(err.detail, { cause: err }) : err;
    });
  }
}
