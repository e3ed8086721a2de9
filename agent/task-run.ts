import { hash } from 'node:crypto';
import type { Logger } from 'pino';
import { backoffMs, sleep } from '../kube/backoff.ts';
import { timeoutSecondsOf } from '../kube/task-state.ts';
import type { DeployTask } from '../kube/types/deploytask.ts';
import { EvidenceNote } from './journal/evidence-note.ts';
import { failed, TaskAborted } from './executors/executor.ts';
import type { AbortKind, ExecutionContext, Outcome, Resumption } from './executors/executor.ts';
import type { Executors } from './executors/registry.ts';
import { FileUnavailable } from './files/file-unavailable.ts';
import type { TaskFile } from './files/task-file.ts';
import type { TaskFiles } from './files/task-files.ts';
import { refusalOf } from './refusal.ts';
import type { RunReport } from './journal/journal-record.ts';
import type { LogLevel } from './output/log-line.ts';
import { keptOutput } from './output/kept-output.ts';
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

/** How a run goes on that an earlier process of the agent began. */
export interface RunResumption extends Resumption {
  /** What is to be reported when `lookOnly` left something undone; undefined: that it failed. */
  readonly kind?: AbortKind | undefined;
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
/** A resumed run has at least this long. */
const LOOK_MS = 60_000;

/** One run of one task: from its start, which is already on record, to what is to be reported. */
export class TaskRun {
  readonly uid: string;
  readonly epoch: number;
  readonly namespace: string;
  readonly name: string;
  readonly idempotent: boolean;
  readonly #tools: TaskRunTools;
  readonly #resumption: RunResumption | undefined;
  readonly #controller = new AbortController();
  #output: TaskOutput | undefined;

  /** `resumption`: an earlier process had begun this run, and its executor goes on with it. */
  constructor(
    id: { uid: string; epoch: number; namespace: string; name: string; idempotent: boolean },
    tools: TaskRunTools,
    resumption?: RunResumption,
  ) {
    this.uid = id.uid;
    this.epoch = id.epoch;
    this.namespace = id.namespace;
    this.name = id.name;
    this.idempotent = id.idempotent;
    this.#tools = tools;
    this.#resumption = resumption;
  }

  /** Why the run was aborted, if it was. */
  get aborted(): AbortKind | undefined {
    return this.#controller.signal.aborted ? (this.#controller.signal.reason as TaskAborted).kind : undefined;
  }

  /** Whether a later process can go on with the run, should this one die. */
  isResumable(task: DeployTask): boolean {
    if (this.#resumption !== undefined) return true;
    return this.#tools.executors.get(task.spec.type)?.resumes?.(task.spec.params ?? {}) === true;
  }

  /** Ends the work. The first reason counts. */
  abort(kind: AbortKind, message: string): void {
    // It does nothing more anyway, and what it did is to be told.
    if (kind === 'User' && this.#resumption?.lookOnly !== undefined) return;
    this.#controller.abort(new TaskAborted(kind, message));
  }

  /** Does the work; resolves with what is to be reported, when nothing of the work goes on any more. Never rejects. */
  async execute(task: DeployTask): Promise<RunReport> {
    const startTime = task.status?.startTime ?? new Date().toISOString();
    const startedAt = performance.now();
    const output = await this.#openOutput(task);
    this.#output = output;
    void output.log('info', this.#resumption === undefined ? 'Task started' : 'The agent restarted while the task ran');
    const seconds = timeoutSecondsOf(task);
    // Looking at what was done takes the time that it takes.
    const left = this.#resumption === undefined ? seconds * 1000 : Math.max(LOOK_MS, msLeft(startTime, seconds));
    const timer = setTimeout(() => this.abort('Timeout', `timed out after ${seconds} seconds`), left);
    let outcome: Outcome;
    try {
      outcome = await this.#execute(task, output);
    } catch (err) {
      this.#tools.logger.error({ err, uid: this.uid, type: task.spec.type }, 'an executor failed');
      outcome = this.#notRun('InternalError', 'the agent failed while it ran the task; its log says more');
    }
    clearTimeout(timer);
    const duration =
      this.#resumption === undefined ? performance.now() - startedAt : Date.now() - Date.parse(startTime);
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
    if (signal.aborted) return this.#notRun('NotStarted', 'the task was stopped before its work began');
    const executor = this.#tools.executors.get(task.spec.type);
    if (executor === undefined) return this.#notRun('TaskTypeNotSupported', 'unsupported task type');
    const refusal = refusalOf(task);
    if (refusal !== undefined) return this.#notRun(refusal.reason, refusal.message);
    const command = await this.#command(task);
    if (command instanceof Error) return this.#notRun('CommandUnavailable', command.message);
    const { fileId } = task.spec;
    const files: TaskFile[] = [];
    const evidence = new EvidenceNote((text) => this.#tools.evidence(this, text));
    const context: ExecutionContext = {
      name: this.name,
      uid: this.uid,
      epoch: this.epoch,
      command,
      params: task.spec.params ?? {},
      signal,
      output,
      rollback: output.rollback,
      resumed: this.#resumption !== undefined,
      resumption: this.#resumption,
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
    const { kind } = this.#resumption ?? {};
    if (kind !== undefined && outcome.state === 'Failed' && outcome.reason === 'NotResumed')
      return { ...ABORTED[kind], message: own };
    const message = signal.aborted ? cutText((signal.reason as Error).message, MAX_ERROR_BYTES) : own;
    if (this.aborted !== undefined) return { ...ABORTED[this.aborted], message };
    if (outcome.state === 'Succeeded') return { state: 'Succeeded', reason: 'Completed', message };
    return { state: outcome.state, reason: outcome.reason, message };
  }

  /** The executor could not be asked: of a resumed run nobody knows then what it did before. */
  #notRun(reason: string, message: string): Outcome {
    if (this.#resumption === undefined) return failed(reason, message);
    return { state: 'Unknown', reason, message: `the agent restarted while the task ran; ${message}` };
  }

  async #openOutput(task: DeployTask): Promise<TaskOutput> {
    const { uid, epoch } = this;
    const { uploader, logger } = this.#tools;
    const resumed = this.#resumption !== undefined;
    const onOverflow = (message: string): void => this.abort('Output', message);
    const options = { uid, epoch, uploader, onOverflow, resumed, resumable: this.isResumable(task) };
    if (!resumed || uploader === undefined) return new TaskOutput(options);
    const kept = await keptOutput(uploader, uid, epoch).catch(async (err: unknown) => {
      logger.error({ err, uid }, 'what was kept of the output of a run cannot be read and is dropped');
      await uploader.abandon(uid, epoch);
      return undefined;
    });
    return new TaskOutput({ ...options, kept });
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
    return api.credential(this, name, this.#controller.signal).catch((err: unknown) => {
      // Users know nothing of the calls between agent and API.
      throw err instanceof ApiError ? new Error(err.detail, { cause: err }) : err;
    });
  }
}

const msLeft = (startTime: string, seconds: number): number => Date.parse(startTime) + seconds * 1000 - Date.now();
