import type { Logger } from 'pino';
import { backoffMs, sleep } from '../kube/backoff.ts';
import type { KubeClient } from '../kube/client.ts';
import { isNotFound } from '../kube/kube-error.ts';
import { deployTasks } from '../kube/resource.ts';
import { isCancelRequested } from '../kube/task-state.ts';
import type { DeployTask } from '../kube/types/deploytask.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { Journal } from './journal/journal.ts';
import { runKey } from './journal/journal-record.ts';
import { processStart } from './process-table.ts';
import type { Reporter } from './reporter.ts';
import { liveRun } from './run-life.ts';
import type { Start } from './run-life.ts';
import { isAssignedTo, restartTask, startTask } from './run-starter.ts';
import type { Starter } from './run-starter.ts';
import { TaskQueue } from './task-queue.ts';
import type { QueuedTask } from './task-queue.ts';
import { TaskRun } from './task-run.ts';
import type { RunResumption, TaskRunTools } from './task-run.ts';

export interface SchedulerOptions {
  readonly client: KubeClient;
  readonly starter: Starter;
  readonly journal: Journal;
  readonly heartbeat: Heartbeat;
  readonly reporter: Reporter;
  readonly tools: Omit<TaskRunTools, 'processStarted' | 'evidence'>;
  readonly logger: Logger;
}

/** While this many ends wait to be reported, nothing new is begun: what they hold is memory. */
const MAX_REPORTING = 1000;
/** A journal that could not be written is tried again this often. */
const JOURNAL_RETRY_MS = 5_000;
/** How long a stopping agent goes on trying to write reports; what is left is in the journal. */
const REPORT_GRACE_MS = 10_000;
/** Only of processes that live longer are pids recorded. */
const NOTE_PROCESS_MS = 250;
const LOOK_BACKOFF = { minMs: 200, maxMs: 10_000 };

interface Run {
  readonly run: TaskRun;
  /** Resolves when the work has ended; what is left then is to report it. */
  readonly worked: Promise<void>;
  ended: boolean;
  readonly done: Promise<void>;
}

/** Decides which of the agent's tasks runs when, and hears of everything that happens to them meanwhile. */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #tools: TaskRunTools;
  readonly #queue = new TaskQueue();
  readonly #runs = new Map<string, Run>();
  readonly #draining = new AbortController();
  readonly #stopping = new AbortController();
  #limit = 0;
  #working = 0;
  #journalRetry: NodeJS.Timeout | undefined;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#tools = {
      ...options.tools,
      processStarted: (run, pid) => this.#noteProcess(run, pid),
      evidence: ({ uid, epoch }, text) => options.journal.note({ t: 'evidence', key: runKey(uid, epoch), text }),
    };
    options.heartbeat.onRenewed(() => this.#pump());
    options.heartbeat.onFenced(() => this.#fence());
  }

  /** How many tasks may run at once; those that do go on when it is lowered. 0: nothing is begun yet. */
  setLimit(limit: number): void {
    this.#limit = limit;
    this.#pump();
  }

  /** How many tasks run. */
  get running(): number {
    return this.#working;
  }

  /** How many wait for their turn. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** Whether this process has the run in hand. */
  has(uid: string): boolean {
    return this.#runs.has(uid);
  }

  /** Told of every change of a task that is, or until now was, assigned to the agent and not at its end. */
  observe(task: DeployTask | undefined, previous: DeployTask | undefined): void {
    const uid = (task ?? previous)?.metadata.uid ?? '';
    const known = this.#runs.get(uid);
    if (task === undefined) {
      this.#queue.remove(uid);
      if (known !== undefined && !known.ended) void this.#lookAfter(known);
    } else if (known !== undefined) {
      if (isCancelRequested(task)) known.run.abort('User', 'canceled by user');
    } else if (isAssignedTo(task, this.#options.starter) && !isCancelRequested(task)) {
      this.#queue.put(toQueued(task));
      this.#pump();
    } else this.#queue.remove(uid);
  }

  /** Runs a task that an earlier process had moved to Running but not begun. `task` is as it was just read. */
  restart(task: DeployTask): void {
    const { client, logger } = this.#options;
    this.#begin(toQueued(task), () => restartTask(client, task, logger, this.#draining.signal));
  }

  /** Goes on with a task that an earlier process had begun. `task` is as it was just read. */
  resume(task: DeployTask, resumption: RunResumption): void {
    this.#begin(toQueued(task), () => Promise.resolve(task), resumption);
  }

  /** Begins nothing more. Resolves when all has ended, of which what is left after `graceMs`, or at `hurry`, is stopped. */
  async drain(graceMs: number, hurry: AbortSignal): Promise<void> {
    this.#draining.abort();
    clearTimeout(this.#journalRetry);
    const runs = [...this.#runs.values()];
    const over = new AbortController();
    const waiting = AbortSignal.any([hurry, over.signal]);
    const stopLate = sleep(graceMs, waiting).then(() => {
      if (over.signal.aborted) return;
      for (const { run } of runs) run.abort('Shutdown', 'the agent was stopped while the task ran');
    });
    await Promise.all(runs.map(({ worked }) => worked));
    // Reports that cannot be written now are in the journal, and their output is in the spool.
    const reported = Promise.all(runs.map(({ done }) => done));
    await Promise.race([reported, sleep(REPORT_GRACE_MS, waiting)]);
    over.abort();
    this.#stopping.abort();
    await Promise.all([reported, stopLate]);
  }

  #pump(): void {
    const { heartbeat, journal } = this.#options;
    while (
      this.#working < this.#limit &&
      this.#runs.size - this.#working < MAX_REPORTING &&
      heartbeat.mayStart &&
      !this.#draining.signal.aborted
    ) {
      if (!journal.healthy) {
        this.#journalRetry ??= setTimeout(() => void this.#probeJournal(), JOURNAL_RETRY_MS);
        return;
      }
      const next = this.#queue.take();
      if (next === undefined) return;
      const { client, starter, logger } = this.#options;
      this.#begin(next, () => startTask(client, starter, next, logger, this.#draining.signal));
    }
  }

  async #probeJournal(): Promise<void> {
    await this.#options.journal.probe();
    this.#journalRetry = undefined;
    this.#pump();
  }

  #begin(task: QueuedTask, start: Start, resumption?: RunResumption): void {
    const { journal, reporter, starter, logger } = this.#options;
    const run = new TaskRun(task, this.#tools, resumption);
    const signals = { draining: this.#draining.signal, stopping: this.#stopping.signal };
    const worked = Promise.withResolvers<void>();
    const onEnded = (): void => {
      entry.ended = true;
      worked.resolve();
      this.#working -= 1;
      this.#pump();
    };
    this.#working += 1;
    const life = { journal, reporter, instance: starter.instance, logger, ...signals };
    const done = liveRun(run, start, life, onEnded).finally(() => {
      this.#runs.delete(run.uid);
      this.#pump();
    });
    const entry: Run = { run, worked: worked.promise, ended: false, done };
    this.#runs.set(run.uid, entry);
  }

  /** A process is also known by its environment, so its pid need not be on record while it may end any moment. */
  #noteProcess({ uid, epoch }: { uid: string; epoch: number }, pid: number): void {
    const note = async (): Promise<void> => {
      const entry = this.#runs.get(uid);
      if (entry === undefined || entry.ended || entry.run.epoch !== epoch) return;
      this.#options.journal.note({ t: 'spawned', key: runKey(uid, epoch), pid, pidStart: await processStart(pid) });
    };
    setTimeout(() => void note(), NOTE_PROCESS_MS).unref();
  }

  #fence(): void {
    for (const { run } of this.#runs.values())
      if (run.idempotent) run.abort('Fenced', 'the agent could not renew its Lease and stopped the task');
  }

  /** A running task left the watch: it was deleted, or somebody wrote its end. Only a fresh read tells. */
  async #lookAfter(entry: Run): Promise<void> {
    const { run } = entry;
    const { client, logger } = this.#options;
    for (let failures = 0; !entry.ended && !this.#stopping.signal.aborted;) {
      try {
        const task: DeployTask = await client.get(deployTasks, run.namespace, run.name);
        const same = task.metadata.uid === run.uid && task.status?.assignment?.epoch === run.epoch;
        // Unknown is the operator's word for not having heard: the run goes on and reports late.
        if (!same || !['Assigned', 'Running', 'Unknown'].includes(task.status?.state ?? ''))
          run.abort('Gone', 'the task is no longer here');
        else if (isCancelRequested(task)) run.abort('User', 'canceled by user');
        return;
      } catch (err) {
        if (isNotFound(err)) {
          run.abort('Gone', 'the task was deleted');
          return;
        }
        failures += 1;
        logger.warn({ err, uid: run.uid }, 'cannot see what became of a running task, will be looked at again');
        await sleep(backoffMs(failures, LOOK_BACKOFF), this.#stopping.signal);
      }
    }
  }
}

function toQueued(task: DeployTask): QueuedTask {
  const { uid = '', name, namespace = '', resourceVersion = '', creationTimestamp = '' } = task.metadata;
  return {
    uid,
    name,
    namespace,
    resourceVersion,
    epoch: task.status?.assignment?.epoch ?? 0,
    priority: task.spec.priority ?? 0,
    createdAt: creationTimestamp,
    idempotent: task.spec.idempotent ?? false,
  };
}
