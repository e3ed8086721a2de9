import { runController } from '../../../kube/controller.ts';
import type { Result } from '../../../kube/controller.ts';
import { syncPushers, syncSources, syncTasks } from '../../../kube/resource.ts';
import { pendingRestart } from '../../../kube/sync-restart.ts';
import type { SyncPusher } from '../../../kube/types/syncpusher.ts';
import type { SyncSource } from '../../../kube/types/syncsource.ts';
import type { SyncTask } from '../../../kube/types/synctask.ts';
import { WorkQueue } from '../../../kube/work-queue.ts';
import type { Heartbeat } from '../../heartbeat.ts';
import { NamespacedInformers } from '../../namespaced-informers.ts';
import { assignmentTo, holds, isToBeGivenBack } from './assignment.ts';
import type { SyncAssignment } from './assignment.ts';
import { forgetSync } from './forget-sync.ts';
import { StatusWriter } from './status-writer.ts';
import { giveBackTask, SyncRun } from './sync-run.ts';
import type { StopReason } from './sync-status.ts';
import type { SyncTools } from './sync-tools.ts';

export interface SyncRunnerOptions extends SyncTools {
  /** The agent's name. */
  readonly agent: string;
  /** The id of this process. */
  readonly instance: string;
  readonly heartbeat: Pick<Heartbeat, 'mayStart' | 'onRenewed' | 'onFenced'>;
}

/** Starting is a few reads; stopping takes seconds. */
const WORKERS = 16;
/** Closing a session, a push that is cut off, and the last write. */
const RECONCILE_MS = 60_000;
const LOOK_AGAIN_MS = 1_000;

/**
 * Runs the SyncTasks that are assigned to this process: one run for each assignment, never two of one task at a time. What is to be
 * stopped is ended first and then given back, so that nobody else begins before.
 */
export class SyncRunner {
  readonly #options: SyncRunnerOptions;
  readonly #queue = new WorkQueue();
  readonly #assigned = new Map<string, SyncTask>();
  readonly #runs = new Map<string, SyncRun>();
  readonly #watches: {
    readonly syncs: NamespacedInformers<SyncTask>;
    readonly sources: NamespacedInformers<SyncSource>;
    readonly pushers: NamespacedInformers<SyncPusher>;
  };
  readonly #stop = new AbortController();
  readonly #working: Promise<void>;
  #served: ReadonlySet<string> = new Set(['*']);
  #fenced = false;
  #draining = false;

  constructor(options: SyncRunnerOptions) {
    this.#options = options;
    const { client, agent, logger, heartbeat } = options;
    const endpoint = (): void => this.#observeAll();
    this.#watches = {
      syncs: new NamespacedInformers(client, syncTasks, {
        fieldSelector: `status.assignment.agent=${agent}`,
        transform: withoutReport,
        onChange: (key, sync) => this.#seen(key, sync),
        logger,
      }),
      sources: new NamespacedInformers(client, syncSources, { onChange: endpoint, logger }),
      pushers: new NamespacedInformers(client, syncPushers, { onChange: endpoint, logger }),
    };
    heartbeat.onFenced(() => this.#fence());
    heartbeat.onRenewed(() => this.#unfence());
    this.#working = runController(
      {
        name: 'sync',
        queue: this.#queue,
        reconcile: (key, signal) => this.#reconcile(key, signal),
        workers: WORKERS,
        deadlineMs: RECONCILE_MS,
        onError: (key, err) => logger.error({ err, key }, 'a sync could not be brought to the state that is asked for'),
      },
      this.#stop.signal,
    );
  }

  /** Serves exactly these namespaces from now on; `*` is all. What runs in others is stopped and given back. */
  serve(namespaces: readonly string[]): void {
    this.#served = new Set(namespaces);
    for (const watch of Object.values(this.#watches)) watch.serve(namespaces);
    for (const [key, sync] of this.#assigned) if (!this.#serves(sync)) this.#queue.add(key);
  }

  /** How many syncs run. */
  get size(): number {
    return this.#runs.size;
  }

  /** Ends everything in good order and gives it back, also what comes yet: the operator knows that this agent is being stopped. */
  drain(): void {
    this.#draining = true;
    for (const key of this.#assigned.keys()) this.#queue.add(key);
  }

  /** Ends everything in good order. The tasks stay assigned: they are moved when the Lease is given back. */
  async close(): Promise<void> {
    await Promise.all(Object.values(this.#watches).map((watch) => watch.close()));
    this.#stop.abort();
    await this.#working;
    await Promise.all([...this.#runs.values()].map((run) => run.finish('AgentStopped', false)));
    this.#runs.clear();
  }

  #serves({ metadata }: SyncTask): boolean {
    return this.#served.has('*') || this.#served.has(metadata.namespace ?? '');
  }

  #seen(key: string, sync: SyncTask | undefined): void {
    if (sync === undefined) this.#assigned.delete(key);
    else this.#assigned.set(key, sync);
    this.#queue.add(key);
  }

  #observeAll(): void {
    for (const key of this.#runs.keys()) this.#observe(key);
  }

  #observe(key: string): void {
    const sync = this.#assigned.get(key);
    if (sync === undefined) return;
    const { namespace = '' } = sync.metadata;
    this.#runs.get(key)?.observe({
      sync,
      source: this.#watches.sources.get(`${namespace}/${sync.spec.source}`),
      pusher: this.#watches.pushers.get(`${namespace}/${sync.spec.pusher}`),
    });
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<Result> {
    const { heartbeat } = this.#options;
    const sync = this.#assigned.get(key);
    const assignment = sync && assignmentTo(sync, this.#options);
    const run = this.#runs.get(key);
    if (run !== undefined && (sync === undefined || !holds(run.assignment, sync))) {
      await run.abandon();
      this.#runs.delete(key);
      // What was another epoch of the same task is begun next.
      return assignment === undefined ? {} : { requeueAfterMs: 1 };
    }
    if (sync === undefined || assignment === undefined) return {};
    if (isToBeGivenBack(sync) || !this.#serves(sync) || this.#draining)
      return await this.#giveBack(key, sync, assignment, signal);
    if (run !== undefined) {
      this.#observe(key);
      return {};
    }
    if (!heartbeat.mayStart || this.#fenced) return { requeueAfterMs: LOOK_AGAIN_MS };
    this.#begin(key, assignment);
    return {};
  }

  #begin(key: string, assignment: SyncAssignment): void {
    const run = new SyncRun(this.#options, assignment);
    this.#runs.set(key, run);
    void run.ended.then(() => {
      // It ended by itself: the task is another's, or the watch does not know yet that it is.
      if (this.#runs.get(key) !== run || this.#stop.signal.aborted) return;
      this.#runs.delete(key);
      this.#queue.addAfter(key, LOOK_AGAIN_MS);
    });
  }

  async #giveBack(key: string, sync: SyncTask, assignment: SyncAssignment, signal: AbortSignal): Promise<Result> {
    const reason = this.#draining && !isToBeGivenBack(sync) ? 'AgentStopped' : stopReason(sync);
    const run = this.#runs.get(key);
    const isDeleted = reason === 'Deleted';
    // A deleted task stays assigned until nothing is left of it.
    const isDone = await run?.finish(reason, !isDeleted);
    this.#runs.delete(key);
    if (isDone === true && !isDeleted) return this.#parted(key, sync);
    const writer = new StatusWriter(this.#options.client, assignment, this.#options.logger);
    if (isDeleted) {
      // The watch may still show what was given back just now, and a login is not given for that.
      const present = await writer.read(signal);
      if (present === undefined) return this.#parted(key, sync);
      await forgetSync(this.#options, assignment, present, signal);
    }
    const ended = { phase: { kind: 'Stopped' as const, reason }, isStopping: false, isOutdated: false };
    const state = { ...ended, started: undefined, report: undefined };
    const isGivenBack = await giveBackTask(writer, state, { giveBack: true, forget: isDeleted });
    if (!isGivenBack && (await writer.read(signal)) !== undefined) return { requeueAfterMs: LOOK_AGAIN_MS };
    return this.#parted(key, sync);
  }

  /** The task is no longer ours. Of a namespace that is not served any more the watch will not tell. */
  #parted(key: string, sync: SyncTask): Result {
    if (!this.#serves(sync)) this.#assigned.delete(key);
    return {};
  }

  /** Others may begin the tasks soon: nothing goes on here. */
  #fence(): void {
    this.#fenced = true;
    for (const run of this.#runs.values()) void run.abandon();
  }

  #unfence(): void {
    if (!this.#fenced) return;
    this.#fenced = false;
    for (const key of this.#assigned.keys()) this.#queue.add(key);
  }
}

/** A run reads the task anew; what this process itself reports of it need not be kept here. */
function withoutReport(sync: SyncTask): SyncTask {
  for (const field of ['checkpoints', 'bus', 'statistics', 'snapshot', 'position'] as const)
    delete sync.status?.[field];
  return sync;
}

function stopReason(sync: SyncTask): StopReason {
  if (sync.metadata.deletionTimestamp !== undefined) return 'Deleted';
  return sync.spec.desiredState === 'Running' && pendingRestart(sync) !== undefined ? 'Restarting' : 'Stopped';
}
