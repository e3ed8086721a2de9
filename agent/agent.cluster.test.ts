import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { agents, deployTasks, leases } from '../kube/resource.ts';
import { hasCluster, sharedCluster } from '../test/kubernetes/shared.ts';
import type { SharedCluster } from '../test/kubernetes/shared.ts';
import { Agent } from './agent.ts';
import { AssignedTasks, eventually } from './testing/assigned-tasks.ts';

const name = 'agent-1';

describe.skipIf(!hasCluster())('Agent', () => {
  let cluster: SharedCluster;
  let tasks: AssignedTasks;
  let stateDir: string;
  let agent: Agent;
  let running: Promise<void>;
  const stop = new AbortController();

  beforeAll(async () => {
    cluster = await sharedCluster();
    stateDir = mkdtempSync(join(tmpdir(), 'tiangong-agent-test-'));
    tasks = new AssignedTasks(cluster.client, cluster.namespace, name);
    agent = new Agent({
      client: cluster.clientFor(`agent/${name}`),
      name,
      namespace: cluster.namespace,
      stateDir,
      version: '1.2.3',
      env: 'test',
      labels: { zone: 'a' },
      drainMs: 0,
      logger: pino({ level: process.env['LOG_LEVEL'] ?? 'error' }),
    });
    running = agent.run(stop.signal);
    await tasks.instance();
  });

  afterAll(async () => {
    stop.abort();
    await running;
    rmSync(stateDir, { recursive: true, force: true });
  });

  it('registers itself with what it is and renews a Lease of its name', async () => {
    const registered = await cluster.client.get(agents, cluster.namespace, name);
    expect(registered.metadata.labels).toEqual({ zone: 'a' });
    expect(registered.status).toMatchObject({
      instance: agent.instance,
      version: '1.2.3',
      env: 'test',
      taskTypes: expect.arrayContaining(['shell', 'api', 'file']) as string[],
    });
    const lease = await cluster.client.get(leases, cluster.namespace, name);
    expect(lease.spec).toMatchObject({ holderIdentity: agent.instance, leaseDurationSeconds: 25 });
  });

  it('runs a shell task and reports result, log, times and conditions', async () => {
    const { status } = await tasks.run({ command: 'echo Hello World' });
    expect(status).toMatchObject({
      state: 'Succeeded',
      exitCode: 0,
      result: { text: 'Hello World\n', bytes: 12 },
      log: { total: 5 },
    });
    expect(status?.log?.lines?.map(({ message }) => message)).toEqual([
      'Task started',
      'Executing command: echo Hello World',
      'Hello World',
      'Command completed successfully',
      'Task completed successfully',
    ]);
    expect(status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Succeeded', status: 'True', reason: 'Completed' }),
    );
    expect(status?.duration).toMatch(/^[\d.]+s$/);
    expect(Date.parse(status?.completionTime ?? '')).toBeGreaterThanOrEqual(Date.parse(status?.startTime ?? ''));
  });

  it('reports a failed command with its exit status and keeps the result', async () => {
    const { status } = await tasks.run({ command: 'echo before; exit 7' });
    expect(status).toMatchObject({
      state: 'Failed',
      exitCode: 7,
      error: 'command failed: exit status 7',
      result: { text: 'before\n' },
    });
    expect(status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Succeeded', status: 'False', reason: 'CommandFailed' }),
    );
  });

  it('cancels a running task by spec.cancel', async () => {
    const task = await tasks.assign(await tasks.create({ command: 'echo begun; sleep 600' }));
    await tasks.in(task.metadata.name, 'Running');
    await tasks.cancel(task.metadata.name);
    const { status } = await tasks.ended(task.metadata.name);
    expect(status).toMatchObject({
      state: 'Canceled',
      error: 'canceled by user',
      exitCode: 143,
      result: { text: 'begun\n' },
    });
  });

  it('treats the deletion of a running task as a cancel', async () => {
    const created = await tasks.create({ command: 'sleep 600' });
    const finalizers = { metadata: { finalizers: ['tiangong.io/cleanup'] } };
    await cluster.client.patch(deployTasks, cluster.namespace, created.metadata.name, finalizers);
    await tasks.assign(created);
    await tasks.in(created.metadata.name, 'Running');
    await cluster.client.delete(deployTasks, cluster.namespace, created.metadata.name);
    const { status } = await tasks.ended(created.metadata.name);
    expect(status?.state).toBe('Canceled');
    await cluster.client.patch(deployTasks, cluster.namespace, created.metadata.name, { metadata: { finalizers: [] } });
  });

  it('ends the command of a task that is deleted without a finalizer', async () => {
    const [started, marker] = [join(stateDir, randomUUID()), join(stateDir, randomUUID())];
    const created = await tasks.assign(
      await tasks.create({
        command: `trap 'echo x > ${marker}; exit' TERM; touch ${started}; while :; do sleep 0.05; done`,
      }),
    );
    // Running is written before the command begins, and before it has its trap a TERM leaves no mark.
    await eventually(() => Promise.resolve(existsSync(started) ? true : undefined), 'the command to begin');
    await cluster.client.delete(deployTasks, cluster.namespace, created.metadata.name);
    await eventually(() => {
      return Promise.resolve(existsSync(marker) ? true : undefined);
    }, 'the command to be ended');
  });

  it('fails a task that takes longer than its timeout', async () => {
    const { status } = await tasks.run({ command: 'sleep 600', timeoutSeconds: 1 });
    expect(status).toMatchObject({ state: 'Failed', error: 'timed out after 1 seconds' });
    expect(status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Succeeded', reason: 'TimeoutExceeded' }),
    );
  });

  it('leaves a task alone that is assigned to another process of the same name', async () => {
    const other = await tasks.assign(await tasks.create({ command: 'true' }), 'another-instance');
    await tasks.run({ command: 'true' });
    expect((await tasks.get(other.metadata.name)).status?.state).toBe('Assigned');
  });

  it('honours maxConcurrent, priority and age', async () => {
    const limit = async (maxConcurrent: number): Promise<void> => {
      await cluster.client.patch(agents, cluster.namespace, name, { spec: { maxConcurrent } });
    };
    onTestFinished(() => limit(10));
    await limit(1);
    const series = `order-${randomUUID()}`;
    const file = join(stateDir, series);
    const blocker = await tasks.assign(await tasks.create({ command: 'sleep 600' }));
    onTestFinished(() => void tasks.cancel(blocker.metadata.name).catch(() => undefined));
    await tasks.in(blocker.metadata.name, 'Running');
    const priorities = Object.entries({ a: 0, b: 5, c: 5, d: -1 });
    const names = priorities.map(([id]) => `${series}-${id}`);
    for (const [id, priority] of priorities)
      await tasks.assign(await tasks.create({ command: `echo ${id} >> ${file}`, priority }, `${series}-${id}`));
    await cluster.client.patch(deployTasks, cluster.namespace, `${series}-d`, { spec: { priority: 9 } });
    // The agent hears of the cancel after all that came before it.
    await tasks.cancel(blocker.metadata.name);
    for (const waiting of names) await tasks.ended(waiting);
    expect(readFileSync(file, 'utf8')).toBe('d\nb\nc\na\n');
  });
});
