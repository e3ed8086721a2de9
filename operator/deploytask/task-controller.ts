import type { KubeClient } from '../../kube/client.ts';
import { TerminalError, runController } from '../../kube/controller.ts';
import type { Result } from '../../kube/controller.ts';
import type { EventRecorder } from '../../kube/event-recorder.ts';
import { keyOf } from '../../kube/informer.ts';
import type { Informer } from '../../kube/informer.ts';
import { isConflict, isInvalid, isNotFound } from '../../kube/kube-error.ts';
import type { KubeMetrics } from '../../kube/metrics.ts';
import { deployTasks } from '../../kube/resource.ts';
import type { Agent } from '../../kube/types/agent.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import { WorkQueue } from '../../kube/work-queue.ts';
import type { OperatorMetrics } from '../operator-metrics.ts';
import { StaleVersions } from '../stale-versions.ts';
import { AgentLoad } from './agent-load.ts';
import { noticeOfOutcome } from './agent-outcome.ts';
import { decide } from './decide.ts';
import type { Decision } from './decision.ts';
import { RunningSince } from './running-since.ts';
import { ANY_AGENT } from './task-indexes.ts';
import type { Presence, World } from './world.ts';

export interface TaskControllerOptions {
  readonly client: KubeClient;
  /** Made by `taskInformer`. */
  readonly tasks: Informer<DeployTask>;
  readonly agents: Informer<Agent>;
  readonly homeNamespace: string;
  readonly presence: (agent: string) => Presence;
  readonly recorder: EventRecorder;
  readonly workers: number;
  /** Every key is looked at again this often; what is due later than that is left to it. */
  readonly resyncMs: number;
  readonly onError: (key: string, err: unknown) => void;
  readonly metrics: OperatorMetrics;
  readonly kubeMetrics: KubeMetrics;
}

/** Carries out what `decide` says about every DeployTask, one conditional write at a time. */
export class TaskController {
  readonly #options: TaskControllerOptions;
  readonly #queue = new WorkQueue();
  readonly #stale = new StaleVersions();
  readonly #load = new AgentLoad();
  readonly #running = new RunningSince();
  #works = false;

  constructor(options: TaskControllerOptions) {
    this.#options = options;
    options.tasks.onChange((key, task, previous) => {
      this.#stale.observe(key, task);
      this.#load.observe(key, task);
      this.#running.observe(key, task, previous, Date.now());
      const notice = noticeOfOutcome(task, previous);
      if (task !== undefined && notice !== undefined)
        options.recorder.record(task, 'Warning', notice.reason, notice.message);
      this.#enqueue(key, task);
    });
  }

  /** Has the tasks looked at that wait for the agent, or for any. */
  wakeWaiting(agent: string): void {
    const { tasks } = this.#options;
    for (const task of tasks.byIndex('waiting', agent)) this.#queue.add(keyOf(task));
    for (const task of tasks.byIndex('waiting', ANY_AGENT)) this.#queue.add(keyOf(task));
  }

  /** Has the tasks looked at that the agent has. */
  wakeAssigned(agent: string): void {
    for (const task of this.#options.tasks.byIndex('assigned', agent)) this.#queue.add(keyOf(task));
  }

  wakeAll(): void {
    for (const key of this.#options.tasks.keys()) this.#queue.add(key);
  }

  /** Call it when all informers have synced. Ends when the signal aborts. */
  run(signal: AbortSignal): Promise<void> {
    this.#works = true;
    const { workers, onError, kubeMetrics } = this.#options;
    const reconcile = (key: string, run: AbortSignal): Promise<Result> => this.#reconcile(key, run);
    const options = { name: 'deploytask', queue: this.#queue, reconcile, workers, onError, metrics: kubeMetrics };
    return runController(options, signal);
  }

  /**
   * Three of the four events in the life of a task need nothing done: they do not cost a worker's run. Before `run` the
   * other caches may not be complete, so nothing can be decided.
   */
  #enqueue(key: string, task: DeployTask | undefined): void {
    if (!this.#works || task === undefined) {
      this.#queue.add(key);
      return;
    }
    const decision = decide(task, this.#world(key));
    if (decision.do !== 'wait') this.#queue.add(key);
    else if ((decision.forMs ?? Infinity) <= this.#options.resyncMs) this.#queue.addAfter(key, decision.forMs ?? 0);
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<Result> {
    const { tasks, resyncMs } = this.#options;
    const task = tasks.get(key);
    if (task === undefined || this.#stale.has(key, task)) return {};
    const decision = decide(task, this.#world(key));
    if (decision.do === 'wait') {
      const { forMs = Infinity } = decision;
      return forMs > resyncMs ? {} : { requeueAfterMs: forMs };
    }
    const agent = this.#assume(key, task, decision);
    try {
      await this.#write(task, decision, signal);
    } catch (err) {
      if (agent !== undefined) this.#load.revoke(key, tasks.get(key));
      if (isConflict(err) || isNotFound(err)) this.#stale.add(key, task);
      if (isNotFound(err)) return {};
      if (isInvalid(err)) throw new TerminalError('Invalid', `the server refused ${decision.do}`, { cause: err });
      throw err;
    }
    this.#written(key, task, decision);
    return {};
  }

  /** An assignment counts as its agent's load from now on. */
  #assume(key: string, task: DeployTask, decision: Decision): string | undefined {
    if (decision.do !== 'status' || decision.status.assignment === undefined) return undefined;
    const { agent, epoch } = decision.status.assignment;
    this.#load.assume(key, task, agent, epoch);
    return agent;
  }

  async #write(task: DeployTask, decision: Decision, signal: AbortSignal): Promise<void> {
    const { client } = this.#options;
    const { namespace, name, uid, resourceVersion } = task.metadata;
    switch (decision.do) {
      case 'wait':
        return;
      case 'status': {
        const patch = { metadata: { resourceVersion }, status: decision.status };
        await client.patch(deployTasks, namespace, name, patch, { subresource: 'status', signal });
        return;
      }
      case 'finalizers': {
        const finalizers = decision.finalizers.length === 0 ? null : decision.finalizers;
        await client.patch(deployTasks, namespace, name, { metadata: { resourceVersion, finalizers } }, { signal });
        return;
      }
      case 'delete':
        await client.delete(deployTasks, namespace, name, {
          ...(uid !== undefined && { uid }),
          ...(resourceVersion !== undefined && { resourceVersion }),
        });
    }
  }

  #written(key: string, task: DeployTask, decision: Decision): void {
    const { tasks, recorder, metrics } = this.#options;
    // The watch may have been faster than the answer.
    if (tasks.get(key) === task) this.#stale.add(key, task);
    metrics.wrote(decision);
    if (decision.do !== 'status' || decision.notice === undefined) return;
    recorder.record(task, 'Warning', decision.notice.reason, decision.notice.message);
  }

  #world(key: string): World {
    const { agents, homeNamespace, presence } = this.#options;
    const now = Date.now();
    return {
      now,
      homeNamespace,
      agent: (name) => agents.get(`${homeNamespace}/${name}`),
      agents: () => agents.values(),
      presence,
      load: (agent) => this.#load.of(agent),
      runningSince: (task) => this.#running.of(key, task, now),
    };
  }
}
