import type { KubeClient } from '../../kube/client.ts';
import { TerminalError, runController } from '../../kube/controller.ts';
import type { Result } from '../../kube/controller.ts';
import type { EventRecorder } from '../../kube/event-recorder.ts';
import { keyOf } from '../../kube/informer.ts';
import type { Informer } from '../../kube/informer.ts';
import { isConflict, isInvalid, isNotFound } from '../../kube/kube-error.ts';
import type { KubeMetrics } from '../../kube/metrics.ts';
import { syncTasks } from '../../kube/resource.ts';
import type { Agent } from '../../kube/types/agent.ts';
import type { SyncPusher } from '../../kube/types/syncpusher.ts';
import type { SyncSource } from '../../kube/types/syncsource.ts';
import type { SyncTask } from '../../kube/types/synctask.ts';
import { WorkQueue } from '../../kube/work-queue.ts';
import type { Presence } from '../deploytask/world.ts';
import { StaleVersions } from '../stale-versions.ts';
import { decideSync } from './decide.ts';
import type { SyncDecision } from './decision.ts';
import { LostSince } from './lost-since.ts';
import { noticesOf } from './notices.ts';
import { WAITING } from './sync-indexes.ts';
import { SyncLoad } from './sync-load.ts';
import type { SyncWorld } from './world.ts';

export interface SyncTaskControllerOptions {
  readonly client: KubeClient;
  /** With the indexes of `syncIndexes`. */
  readonly syncs: Informer<SyncTask>;
  readonly sources: Informer<SyncSource>;
  readonly pushers: Informer<SyncPusher>;
  readonly agents: Informer<Agent>;
  readonly homeNamespace: string;
  readonly presence: (agent: string) => Presence;
  readonly recorder: EventRecorder;
  /** As `SyncWorld.moveDelayMs`. */
  readonly moveDelayMs: number;
  /** Every key is looked at again this often; what is due later than that is left to it. */
  readonly resyncMs: number;
  readonly onError: (key: string, err: unknown) => void;
  readonly kubeMetrics: KubeMetrics;
}

/** Placing a thousand of them anew after the loss of an agent takes seconds. */
const WORKERS = 8;

/** Carries out what `decideSync` says about every SyncTask, one conditional write at a time. */
export class SyncTaskController {
  readonly #options: SyncTaskControllerOptions;
  readonly #queue = new WorkQueue();
  readonly #stale = new StaleVersions();
  readonly #load = new SyncLoad();
  readonly #lost: LostSince;
  #works = false;

  constructor(options: SyncTaskControllerOptions) {
    this.#options = options;
    this.#lost = new LostSince(options.presence);
    const { syncs, sources, pushers } = options;
    syncs.onChange((key, sync, previous) => {
      this.#stale.observe(key, sync);
      this.#load.observe(key, sync);
      for (const { reason, message } of noticesOf(sync, previous))
        if (sync !== undefined) options.recorder.record(sync, 'Warning', reason, message);
      this.#enqueue(key, sync);
    });
    const follow = (index: 'source' | 'pusher') => (key: string) => {
      for (const sync of syncs.byIndex(index, key)) this.#enqueue(keyOf(sync), sync);
    };
    sources.onChange(follow('source'));
    pushers.onChange(follow('pusher'));
  }

  /** Has the SyncTasks looked at that a change of the agent's presence may concern. */
  wake(agent: string): void {
    this.#lost.observe(agent);
    const { syncs } = this.#options;
    for (const sync of syncs.byIndex('assigned', agent)) this.#queue.add(keyOf(sync));
    for (const sync of syncs.byIndex('waiting', WAITING)) this.#queue.add(keyOf(sync));
  }

  wakeAll(): void {
    for (const key of this.#options.syncs.keys()) this.#queue.add(key);
  }

  /** Call it when all informers have synced. Ends when the signal aborts. */
  run(signal: AbortSignal): Promise<void> {
    this.#works = true;
    const { onError, kubeMetrics } = this.#options;
    const reconcile = (key: string, run: AbortSignal): Promise<Result> => this.#reconcile(key, run);
    const options = { name: 'synctask', queue: this.#queue, reconcile, workers: WORKERS, onError };
    return runController({ ...options, metrics: kubeMetrics }, signal);
  }

  /** A running task's status changes every few seconds, and needs nothing done: that does not cost a worker's run. */
  #enqueue(key: string, sync: SyncTask | undefined): void {
    if (!this.#works || sync === undefined) {
      this.#queue.add(key);
      return;
    }
    const decision = decideSync(sync, this.#world());
    if (decision.do !== 'wait') this.#queue.add(key);
    else if ((decision.forMs ?? Infinity) <= this.#options.resyncMs) this.#queue.addAfter(key, decision.forMs ?? 0);
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<Result> {
    const { syncs, resyncMs } = this.#options;
    const sync = syncs.get(key);
    if (sync === undefined || this.#stale.has(key, sync)) return {};
    const decision = decideSync(sync, this.#world());
    if (decision.do === 'wait') {
      const { forMs = Infinity } = decision;
      return forMs > resyncMs ? {} : { requeueAfterMs: forMs };
    }
    const assumed = this.#assume(key, decision);
    try {
      await this.#write(sync, decision, signal);
    } catch (err) {
      if (assumed) this.#load.revoke(key, syncs.get(key));
      if (isConflict(err) || isNotFound(err)) this.#stale.add(key, sync);
      if (isNotFound(err)) return {};
      if (isInvalid(err)) throw new TerminalError('Invalid', `the server refused ${decision.do}`, { cause: err });
      throw err;
    }
    // The watch may have been faster than the answer.
    if (syncs.get(key) === sync) this.#stale.add(key, sync);
    if (decision.notice !== undefined)
      this.#options.recorder.record(sync, 'Warning', decision.notice.reason, decision.notice.message);
    return {};
  }

  /** An assignment counts as its agent's load from now on. */
  #assume(key: string, decision: SyncDecision): boolean {
    const assignment = decision.do === 'status' ? decision.status.assignment : undefined;
    if (assignment === undefined || assignment === null) return false;
    this.#load.assume(key, assignment.agent, assignment.epoch);
    return true;
  }

  async #write(
    { metadata }: SyncTask,
    decision: Exclude<SyncDecision, { do: 'wait' }>,
    signal: AbortSignal,
  ): Promise<void> {
    const { namespace, name, resourceVersion } = metadata;
    const { client } = this.#options;
    if (decision.do === 'status') {
      const patch = { metadata: { resourceVersion }, status: decision.status };
      await client.patch(syncTasks, namespace, name, patch, { subresource: 'status', signal });
      return;
    }
    const finalizers = decision.finalizers.length === 0 ? null : decision.finalizers;
    await client.patch(syncTasks, namespace, name, { metadata: { resourceVersion, finalizers } }, { signal });
  }

  #world(): SyncWorld {
    const { agents, sources, pushers, homeNamespace, presence, moveDelayMs } = this.#options;
    return {
      now: Date.now(),
      homeNamespace,
      agent: (name) => agents.get(`${homeNamespace}/${name}`),
      agents: () => agents.values(),
      presence,
      moveDelayMs,
      lostForMs: (agent) => this.#lost.forMs(agent),
      load: (agent) => this.#load.of(agent),
      source: (namespace, name) => sources.get(`${namespace}/${name}`),
      pusher: (namespace, name) => pushers.get(`${namespace}/${name}`),
    };
  }
}
