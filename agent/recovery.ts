import type { Logger } from 'pino';
import { backoffMs, sleep } from '../kube/backoff.ts';
import type { KubeClient } from '../kube/client.ts';
import { isNotFound } from '../kube/kube-error.ts';
import { deployTasks } from '../kube/resource.ts';
import { isCancelRequested, timeoutSecondsOf } from '../kube/task-state.ts';
import type { DeployTask } from '../kube/types/deploytask.ts';
import type { Journal } from './journal/journal.ts';
import { runKey } from './journal/journal-record.ts';
import type { JournalEntry, RunReport } from './journal/journal-record.ts';
import type { Uploader } from './output/uploader.ts';
import { endRun, processStart } from './process-table.ts';
import type { Reporter, RunId } from './reporter.ts';
import type { Scheduler } from './scheduler.ts';

export interface RecoveryOptions {
  readonly client: KubeClient;
  readonly journal: Journal;
  readonly reporter: Reporter;
  readonly scheduler: Scheduler;
  /** Undefined: no API is known. */
  readonly uploader: Uploader | undefined;
  readonly instance: string;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

const KILL_GRACE_MS = 10_000;
const BACKOFF = { minMs: 200, maxMs: 10_000 };

/**
 * Ends the processes that an earlier agent process left behind. To be called before anything else is begun; returns what
 * was found, for the evidence. Runs that had finished are left alone: what they left running, they meant to.
 */
export async function endLeftovers(journal: Journal): Promise<Map<string, string>> {
  const evidence = new Map<string, string>();
  const started = [...journal.entries].filter(([, { phase }]) => phase === 'started');
  await Promise.all(
    started.map(async ([key, { processes, evidence: noted }]) => {
      let group: number | undefined;
      for (const { pid, start } of processes)
        if (start !== undefined && (await processStart(pid)) === start) group = pid;
      const ended = await endRun({ run: key, group }, KILL_GRACE_MS);
      // Only of processes that lived for a while is the pid in the journal.
      const pids = [...new Set([...processes.map(({ pid }) => pid), ...ended])].join(', ') || 'none known';
      const found = ended.length === 0 ? 'no process was left' : 'what was left of it was killed';
      // Work on a server has no process here; what the server made of it since is not known.
      if (noted !== undefined && ended.length === 0 && processes.length === 0)
        evidence.set(key, `it had come to: ${noted}`);
      else evidence.set(key, `${found} (pid ${pids})${noted === undefined ? '' : `; it had come to: ${noted}`}`);
    }),
  );
  return evidence;
}

/** Settles what the journal and the API server say of runs of earlier processes (the table of design.md §4.5). */
export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #evidence: ReadonlyMap<string, string>;
  readonly #inHand = new Set<string>();

  constructor(options: RecoveryOptions, evidence: ReadonlyMap<string, string>) {
    this.#options = options;
    this.#evidence = evidence;
  }

  /** Settles every run that the journal has. Called once, before the scheduler begins anything. */
  async journaled(): Promise<void> {
    await Promise.all([...this.#options.journal.entries].map(([key, entry]) => this.#settle(key, entry)));
  }

  /** Told of every task: one that runs under an earlier process, and is in no journal, has an unknown outcome. */
  observe(task: DeployTask): void {
    const { uid = '', namespace = '', name } = task.metadata;
    const { scheduler, journal, instance } = this.#options;
    const assignment = task.status?.assignment;
    if (task.status?.state !== 'Running' || assignment === undefined || assignment.instance === instance) return;
    const key = runKey(uid, assignment.epoch);
    if (scheduler.has(uid) || journal.entries.has(key) || this.#inHand.has(key)) return;
    this.#inHand.add(key);
    const message = 'the agent restarted while the task ran, and its journal says nothing of it';
    void this.#report(key, { uid, epoch: assignment.epoch, namespace, name }, unknown(message)).finally(() =>
      this.#inHand.delete(key),
    );
  }

  async #settle(key: string, entry: JournalEntry): Promise<void> {
    const id = toRunId(key, entry);
    if (entry.report !== undefined) {
      // Writing may take as long as the API server is away: what comes next need not wait for it.
      void this.#report(key, id, entry.report);
      return;
    }
    if (entry.phase === 'started') {
      if (entry.resumable === true) {
        if (await this.#goOn(id, entry)) return;
        await this.#options.uploader?.finishRun(id.uid, id.epoch);
      }
      const message = `the agent restarted while the task ran; ${this.#evidence.get(key) ?? 'its process is not known'}`;
      const report = unknown(message);
      await this.#options.journal.append({ t: 'finished', key, report }).catch(() => undefined);
      void this.#report(key, id, report);
      return;
    }
    await this.#restart(key, id);
  }

  /** The run was begun, and what it did is known where it did it. Resolves to false when nobody waits for that. */
  async #goOn({ uid, epoch, namespace, name }: RunId, { evidence }: JournalEntry): Promise<boolean> {
    const task = await this.#read(namespace, name);
    // Stopped before it could look: the next process will.
    if (task === 'stopped') return true;
    const status = task?.status;
    if (task?.metadata.uid !== uid || status?.assignment?.epoch !== epoch) return false;
    if (status.state !== 'Running' && status.state !== 'Unknown') return false;
    const end =
      status.state === 'Unknown'
        ? { message: 'the task had been given up while the agent was away', kind: undefined }
        : endWhileAway(task);
    this.#options.scheduler.resume(task, { evidence, lookOnly: end?.message, kind: end?.kind });
    return true;
  }

  /** The run was claimed, but never begun. */
  async #restart(key: string, { uid, epoch, namespace, name }: RunId): Promise<void> {
    const task = await this.#read(namespace, name);
    if (task === 'stopped') return;
    const status = task?.status;
    // Assigned to the dead process: the operator assigns it anew.
    if (task?.metadata.uid !== uid || status?.assignment?.epoch !== epoch || status.state !== 'Running') {
      this.#options.journal.note({ t: 'closed', key });
      return;
    }
    const end = endWhileAway(task);
    if (end === undefined) {
      this.#options.scheduler.restart(task);
      return;
    }
    const [state, reason, message] =
      end.kind === 'Timeout'
        ? (['Failed', 'TimeoutExceeded', `not run: ${end.message}`] as const)
        : (['Canceled', 'CanceledByUser', end.message] as const);
    const completionTime = new Date().toISOString();
    void this.#report(
      key,
      { uid, epoch, namespace, name },
      { state, reason, message, fields: { completionTime, error: message } },
    );
  }

  async #read(namespace: string, name: string): Promise<DeployTask | undefined | 'stopped'> {
    const { client, logger, signal } = this.#options;
    for (let failures = 1; !signal.aborted; failures += 1) {
      try {
        return await client.get(deployTasks, namespace, name, signal);
      } catch (err) {
        if (isNotFound(err)) return undefined;
        logger.warn({ err, namespace, name }, 'cannot read a task of before the restart yet');
        await sleep(backoffMs(failures, BACKOFF), signal);
      }
    }
    return 'stopped';
  }

  async #report(key: string, id: RunId, report: RunReport): Promise<void> {
    const { reporter, journal, logger, signal } = this.#options;
    logger.info({ ...id, state: report.state, reason: report.reason }, 'reporting a run of before the restart');
    const landed = await reporter.report(id, report, undefined, signal);
    if (landed) journal.note({ t: 'closed', key });
  }
}

/** Why a task that the agent left behind is not to run any more. */
function endWhileAway(task: DeployTask): { kind: 'Timeout' | 'User'; message: string } | undefined {
  const started = Date.parse(task.status?.startTime ?? '');
  if (Date.now() - started > timeoutSecondsOf(task) * 1000)
    return { kind: 'Timeout', message: 'the agent was away for longer than the task may take' };
  return isCancelRequested(task) ? { kind: 'User', message: 'canceled by user' } : undefined;
}

function unknown(message: string): RunReport {
  const completionTime = new Date().toISOString();
  return { state: 'Unknown', reason: 'AgentRestarted', message, fields: { completionTime, error: message } };
}

function toRunId(key: string, { claim }: JournalEntry): RunId {
  const slash = key.lastIndexOf('/');
  const { namespace, name } = claim;
  return { uid: key.slice(0, slash), epoch: Number(key.slice(slash + 1)), namespace, name };
}
