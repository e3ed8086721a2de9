import { hash } from 'node:crypto';
import type { KubeConfig } from '@kubernetes/client-node';
import { KubeClient } from '../../../../kube/client.ts';
import { HttpTransport } from '../../../../kube/http-transport.ts';
import { abortable } from '../../database/deadline.ts';
import { Discovery } from '../discovery.ts';
import { ServiceAccountConfig } from './service-account-config.ts';
import type { ServiceAccount } from './service-account-config.ts';

/** A pooled connection to one cluster under one identity. */
export interface ClusterConnection {
  readonly client: KubeClient;
  readonly discovery: Discovery;
}

/** A connection in use; `release` is to be called once. */
export interface ConnectionLease extends ClusterConnection {
  release(): void;
}

interface Entry {
  readonly connection: ClusterConnection;
  readonly transport: HttpTransport;
  readonly account: ServiceAccountConfig | undefined;
  users: number;
  usedAt: number;
}

const MAX_CONNECTIONS = 32;
const IDLE_MS = 300_000;
/** Sockets of one identity: a log that is followed holds one for as long as it goes on. */
const SOCKETS = 64;

/** One pool of connections for each cluster and identity, kept while tasks use it and for a while after. */
export class ClusterConnections {
  readonly #entries = new Map<string, Entry>();
  readonly #userAgent: string;
  #sweep: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(userAgent: string) {
    this.#userAgent = userAgent;
  }

  /**
   * The connection to the current cluster of a kubeconfig, as its user or, with `account`, as that alone. Rejects with
   * `K8sFailure` when no token is to be had for the account, and with the signal's reason when it aborts.
   */
  async lease(config: KubeConfig, account: ServiceAccount | undefined, signal: AbortSignal): Promise<ConnectionLease> {
    const own = this.#acquire(identityOf(config), () => config);
    if (account === undefined) return own.lease;
    const key = `${identityOf(config)} ${account.namespace}/${account.name}`;
    const cluster = config.getCurrentCluster();
    if (cluster === null) throw new Error('the kubeconfig has no current cluster');
    const { entry, lease } = this.#acquire(key, () => new ServiceAccountConfig(cluster, account, own.lease.client));
    const release = (): void => {
      lease.release();
      own.lease.release();
    };
    try {
      entry.account?.use(own.lease.client);
      if (entry.account !== undefined) await abortable(entry.account.token(), signal);
    } catch (err) {
      release();
      throw err;
    }
    return { ...lease, release };
  }

  /** How many are open, in use or idle. */
  get size(): number {
    return this.#entries.size;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#sweep);
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    await Promise.all(entries.map(({ transport }) => transport.close()));
  }

  #acquire(key: string, make: () => KubeConfig): { entry: Entry; lease: ConnectionLease } {
    if (this.#closed) throw new Error('the agent is stopping');
    const entry = this.#entries.get(key) ?? this.#open(make());
    entry.users += 1;
    // Moved to the end: the map's order is that of the last use.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    this.#trim();
    let released = false;
    const release = (): void => {
      if (released) return;
      released = true;
      entry.users -= 1;
      entry.usedAt = performance.now();
      if (this.#closed) return;
      this.#trim();
      this.#scheduleSweep();
    };
    return { entry, lease: { ...entry.connection, release } };
  }

  #open(config: KubeConfig): Entry {
    const transport = new HttpTransport(config, { connections: SOCKETS, userAgent: this.#userAgent });
    const client = new KubeClient(transport);
    const account = config instanceof ServiceAccountConfig ? config : undefined;
    return { connection: { client, discovery: new Discovery(client) }, transport, account, users: 0, usedAt: 0 };
  }

  #trim(): void {
    for (const [key, { users }] of this.#entries) {
      if (this.#entries.size <= MAX_CONNECTIONS) return;
      if (users === 0) this.#drop(key);
    }
  }

  #scheduleSweep(): void {
    this.#sweep ??= setTimeout(() => {
      this.#sweep = undefined;
      const since = performance.now() - IDLE_MS;
      for (const [key, { users, usedAt }] of this.#entries) if (users === 0 && usedAt <= since) this.#drop(key);
      if ([...this.#entries.values()].some(({ users }) => users === 0)) this.#scheduleSweep();
    }, IDLE_MS).unref();
  }

  #drop(key: string): void {
    const entry = this.#entries.get(key);
    this.#entries.delete(key);
    void entry?.transport.close().catch(() => undefined);
  }
}

/** Equal for the same cluster and login, and tells nothing of either. */
function identityOf(config: KubeConfig): string {
  return hash('sha256', JSON.stringify([config.getCurrentCluster(), config.getCurrentUser()]));
}
