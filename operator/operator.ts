import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import { sleep } from '../kube/backoff.ts';
import type { KubeClient } from '../kube/client.ts';
import { EventRecorder } from '../kube/event-recorder.ts';
import { Informer } from '../kube/informer.ts';
import { isNotFound } from '../kube/kube-error.ts';
import { KubeMetrics } from '../kube/metrics.ts';
import { agents, deployTasks, leases, syncPushers, syncSources, syncTasks } from '../kube/resource.ts';
import type { Lease } from '../kube/resource.ts';
import { watchedNamespaces } from '../kube/watched-namespaces.ts';
import { AgentController } from './agent/agent-controller.ts';
import { AgentLiveness } from './agent/agent-liveness.ts';
import { affectsPlacement } from './agent/affects-placement.ts';
import { AgentPools } from './agentpool/agent-pools.ts';
import { slimTask } from './deploytask/slim-task.ts';
import { TaskController } from './deploytask/task-controller.ts';
import { taskIndexes } from './deploytask/task-indexes.ts';
import { OperatorMetrics } from './operator-metrics.ts';
import type { OperatorSettings } from './settings.ts';
import { DependentsController } from './syncendpoint/dependents-controller.ts';
import { slimSync, syncIndexes } from './synctask/sync-indexes.ts';
import { SyncTaskController } from './synctask/synctask-controller.ts';

export interface OperatorOptions {
  readonly client: KubeClient;
  readonly logger: Logger;
  readonly settings: OperatorSettings;
  readonly metrics?: { readonly kube: KubeMetrics; readonly operator: OperatorMetrics };
}

/** What is left to be written of Events when the operator stops gets this long. */
const EVENTS_GRACE_MS = 1000;

/** Reading one Lease takes milliseconds; an API server that needs longer is as good as unreachable. */
const LEASE_READ_TIMEOUT_MS = 4000;

/**
 * Reconciles DeployTasks, Agents and SyncTasks. Make a new one for each time it leads: what it has seen of agents counts from the
 * start of `run`.
 */
export class Operator {
  readonly #options: OperatorOptions;
  #ready = false;

  constructor(options: OperatorOptions) {
    this.#options = options;
  }

  /** Whether every cache is complete and tasks are being reconciled. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Works until the signal aborts; then lets writes under way end, and resolves. */
  async run(signal: AbortSignal): Promise<void> {
    const { client, logger, settings } = this.#options;
    const { homeNamespace } = settings;
    const metrics = this.#options.metrics ?? newMetrics();
    const onError = (err: unknown): void =>
      logger.warn({ err }, 'a read from the API server failed and is tried again');
    const informed = { onError, metrics: metrics.kube };
    const watched = watchedNamespaces(settings.namespaces, homeNamespace);
    const everywhere = { ...informed, ...(watched && { namespace: watched }) };
    const tasks = new Informer(client, deployTasks, { ...everywhere, transform: slimTask, indexes: taskIndexes });
    const agentInformer = new Informer(client, agents, { ...informed, namespace: homeNamespace });
    const leaseInformer = new Informer(client, leases, { ...informed, namespace: homeNamespace });
    const syncs = new Informer(client, syncTasks, { ...everywhere, transform: slimSync, indexes: syncIndexes });
    const sources = new Informer(client, syncSources, everywhere);
    const pushers = new Informer(client, syncPushers, everywhere);
    const recorder = new EventRecorder(client, {
      component: 'tiangong-operator',
      instance: settings.instance,
      onError: (err) => logger.warn({ err }, 'an event could not be written'),
    });
    const liveness = new AgentLiveness({
      clock: () => performance.now(),
      wallClock: () => Date.now(),
      lastContactAt: () => leaseInformer.lastContactAt,
      read: (name) => readLease(client, homeNamespace, name, signal),
      onChange: (name) => {
        taskController.wakeWaiting(name);
        taskController.wakeAssigned(name);
        syncController.wake(name);
        agentController.wake(`${homeNamespace}/${name}`);
        pools?.wake(name);
      },
    });
    const presence = liveness.presence.bind(liveness);
    const failed = (key: string, err: unknown): void =>
      logger.error({ key, err }, 'a reconcile failed and is tried again');
    const taskController = new TaskController({
      client,
      tasks,
      agents: agentInformer,
      homeNamespace,
      presence,
      recorder,
      workers: settings.workers,
      resyncMs: settings.resyncMs,
      onError: failed,
      metrics: metrics.operator,
      kubeMetrics: metrics.kube,
    });
    const agentController = new AgentController({
      client,
      informer: agentInformer,
      presence,
      onError: failed,
      metrics: metrics.kube,
    });
    const syncController = new SyncTaskController({
      ...{ client, syncs, sources, pushers, agents: agentInformer, homeNamespace, presence, recorder },
      ...{ resyncMs: settings.resyncMs, moveDelayMs: settings.syncMoveDelayMs },
      ...{ onError: failed, kubeMetrics: metrics.kube },
    });
    const shared = { client, syncs, onError: failed, kubeMetrics: metrics.kube };
    const endpointControllers = [
      new DependentsController({ ...shared, resource: syncSources, informer: sources, field: 'source' }),
      new DependentsController({ ...shared, resource: syncPushers, informer: pushers, field: 'pusher' }),
    ];
    const hasWork = (agent: string): boolean =>
      tasks.byIndex('assigned', agent).length + syncs.byIndex('assigned', agent).length > 0;
    const forgetIfGone = (name: string): void => {
      const key = `${homeNamespace}/${name}`;
      if (agentInformer.get(key) === undefined && leaseInformer.get(key) === undefined && !hasWork(name))
        liveness.forget(name);
    };
    const pools =
      settings.pools &&
      new AgentPools({
        ...{ client, settings: settings.pools, homeNamespace, agents: agentInformer, presence, recorder, hasWork },
        ...{ onReadError: onError, onError: failed, metrics: metrics.kube },
      });
    agentInformer.onChange((_key, agent, previous) => {
      const name = agent?.metadata.name ?? previous?.metadata.name;
      if (name === undefined || !affectsPlacement(agent, previous)) return;
      taskController.wakeWaiting(name);
      if (agent?.status?.draining === true) taskController.wakeAssigned(name);
      syncController.wake(name);
      if (agent === undefined) forgetIfGone(name);
    });
    leaseInformer.onChange((_key, lease, previous) => {
      const name = lease?.metadata.name ?? previous?.metadata.name;
      if (name === undefined) return;
      liveness.observe(name, lease);
      if (lease === undefined) forgetIfGone(name);
    });
    metrics.operator.count(() => tasks.values());
    metrics.operator.countSyncs(() => syncs.values());

    const informers = [tasks, agentInformer, leaseInformer, syncs, sources, pushers];
    const work = [...informers.map((informer) => informer.run(signal))];
    await Promise.race([Promise.all(informers.map((informer) => informer.synced)), Promise.all(work)]);
    if (!signal.aborted) {
      this.#ready = true;
      logger.info({ tasks: tasks.size, agents: agentInformer.size }, 'the operator works');
      work.push(
        taskController.run(signal),
        agentController.run(signal),
        syncController.run(signal),
        ...endpointControllers.map((controller) => controller.run(signal)),
        ...(pools ? [pools.run(signal)] : []),
        every(settings.livenessCheckMs, signal, () => liveness.check(), onError),
        every(
          settings.resyncMs,
          signal,
          () => {
            taskController.wakeAll();
            syncController.wakeAll();
            pools?.wakeAll();
          },
          onError,
        ),
      );
    }
    await Promise.all(work);
    this.#ready = false;
    // Events are not worth keeping a successor waiting.
    await Promise.race([recorder.flush(), delay(EVENTS_GRACE_MS, undefined, { ref: false })]);
  }
}

function newMetrics(): { kube: KubeMetrics; operator: OperatorMetrics } {
  const registry = new Registry();
  return { kube: new KubeMetrics(registry), operator: new OperatorMetrics(registry) };
}

async function readLease(
  client: KubeClient,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<Lease | undefined> {
  try {
    return await client.get(
      leases,
      namespace,
      name,
      AbortSignal.any([signal, AbortSignal.timeout(LEASE_READ_TIMEOUT_MS)]),
    );
  } catch (err) {
    if (isNotFound(err)) return undefined;
    throw err;
  }
}

/** Runs work again and again, a tenth of the period early or late so that nothing falls into step. */
async function every(
  periodMs: number,
  signal: AbortSignal,
  work: () => void | Promise<void>,
  onError: (err: unknown) => void,
): Promise<void> {
  while (!signal.aborted) {
    await sleep(periodMs * (0.9 + Math.random() / 5), signal);
    if (signal.aborted) return;
    try {
      await work();
    } catch (err) {
      onError(err);
    }
  }
}
