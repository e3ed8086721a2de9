import { pino } from 'pino';
import { expect, vi } from 'vitest';
import { KubeClient } from '../../../kube/client.ts';
import { events } from '../../../kube/event.ts';
import { syncPushers, syncSources, syncTasks } from '../../../kube/resource.ts';
import type { SyncTask, SyncTaskSpec } from '../../../kube/types/synctask.ts';
import { Operator } from '../../../operator/operator.ts';
import { defaultSettings } from '../../../operator/settings.ts';
import type { OperatorSettings } from '../../../operator/settings.ts';
import { sharedCluster } from '../../kubernetes/shared.ts';
import type { SharedCluster } from '../../kubernetes/shared.ts';
import { TestConsumer } from '../consumer.ts';
import { KeyLogDriver } from './key-log.ts';
import type { KeyLog } from './key-log.ts';
import { SyncAgent } from './sync-agent.ts';
import type { SyncAgentOptions } from './sync-agent.ts';

export const WITHIN = { timeout: 30_000, interval: 25 };
const TIMES = { statusMs: 200, restartMs: 200, maxRestartMs: 1000 };

/** A sync from a log of its own to a consumer of its own. */
export interface BenchSync {
  readonly name: string;
  readonly log: KeyLog;
  readonly consumer: TestConsumer;
}

/** An operator and agents on a real kube-apiserver, with sources in memory and consumers behind HTTP. */
export class SyncBench {
  readonly cluster: SharedCluster;
  readonly driver = new KeyLogDriver();
  readonly #stop = new AbortController();
  readonly #operating: Promise<void>;
  readonly #agents: SyncAgent[] = [];
  readonly #consumers: TestConsumer[] = [];
  #serial = 0;

  static async open(settings: Partial<OperatorSettings> = {}): Promise<SyncBench> {
    const cluster = await sharedCluster();
    const operator = new Operator({
      client: cluster.clientFor('operator'),
      logger: pino({ level: 'silent' }),
      settings: {
        ...defaultSettings,
        homeNamespace: cluster.namespace,
        instance: 'test',
        livenessCheckMs: 100,
        ...settings,
      },
    });
    const bench = new SyncBench(cluster, operator);
    await vi.waitUntil(() => operator.ready, WITHIN);
    return bench;
  }

  private constructor(cluster: SharedCluster, operator: Operator) {
    this.cluster = cluster;
    this.#operating = operator.run(this.#stop.signal);
  }

  async close(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.stop()));
    this.#stop.abort();
    await this.#operating;
    await Promise.all(this.#consumers.map((consumer) => consumer.close()));
  }

  /** The name that the next sync will have, and its log. */
  get nextName(): string {
    return `sync-${this.#serial + 1}`;
  }

  async agent(name: string, options: Partial<SyncAgentOptions> = {}): Promise<SyncAgent> {
    const agent = await SyncAgent.start({
      client: new KubeClient(this.cluster.transportFor(`agent/${name}`)),
      ...{ namespace: this.cluster.namespace, name, driver: this.driver, times: TIMES },
      credentials: { bad: { user: 'u', passwd: 'wrong' }, good: { user: 'u', passwd: 'right' } },
      ...options,
    });
    this.#agents.push(agent);
    return agent;
  }

  /** Creates a sync that is to run, in the home namespace unless another is named. */
  async sync(spec: Partial<SyncTaskSpec> = {}, source: object = {}, namespace?: string): Promise<BenchSync> {
    const { client, namespace: home } = this.cluster;
    const ns = namespace ?? home;
    const name = this.nextName;
    this.#serial += 1;
    const consumer = await TestConsumer.listen();
    this.#consumers.push(consumer);
    const endpoint = { disabled: false, max_retries: 1, retry_delay_sec: 1 };
    await client.create(syncSources, ns, {
      metadata: { name },
      spec: { driver: 'keylog', uri: name, ...endpoint, ...source },
    });
    await client.create(syncPushers, ns, {
      metadata: { name },
      spec: { driver: 'openapi', endpoint: consumer.endpoint, ...endpoint },
    });
    await client.create(syncTasks, ns, {
      metadata: { name },
      spec: { source: name, pusher: name, disabled: false, desiredState: 'Running', ...spec },
    });
    return { name, log: this.driver.log(name), consumer };
  }

  get({ name }: { name: string }, namespace = this.cluster.namespace): Promise<SyncTask> {
    return this.cluster.client.get(syncTasks, namespace, name);
  }

  patch({ name }: { name: string }, change: Record<string, unknown>): Promise<SyncTask> {
    return this.cluster.client.patch(syncTasks, this.cluster.namespace, name, change);
  }

  async statusBecomes(sync: { name: string }, status: object, namespace?: string): Promise<SyncTask> {
    await expect.poll(async () => (await this.get(sync, namespace)).status, WITHIN).toMatchObject(status);
    return this.get(sync, namespace);
  }

  /** The reasons of the Events about a sync. */
  async eventsOf({ name }: { name: string }): Promise<readonly string[]> {
    const { items } = await this.cluster.client.list(events, this.cluster.namespace);
    return items.filter(({ involvedObject }) => involvedObject.name === name).map(({ reason }) => reason);
  }

  /** Waits until the consumer has what the log has, no more and no less. */
  async carried({ log, consumer }: BenchSync): Promise<void> {
    await expect
      .poll(() => [...consumer.rows().values()].sort(byId), WITHIN)
      .toEqual([...log.rows.values()].sort(byId));
  }
}

/** A condition to look for in a status. */
export function condition(type: string, status: string, reason?: string): object {
  const wanted = { type, status, ...(reason !== undefined && { reason }) };
  return { conditions: expect.arrayContaining([expect.objectContaining(wanted)]) as unknown };
}

const byId = (one: Record<string, unknown>, other: Record<string, unknown>): number =>
  String(one['id']) < String(other['id']) ? -1 : 1;
