import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { pino } from 'pino';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { KubeClient } from '../kube/client.ts';
import { HttpTransport } from '../kube/http-transport.ts';
import { leases } from '../kube/resource.ts';
import { FaultyTransport } from '../test/kube/faulty-transport.ts';
import { hasCluster, sharedCluster } from '../test/kubernetes/shared.ts';
import type { SharedCluster } from '../test/kubernetes/shared.ts';
import { Agent } from './agent.ts';
import { Heartbeat } from './heartbeat.ts';
import type { HeartbeatOptions } from './heartbeat.ts';
import { AssignedTasks } from './testing/assigned-tasks.ts';

/** A fifth of the real ones. */
const times = { leaseMs: 5_000, renewMs: 1_000, retryMs: 200, callMs: 800, cautiousMs: 2_000, fenceMs: 2_400 };
const logger = pino({ level: 'silent' });
const patient = { timeout: 20_000, interval: 50 };

describe.skipIf(!hasCluster())('Heartbeat', () => {
  let cluster: SharedCluster;
  let next = 0;
  beforeEach(async () => {
    cluster = await sharedCluster();
  });

  function setUp(options: Partial<HeartbeatOptions> = {}): {
    heartbeat: Heartbeat;
    network: FaultyTransport;
    name: string;
    instance: string;
  } {
    const name = options.name ?? `agent-${(next += 1)}`;
    const instance = options.instance ?? `instance-${(next += 1)}`;
    const network = faulty(`agent/agent-1`);
    const client = new KubeClient(network);
    const heartbeat = new Heartbeat(client, {
      namespace: cluster.namespace,
      name,
      instance,
      logger,
      times,
      ...options,
    });
    return { heartbeat, network, name, instance };
  }

  function faulty(user: string): FaultyTransport {
    const config = new KubeConfig();
    config.loadFromFile(cluster.kubeconfig(user));
    const transport = new FaultyTransport(new HttpTransport(config));
    onTestFinished(() => transport.close());
    return transport;
  }

  /** Renews until the test has finished. */
  function beat(heartbeat: Heartbeat): { ended: Promise<'stopped' | 'lost'> } {
    const stop = new AbortController();
    const ended = heartbeat.run(stop.signal);
    onTestFinished(async () => {
      stop.abort();
      await ended;
    });
    return { ended };
  }

  const holder = async (name: string): Promise<string | undefined> =>
    (await cluster.client.get(leases, cluster.namespace, name)).spec?.holderIdentity;

  it.each(['fail', 'hang', 'lose'] as const)(
    'begins nothing, then fences, while calls %s, and recovers',
    async (fault) => {
      const { heartbeat, network } = setUp();
      const events: string[] = [];
      heartbeat.onFenced(() => events.push(`fenced, may start: ${heartbeat.mayStart}`));
      await heartbeat.acquire(false, new AbortController().signal);
      expect(heartbeat.mayStart).toBe(true);
      beat(heartbeat);
      network.fault = fault;
      await vi.waitFor(() => expect(events).toEqual(['fenced, may start: false']), patient);
      network.fault = 'pass';
      await vi.waitFor(() => expect(heartbeat.mayStart).toBe(true), patient);
    },
  );

  it('takes the Lease of a process that is known to be dead at once, and waits for one that may live', async () => {
    const { heartbeat: dead, name, instance } = setUp();
    await dead.acquire(false, new AbortController().signal);
    const successor = setUp({ name, deadInstance: instance });
    const other = setUp({ name });
    expect(await successor.heartbeat.acquire(false, new AbortController().signal)).toBe(true);
    // Nobody renews now, and nobody knows why: only time tells.
    const waiting = other.heartbeat.acquire(false, new AbortController().signal);
    expect(await holder(name)).toBe(successor.instance);
    expect(await waiting).toBe(true);
    expect(await holder(name)).toBe(other.instance);
  });

  it('gives up when another process renews the Lease, unless it is to wait for its release', async () => {
    const { heartbeat: first, name, instance } = setUp();
    await first.acquire(false, new AbortController().signal);
    const stop = new AbortController();
    const beating = first.run(stop.signal);
    await expect(setUp({ name }).heartbeat.acquire(false, new AbortController().signal)).rejects.toThrow(
      `an agent named ${name} is running already (instance ${instance})`,
    );
    const waiting = setUp({ name }).heartbeat.acquire(true, new AbortController().signal);
    stop.abort();
    expect(await beating).toBe('stopped');
    await first.release();
    expect(await waiting).toBe(true);
  });

  it('makes a Lease that was deleted again', async () => {
    const { heartbeat, name, instance } = setUp();
    await heartbeat.acquire(false, new AbortController().signal);
    beat(heartbeat);
    await cluster.client.delete(leases, cluster.namespace, name);
    await vi.waitFor(async () => expect(await holder(name)).toBe(instance), patient);
  });

  it('fences and says that the Lease is lost when another process has taken it', async () => {
    const { heartbeat, name } = setUp();
    let fenced = false;
    heartbeat.onFenced(() => (fenced = true));
    await heartbeat.acquire(false, new AbortController().signal);
    const { ended } = beat(heartbeat);
    await cluster.client.patch(leases, cluster.namespace, name, { spec: { holderIdentity: 'another' } });
    expect(await ended).toBe('lost');
    expect([fenced, heartbeat.mayStart]).toEqual([true, false]);
  });

  it('lets an agent that lost the API server go on with its work, but for what may be run elsewhere', async () => {
    const name = 'agent-20';
    const stateDir = mkdtempSync(join(tmpdir(), 'tiangong-agent-test-'));
    const network = faulty(`agent/${name}`);
    const client = new KubeClient(network);
    const agent = new Agent({
      client,
      name,
      namespace: cluster.namespace,
      stateDir,
      version: '1',
      heartbeat: times,
      drainMs: 0,
      logger,
    });
    const stop = new AbortController();
    const running = agent.run(stop.signal);
    onTestFinished(async () => {
      stop.abort();
      await running;
      rmSync(stateDir, { recursive: true, force: true });
    });
    const tasks = new AssignedTasks(cluster.client, cluster.namespace, name);
    const gate = join(stateDir, 'gate');
    const ended = join(stateDir, 'ended');
    const command = `trap 'echo TERM >> ${ended}; exit 1' TERM; while [ ! -e ${gate} ]; do sleep 0.05; done; echo done`;
    const steadfast = await tasks.assign(await tasks.create({ command }));
    const movable = await tasks.assign(await tasks.create({ command, idempotent: true }));
    for (const task of [steadfast, movable]) await tasks.in(task.metadata.name, 'Running');
    network.fault = 'fail';
    await vi.waitFor(() => expect(readFileSync(ended, 'utf8')).toBe('TERM\n'), patient);
    // It ends while nobody can be told.
    writeFileSync(gate, '');
    await vi.waitFor(() => expect(readFileSync(join(stateDir, 'journal'), 'utf8')).toContain('"text":"done'), patient);
    network.fault = 'pass';
    expect((await tasks.ended(steadfast.metadata.name)).status).toMatchObject({
      state: 'Succeeded',
      result: { text: 'done\n' },
    });
    expect((await tasks.ended(movable.metadata.name)).status?.state).toBe('Unknown');
    // And it is as able as before.
    expect((await tasks.run({ command: 'echo again' })).status?.state).toBe('Succeeded');
  });
});
