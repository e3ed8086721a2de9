import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Agent } from '../../agent/agent.ts';
import { temporaryFolder } from '../../agent/testing/temporary-folder.ts';
import { agents, deployTasks, leases } from '../../kube/resource.ts';
import type { DeployTask, DeployTaskSpec } from '../../kube/types/deploytask.ts';
import { Operator } from '../../operator/operator.ts';
import { defaultSettings } from '../../operator/settings.ts';
import { hasCluster, sharedCluster } from '../kubernetes/shared.ts';
import type { SharedCluster } from '../kubernetes/shared.ts';

const WITHIN = { timeout: 60_000, interval: 50 };
const logger = pino({ level: process.env['LOG_LEVEL'] ?? 'silent' });

interface RunningAgent {
  readonly agent: Agent;
  readonly ended: Promise<void>;
  readonly stop: () => void;
}

describe.skipIf(!hasCluster())('an agent that is being stopped', () => {
  let cluster: SharedCluster;
  let ns: string;
  let stop: AbortController;
  /** The operator and all agents. */
  let running: Promise<void>[];

  beforeEach(async () => {
    stop = new AbortController();
    cluster = await sharedCluster();
    ns = cluster.namespace;
    const settings = { ...defaultSettings, homeNamespace: ns, instance: 'test', livenessCheckMs: 100 };
    const operator = new Operator({ client: cluster.clientFor('operator'), logger, settings });
    running = [operator.run(stop.signal)];
    await vi.waitUntil(() => operator.ready, WITHIN);
  });

  afterEach(async () => {
    stop.abort();
    await Promise.all(running);
  });

  async function start(name: string, group: string): Promise<RunningAgent> {
    const stopped = new AbortController();
    const agent = new Agent({
      ...{ client: cluster.clientFor(`agent/${name}`), name, namespace: ns, stateDir: temporaryFolder(), logger },
      ...{ version: '1', labels: { group }, drainMs: 60_000, wait: true },
    });
    const ended = agent.run(AbortSignal.any([stopped.signal, stop.signal]));
    running.push(ended);
    await vi.waitUntil(() => agent.state.ready, WITHIN);
    return { agent, ended, stop: () => stopped.abort() };
  }

  const create = (name: string, spec: Partial<DeployTaskSpec>): Promise<DeployTask> =>
    cluster.client.create(deployTasks, ns, { metadata: { name }, spec: { type: 'shell', ...spec } });

  const stateOf = async (name: string): Promise<string> => {
    const { status } = await cluster.client.get(deployTasks, ns, name);
    return `${status?.state} ${status?.assignment?.agent}`;
  };

  /** A task that runs until the file is there, or its folder is gone. */
  const untilFile = (file: string): string => `while [ -d ${dirname(file)} ] && [ ! -e ${file} ]; do sleep 0.1; done`;

  it('says so, finishes what it has begun, and hands on what it has not', async () => {
    const file = join(temporaryFolder(), 'go');
    const first = await start('agent-1', 'one');
    await cluster.client.patch(agents, ns, 'agent-1', { spec: { maxConcurrent: 1 } });
    const agentSelector = { matchLabels: { group: 'one' } };
    await create('begun', { agentSelector, command: untilFile(file) });
    await expect.poll(() => stateOf('begun'), WITHIN).toBe('Running agent-1');
    await create('waiting', { agentSelector, command: 'true' });
    await create('pinned', { agent: 'agent-1', command: 'true' });
    await expect.poll(() => stateOf('pinned'), WITHIN).toBe('Assigned agent-1');
    expect(first.agent.state).toMatchObject({ ready: true, draining: false, tasks: { running: 1 } });
    const second = await start('agent-2', 'one');
    first.stop();
    await expect.poll(() => stateOf('waiting'), WITHIN).toBe('Succeeded agent-2');
    await expect.poll(async () => (await stateOf('pinned')).split(' ')[0], WITHIN).toBe('Pending');
    expect(first.agent.state).toMatchObject({ ready: false, draining: true, tasks: { running: 1 } });
    const { status } = await cluster.client.get(agents, ns, 'agent-1');
    expect(status).toMatchObject({ draining: true, instance: first.agent.instance });
    // Its successor waits for it, and has what is meant for it alone.
    writeFileSync(file, '');
    await first.ended;
    expect(await stateOf('begun')).toBe('Succeeded agent-1');
    expect((await cluster.client.get(leases, ns, 'agent-1')).spec?.holderIdentity).toBe('');
    const successor = await start('agent-1', 'one');
    await expect.poll(() => stateOf('pinned'), WITHIN).toBe('Succeeded agent-1');
    const now = await cluster.client.get(agents, ns, 'agent-1');
    expect(now.status).toMatchObject({ draining: false, instance: successor.agent.instance });
    for (const { stop: stopAgent, ended } of [second, successor]) {
      stopAgent();
      await ended;
    }
  });

  it('is hurried on when what it has begun takes longer than it may', async () => {
    const began = join(temporaryFolder(), 'began');
    const stopped = new AbortController();
    const agent = new Agent({
      ...{ client: cluster.clientFor('agent/agent-3'), name: 'agent-3', namespace: ns, stateDir: temporaryFolder() },
      ...{ version: '1', drainMs: 500, logger },
    });
    const ended = agent.run(AbortSignal.any([stopped.signal, stop.signal]));
    running.push(ended);
    await create('too-long', { agent: 'agent-3', command: `touch ${began}; sleep 600` });
    await expect.poll(() => existsSync(began), WITHIN).toBe(true);
    stopped.abort();
    await ended;
    expect(await stateOf('too-long')).toBe('Failed agent-3');
    expect((await cluster.client.get(agents, ns, 'agent-3')).status?.draining).toBe(true);
  });
});
