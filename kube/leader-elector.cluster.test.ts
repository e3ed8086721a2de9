import { setTimeout as pause } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';
import { Registry } from 'prom-client';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { FaultyTransport } from '../test/kube/faulty-transport.ts';
import type { Fault } from '../test/kube/faulty-transport.ts';
import { Random } from '../test/kube/random.ts';
import { hasCluster, sharedCluster } from '../test/kubernetes/shared.ts';
import type { SharedCluster } from '../test/kubernetes/shared.ts';
import { KubeClient } from './client.ts';
import { HttpTransport } from './http-transport.ts';
import { LeaderElector } from './leader-elector.ts';
import type { Lead, LeaderElectorOptions } from './leader-elector.ts';
import { KubeMetrics } from './metrics.ts';
import { microTime } from './micro-time.ts';
import { leases } from './resource.ts';
import type { Lease } from './resource.ts';

/** Long enough that a busy machine does not lose the Lease where a test expects it kept. */
const CALM = { leaseDurationMs: 30_000, renewDeadlineMs: 20_000, retryPeriodMs: 100 };

/** For those that are to lose it. */
const SHORT = { leaseDurationMs: 3000, renewDeadlineMs: 2000, retryPeriodMs: 100 };

/** As short as a Lease can be: it may be lost at any time. */
const SHORTEST = { leaseDurationMs: 1000, renewDeadlineMs: 600, retryPeriodMs: 100 };

/** For what takes as long as a Lease. */
const PATIENT = { timeout: 30_000, interval: 10 };

describe.skipIf(!hasCluster())('LeaderElector', () => {
  let cluster: SharedCluster;
  let name: string;
  let candidates: Candidate[] = [];
  let made = 0;

  /** One process that would lead: its network, and what became of it. */
  class Candidate {
    readonly identity: string;
    readonly transport: FaultyTransport;
    readonly stop = new AbortController();
    readonly errors: unknown[] = [];
    readonly run: Promise<void>;
    leads = false;
    /** The reason why its leading ended, once it has. */
    ended: unknown;

    constructor(
      identity: string,
      options: Partial<LeaderElectorOptions> = {},
      lead: Lead = (signal) => this.lead(signal),
    ) {
      const config = new KubeConfig();
      config.loadFromFile(cluster.kubeconfig());
      this.identity = identity;
      this.transport = new FaultyTransport(new HttpTransport(config, { connections: 4 }));
      const elector = new LeaderElector(new KubeClient(this.transport), {
        namespace: cluster.namespace,
        name,
        identity,
        ...CALM,
        onError: (err) => this.errors.push(err),
        ...options,
      });
      this.run = elector.run(lead, this.stop.signal);
      this.run.catch(() => undefined);
      candidates.push(this);
    }

    async lead(signal: AbortSignal): Promise<void> {
      this.leads = true;
      const over = Promise.withResolvers<void>();
      signal.addEventListener('abort', () => {
        this.leads = false;
        this.ended = signal.reason;
        over.resolve();
      });
      await over.promise;
    }
  }

  const lease = (): Promise<Lease> => cluster.client.get(leases, cluster.namespace, name);
  const leaders = (): string[] => candidates.filter(({ leads }) => leads).map(({ identity }) => identity);
  const leading = async (identity: string): Promise<void> =>
    vi.waitFor(() => expect(leaders()).toEqual([identity]), PATIENT);

  beforeAll(async () => {
    cluster = await sharedCluster();
  });

  afterEach(async () => {
    for (const candidate of candidates) {
      candidate.transport.fault = 'pass';
      candidate.stop.abort();
    }
    await Promise.allSettled(candidates.map(({ run }) => run));
    await Promise.all(candidates.map(({ transport }) => transport.close()));
    candidates = [];
  });

  /** A Lease of its own for each test. */
  function fresh(): void {
    name = `lease-${(made += 1)}`;
  }

  it('makes one candidate the leader, and the next one as soon as the Lease is released', async () => {
    fresh();
    const registry = new Registry();
    const first = new Candidate('first', { metrics: new KubeMetrics(registry) });
    await leading('first');
    expect(await registry.metrics()).toContain(`tiangong_kube_leader{lease="${name}"} 1`);
    expect((await lease()).spec).toMatchObject({
      holderIdentity: 'first',
      leaseDurationSeconds: 30,
      leaseTransitions: 0,
    });
    const second = new Candidate('second');
    await vi.waitFor(() => expect(second.transport.calls).toBeGreaterThan(3), PATIENT);
    expect(leaders()).toEqual(['first']);
    first.stop.abort(new Error('SIGTERM'));
    await first.run;
    expect(first.ended).toEqual(new Error('SIGTERM'));
    await leading('second');
    expect((await lease()).spec).toMatchObject({ holderIdentity: 'second', leaseTransitions: 1 });
    expect(await registry.metrics()).toContain(`tiangong_kube_leader{lease="${name}"} 0`);
    second.stop.abort();
    await second.run;
    expect((await lease()).spec?.holderIdentity).toBe('');
    expect([...first.errors, ...second.errors]).toEqual([]);
  });

  it.each<Fault>(['hang', 'fail'])(
    'replaces a leader that is cut off, which has stopped before (%s)',
    async (fault) => {
      fresh();
      const first = new Candidate('first', SHORT);
      await leading('first');
      const second = new Candidate('second');
      let bothLed = false;
      const lead = second.lead.bind(second);
      second.lead = (signal) => {
        bothLed = first.leads;
        return lead(signal);
      };
      first.transport.fault = fault;
      await leading('second');
      expect(bothLed).toBe(false);
      expect(first.ended).toEqual(new Error(`lost the lease ${name}`));
      await first.run;
      // It has come back too late and does not disturb its successor.
      first.transport.fault = 'pass';
      const { calls } = second.transport;
      await vi.waitFor(() => expect(second.transport.calls).toBeGreaterThan(calls + 5), PATIENT);
      expect((await lease()).spec?.holderIdentity).toBe('second');
    },
  );

  it('keeps leading through outages that are shorter than the deadline', async () => {
    fresh();
    const only = new Candidate('only');
    await leading('only');
    for (const fault of ['fail', 'lose', 'fail'] as const) {
      only.transport.fault = fault;
      const { length } = only.errors;
      await vi.waitFor(() => expect(only.errors.length).toBeGreaterThan(length), PATIENT);
      only.transport.fault = 'pass';
      const before = (await lease()).spec?.renewTime;
      await vi.waitFor(async () => expect((await lease()).spec?.renewTime).not.toBe(before), PATIENT);
    }
    expect(only.leads).toBe(true);
  });

  it('keeps leading when a person labels the Lease', async () => {
    fresh();
    const only = new Candidate('only');
    await leading('only');
    await cluster.client.patch(leases, cluster.namespace, name, { metadata: { labels: { seen: 'yes' } } });
    const { calls } = only.transport;
    await vi.waitFor(() => expect(only.transport.calls).toBeGreaterThan(calls + 5), PATIENT);
    expect(only.leads).toBe(true);
    expect(only.errors).toEqual([]);
  });

  it('stops when somebody else has taken the Lease, and leaves it to them', async () => {
    fresh();
    const first = new Candidate('first');
    await leading('first');
    await cluster.client.patch(leases, cluster.namespace, name, { spec: { holderIdentity: 'thief' } });
    await first.run;
    expect(first.ended).toEqual(new Error(`lost the lease ${name}`));
    expect((await lease()).spec?.holderIdentity).toBe('thief');
  });

  it('stops when the Lease is deleted', async () => {
    fresh();
    const first = new Candidate('first');
    await leading('first');
    await cluster.client.delete(leases, cluster.namespace, name);
    await first.run;
    expect(first.leads).toBe(false);
  });

  it('does not trust the clock of the holder, be it slow or fast', async () => {
    fresh();
    const wrong = microTime(new Date('2001-01-01'));
    const spec = { holderIdentity: 'other', leaseDurationSeconds: 3, renewTime: wrong };
    await cluster.client.create(leases, cluster.namespace, { metadata: { name }, spec });
    const candidate = new Candidate('candidate');
    // A holder that renews, twenty years ago by its own account.
    for (let renewal = 0; renewal < 24; renewal += 1) {
      const renewTime = microTime(new Date(Date.parse('2001-01-01') + renewal * 1000));
      await cluster.client.patch(leases, cluster.namespace, name, { spec: { renewTime } });
      await pause(150);
      expect(candidate.leads).toBe(false);
    }
    // Its last word is from the future, and then it is silent.
    const renewTime = microTime(new Date('2100-01-01'));
    await cluster.client.patch(leases, cluster.namespace, name, { spec: { renewTime } });
    await leading('candidate');
  });

  it('waits as long as the holder promised, not as long as it would itself', async () => {
    fresh();
    const spec = { holderIdentity: 'other', leaseDurationSeconds: 3, renewTime: microTime(new Date()) };
    await cluster.client.create(leases, cluster.namespace, { metadata: { name }, spec });
    const startedAt = performance.now();
    new Candidate('candidate');
    await leading('candidate');
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(3000);
  });

  it('releases the Lease when the work ends by itself, and passes on why it failed', async () => {
    fresh();
    const done = new Candidate('done', {}, () => Promise.resolve());
    await done.run;
    expect((await lease()).spec?.holderIdentity).toBe('');
    const failing = new Candidate('failing', {}, () => {
      throw new Error('the work failed');
    });
    await expect(failing.run).rejects.toThrow('the work failed');
    expect((await lease()).spec?.holderIdentity).toBe('');
  });

  it('rejects when the work does not stop, and keeps the Lease until it runs out', async () => {
    fresh();
    const started = Promise.withResolvers<void>();
    const stuck = new Candidate('stuck', SHORT, () => {
      started.resolve();
      return new Promise(() => undefined);
    });
    await started.promise;
    stuck.stop.abort();
    await expect(stuck.run).rejects.toThrow(`the work of the leader ${name} did not stop when told to`);
    expect((await lease()).spec?.holderIdentity).toBe('stuck');
  });

  it('stops waiting when it is told to, though the server does not answer', async () => {
    fresh();
    const holder = new Candidate('holder');
    await leading('holder');
    const waiting = new Candidate('waiting');
    await vi.waitFor(() => expect(waiting.transport.calls).toBeGreaterThan(1), PATIENT);
    waiting.transport.fault = 'hang';
    const { calls } = waiting.transport;
    await vi.waitFor(() => expect(waiting.transport.calls).toBeGreaterThan(calls), PATIENT);
    waiting.stop.abort();
    await waiting.run;
    expect(holder.leads).toBe(true);
  });

  it('has never two leaders while networks come and go', async () => {
    fresh();
    const random = new Random(7);
    let led = 0;
    let overlaps = 0;
    const start = (identity: string): Candidate =>
      new Candidate(identity, SHORTEST, async (signal) => {
        led += 1;
        const me = candidates.find((candidate) => candidate.identity === identity)!;
        if (leaders().length > 0) overlaps += 1;
        await me.lead(signal);
      });
    for (let index = 0; index < 4; index += 1) start(`c${index}`);
    for (let step = 0; led < 5 || step < 20; step += 1) {
      const candidate = candidates[random.below(candidates.length)]!;
      candidate.transport.fault = random.pick(['pass', 'pass', 'hang', 'fail', 'lose'] as const);
      const leader = candidates.find(({ leads }) => leads);
      if (leader !== undefined && random.oneIn(3))
        leader.transport.fault = random.pick(['hang', 'fail', 'lose'] as const);
      if (candidate.ended !== undefined) start(`later-${step}`);
      if (candidates.every(({ transport }) => transport.fault !== 'pass')) candidate.transport.fault = 'pass';
      await pause(100);
      expect(leaders().length).toBeLessThanOrEqual(1);
    }
    expect(overlaps).toBe(0);
  });

  it('refuses times that cannot work', () => {
    const client = new KubeClient(
      new FaultyTransport({ send: () => Promise.reject(new Error()), close: () => Promise.resolve() }),
    );
    const options = { namespace: 'n', name: 'l', identity: 'i' };
    expect(() => new LeaderElector(client, { ...options, renewDeadlineMs: 15_000 })).toThrow(RangeError);
    expect(() => new LeaderElector(client, { ...options, retryPeriodMs: 10_000 })).toThrow(RangeError);
  });
});
