import type { KubeClient } from './client.ts';
import { isAlreadyExists, isConflict, isNotFound } from './kube-error.ts';
import { microTime } from './micro-time.ts';
import { leases } from './resource.ts';
import type { Lease } from './resource.ts';

export interface HeldLeaseOptions {
  readonly namespace: string;
  readonly name: string;
  readonly identity: string;
  readonly leaseDurationMs: number;
  /** A holder that is known to be dead, so that its Lease need not run out first. */
  readonly deadIdentity?: string;
}

/** The Lease of one candidate: single calls, no loops. Every write is conditional on the version that was seen. */
export class HeldLease {
  readonly #client: KubeClient;
  readonly #options: HeldLeaseOptions;
  /** What was seen last, and since when it has been as it is, by performance.now(). */
  #observed: { readonly lease: Lease; readonly since: number } | undefined;

  constructor(client: KubeClient, options: HeldLeaseOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** Resolves to whether this candidate holds the Lease now; false when another one does or won the race for it. */
  async acquire(signal: AbortSignal): Promise<boolean> {
    const { namespace, name, identity, leaseDurationMs, deadIdentity } = this.#options;
    const now = microTime(new Date());
    const spec = {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000),
      acquireTime: now,
      renewTime: now,
    };
    try {
      const lease = await this.#read(signal);
      if (lease === undefined) {
        const body = { metadata: { name }, spec: { ...spec, leaseTransitions: 0 } };
        this.#observe(await this.#client.create(leases, namespace, body, { signal }));
        return true;
      }
      const holder = lease.spec?.holderIdentity ?? '';
      if (holder !== '' && holder !== identity && holder !== deadIdentity && this.expiresInMs() > 0) return false;
      await this.#patch({ ...spec, leaseTransitions: (lease.spec?.leaseTransitions ?? 0) + 1 }, signal);
      return true;
    } catch (err) {
      if (isConflict(err) || isAlreadyExists(err)) return false;
      throw err;
    }
  }

  /** Resolves to false when the Lease is no longer this candidate's. */
  async renew(signal: AbortSignal): Promise<boolean> {
    const renewed = { renewTime: microTime(new Date()) };
    try {
      await this.#patch(renewed, signal);
      return true;
    } catch (err) {
      if (!isConflict(err) && !isNotFound(err)) throw err;
    }
    // Somebody wrote: another holder, a person's label, or a renewal of our own that was thought to have failed.
    const lease = await this.#read(signal);
    if (lease?.spec?.holderIdentity !== this.#options.identity) return false;
    await this.#patch(renewed, signal);
    return true;
  }

  /** Lets others have the Lease at once, if it is still this candidate's. */
  async release(signal: AbortSignal): Promise<void> {
    const lease = await this.#read(signal);
    if (lease?.spec?.holderIdentity !== this.#options.identity) return;
    await this.#patch({ holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(new Date()) }, signal);
  }

  /** The Lease as it was seen last; undefined when there was none. */
  get observed(): Lease | undefined {
    return this.#observed?.lease;
  }

  /** How long until the Lease that was seen last has been unchanged for its duration; 0 or less: others may take it. */
  expiresInMs(): number {
    if (this.#observed === undefined) return 0;
    const { lease, since } = this.#observed;
    const seconds = lease.spec?.leaseDurationSeconds ?? this.#options.leaseDurationMs / 1000;
    return since + seconds * 1000 - performance.now();
  }

  async #read(signal: AbortSignal): Promise<Lease | undefined> {
    const { namespace, name } = this.#options;
    try {
      return this.#observe(await this.#client.get(leases, namespace, name, signal));
    } catch (err) {
      if (!isNotFound(err)) throw err;
      this.#observed = undefined;
      return undefined;
    }
  }

  async #patch(spec: Lease['spec'], signal: AbortSignal): Promise<void> {
    const { namespace, name } = this.#options;
    const patch = { metadata: { resourceVersion: this.#observed?.lease.metadata.resourceVersion }, spec };
    this.#observe(await this.#client.patch(leases, namespace, name, patch, { signal }));
  }

  #observe(lease: Lease): Lease {
    if (this.#observed?.lease.metadata.resourceVersion !== lease.metadata.resourceVersion) {
      this.#observed = { lease, since: performance.now() };
    }
    return lease;
  }
}
