import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KubeClient } from '../../../kube/client.ts';
import { agents } from '../../../kube/resource.ts';
import { FaultyTransport } from '../../kube/faulty-transport.ts';
import type { Fault } from '../../kube/faulty-transport.ts';
import { hasCluster, sharedCluster } from '../../kubernetes/shared.ts';
import type { SyncAgent } from './sync-agent.ts';
import { condition, SyncBench, WITHIN } from './sync-bench.ts';
import type { BenchSync } from './sync-bench.ts';

/** As the real ones, a tenth as long. */
const HEARTBEAT = { leaseMs: 3000, renewMs: 500, retryMs: 100, callMs: 400, cautiousMs: 1000, fenceMs: 1200 };

describe.skipIf(!hasCluster())('syncs of an agent that is cut off', () => {
  let bench: SyncBench;
  const networks: FaultyTransport[] = [];

  // Of each test's own: what an agent is given depends on who else is there.
  beforeEach(async () => {
    bench = await SyncBench.open({ syncMoveDelayMs: 500 });
  });

  afterEach(async () => {
    for (const network of networks.splice(0)) network.fault = 'pass';
    await bench?.close();
  });

  async function cuttable(
    name: string,
    leaseMs = HEARTBEAT.leaseMs,
  ): Promise<{ agent: SyncAgent; network: FaultyTransport }> {
    const network = new FaultyTransport(bench.cluster.transportFor(`agent/${name}`));
    networks.push(network);
    const agent = await bench.agent(name, { client: new KubeClient(network), heartbeat: { ...HEARTBEAT, leaseMs } });
    return { agent, network };
  }

  /** Changes the log while something else happens, and counts how often. */
  function busy(sync: BenchSync): { stop: () => void } {
    let n = 0;
    const timer = setInterval(() => {
      n += 1;
      if (n % 5 === 0) sync.log.delete(`key-${(n / 5) % 7}`);
      else sync.log.set(`key-${n % 7}`);
    }, 5);
    return { stop: () => clearInterval(timer) };
  }

  const faults: Fault[] = ['fail', 'hang', 'lose'];
  it.each(faults)('are stopped there before another agent begins them, while calls %s', async (fault) => {
    const { network } = await cuttable('agent-3');
    const sync = await bench.sync();
    await bench.statusBecomes(sync, { state: 'MESSAGE_SYNC', assignment: { agent: 'agent-3' } });
    await cuttable('agent-4');
    const writes = busy(sync);
    network.fault = fault;
    await bench.statusBecomes(sync, { state: 'MESSAGE_SYNC', epoch: 2, assignment: { agent: 'agent-4' } });
    network.fault = 'pass';
    writes.stop();
    await bench.carried(sync);
    // Never two at a time.
    expect(sync.log.peakStreams).toBe(1);
    expect(sync.consumer.violations).toEqual([]);
    expect(sync.consumer.events('snapshot')).toEqual([]);
  });

  it('go on there at the same epoch when it is back before its Lease ran out', async () => {
    const { network } = await cuttable('agent-9', 60_000);
    const sync = await bench.sync({ agent: 'agent-9' });
    await bench.statusBecomes(sync, { state: 'MESSAGE_SYNC' });
    network.fault = 'fail';
    await expect.poll(() => sync.log.openStreams, WITHIN).toBe(0);
    sync.log.set('meanwhile');
    network.fault = 'pass';
    await bench.carried(sync);
    await bench.statusBecomes(sync, { state: 'MESSAGE_SYNC', epoch: 1 });
  });

  it('are stopped, and nobody runs them, while the agent that they are pinned to is away', async () => {
    const { network } = await cuttable('agent-10');
    const sync = await bench.sync({ agent: 'agent-10' });
    await bench.statusBecomes(sync, { state: 'MESSAGE_SYNC' });
    network.fault = 'hang';
    await bench.statusBecomes(sync, { state: 'STOPPED', ...condition('Scheduled', 'False', 'AgentOffline') });
    sync.log.set('meanwhile');
    network.fault = 'pass';
    await bench.statusBecomes(sync, { state: 'MESSAGE_SYNC', epoch: 2 });
    await bench.carried(sync);
  });

  it('go to another agent at once when theirs is being stopped, though it has tasks to finish', async () => {
    const { agent } = await cuttable('agent-13', 120_000);
    const sync = await bench.sync();
    await bench.statusBecomes(sync, { state: 'MESSAGE_SYNC', assignment: { agent: 'agent-13' } });
    await cuttable('agent-14');
    const writes = busy(sync);
    await agent.drain();
    await bench.statusBecomes(sync, { state: 'MESSAGE_SYNC', epoch: 2, assignment: { agent: 'agent-14' } });
    writes.stop();
    await bench.carried(sync);
    expect(sync.log.peakStreams).toBe(1);
    const { status } = await bench.cluster.client.get(agents, bench.cluster.namespace, 'agent-13');
    expect(status).toMatchObject({ draining: true, instance: agent.instance });
  });

  it('are given back when their agent no longer serves their namespace', async () => {
    const { agent } = await cuttable('agent-11');
    const { client, namespace: home } = bench.cluster;
    const other = await sharedCluster();
    const serve = async (namespaces: string[]): Promise<void> => {
      await client.patch(agents, home, 'agent-11', { spec: { namespaces } });
      agent.runner.serve([home, ...namespaces]);
    };
    await serve([other.namespace]);
    const sync = await bench.sync({ agent: 'agent-11' }, {}, other.namespace);
    await bench.statusBecomes(sync, { state: 'MESSAGE_SYNC' }, other.namespace);
    await serve([]);
    const idle = { state: 'STOPPED', ...condition('Scheduled', 'False', 'NamespaceNotServed') };
    await bench.statusBecomes(sync, idle, other.namespace);
    await expect.poll(() => sync.log.openStreams, WITHIN).toBe(0);
    await serve(['*']);
    await bench.statusBecomes(sync, { state: 'MESSAGE_SYNC', epoch: 2 }, other.namespace);
  });
});
