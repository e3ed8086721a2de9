import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { deployTasks } from '../kube/resource.ts';
import type { DeployTask } from '../kube/types/deploytask.ts';
import { hasCluster, sharedCluster } from '../test/kubernetes/shared.ts';
import type { SharedCluster } from '../test/kubernetes/shared.ts';
import { Agent } from './agent.ts';
import { encodeRecord } from './journal/journal-record.ts';
import type { JournalRecord } from './journal/journal-record.ts';
import { markedProcesses } from './process-table.ts';
import { startAgent } from './testing/agent-process.ts';
import { AssignedTasks, eventually } from './testing/assigned-tasks.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';

const DEAD = 'dead-instance';

describe.skipIf(!hasCluster())('Recovery', () => {
  let cluster: SharedCluster;
  // A namespace of its own for each test.
  beforeEach(async () => {
    cluster = await sharedCluster();
  });

  /** An agent, and the tasks that it gets. */
  function setUp(): { name: string; stateDir: string; tasks: AssignedTasks } {
    const name = 'agent-1';
    return { name, stateDir: temporaryFolder(), tasks: new AssignedTasks(cluster.client, cluster.namespace, name) };
  }

  /** A task as an earlier process of the agent left it. */
  async function leftBehind(tasks: AssignedTasks, state: 'Assigned' | 'Running', command: string): Promise<DeployTask> {
    const task = await tasks.assign(await tasks.create({ command }), DEAD);
    if (state === 'Assigned') return task;
    return setStatus(task.metadata.name, { state, startTime: new Date().toISOString() });
  }

  const setStatus = (name: string, status: object): Promise<DeployTask> =>
    cluster.client.patch(deployTasks, cluster.namespace, name, { status }, { subresource: 'status' });

  const claimed = (task: DeployTask): JournalRecord => ({
    t: 'claimed',
    key: `${task.metadata.uid}/1`,
    namespace: cluster.namespace,
    name: task.metadata.name,
    instance: DEAD,
    idempotent: false,
  });

  function startWith(name: string, stateDir: string, records: readonly JournalRecord[]): void {
    writeFileSync(join(stateDir, 'journal'), records.map(encodeRecord).join(''));
    const stop = new AbortController();
    const client = cluster.clientFor(`agent/${name}`);
    const logger = pino({ level: process.env['LOG_LEVEL'] ?? 'silent' });
    const agent = new Agent({ client, name, namespace: cluster.namespace, stateDir, version: '1', drainMs: 0, logger });
    const running = agent.run(stop.signal);
    onTestFinished(async () => {
      stop.abort();
      await running;
    });
  }

  const journalIsSettled = (stateDir: string): Promise<unknown> =>
    eventually(() => {
      const closed = readFileSync(join(stateDir, 'journal'), 'utf8')
        .split('\n')
        .filter((line) => line.includes('"t":"closed"'));
      return Promise.resolve(closed.length > 0 ? closed : undefined);
    }, 'the journal to say that nothing is left to do');

  const finished = (task: DeployTask): JournalRecord => ({
    t: 'finished',
    key: `${task.metadata.uid}/1`,
    report: {
      state: 'Succeeded',
      reason: 'Completed',
      message: 'exit status 0',
      fields: { exitCode: 0, completionTime: '2026-01-01T00:00:00.000Z', result: { text: 'from before\n', bytes: 12 } },
    },
  });

  it('reports what had finished but was not reported', async () => {
    const { name, stateDir, tasks } = setUp();
    const task = await leftBehind(tasks, 'Running', 'exit 1');
    startWith(name, stateDir, [claimed(task), finished(task)]);
    const { status } = await tasks.ended(task.metadata.name);
    expect(status).toMatchObject({
      state: 'Succeeded',
      result: { text: 'from before\n' },
      completionTime: '2026-01-01T00:00:00.000Z',
    });
    await journalIsSettled(stateDir);
  });

  it('settles an Unknown of the operator by its late report', async () => {
    const { name, stateDir, tasks } = setUp();
    const task = await leftBehind(tasks, 'Running', 'exit 1');
    await setStatus(task.metadata.name, { state: 'Unknown' });
    startWith(name, stateDir, [claimed(task), finished(task)]);
    const { status } = await tasks.in(task.metadata.name, 'Succeeded');
    expect(status?.resolution).toMatchObject({
      by: `agent/${name}`,
      evidence: expect.stringContaining('epoch 1') as string,
    });
  });

  it('runs what it had moved to Running but never begun', async () => {
    const { name, stateDir, tasks } = setUp();
    const counter = join(stateDir, 'counter');
    const task = await leftBehind(tasks, 'Running', `echo ran >> ${counter}`);
    startWith(name, stateDir, [claimed(task)]);
    const { status } = await tasks.ended(task.metadata.name);
    expect([status?.state, readFileSync(counter, 'utf8')]).toEqual(['Succeeded', 'ran\n']);
  });

  it('does not run what was canceled while it was away', async () => {
    const { name, stateDir, tasks } = setUp();
    const counter = join(stateDir, 'counter');
    const task = await leftBehind(tasks, 'Running', `echo ran >> ${counter}`);
    await tasks.cancel(task.metadata.name);
    startWith(name, stateDir, [claimed(task)]);
    const { status } = await tasks.ended(task.metadata.name);
    expect([status?.state, existsSync(counter)]).toEqual(['Canceled', false]);
  });

  it('forgets a claim whose start never reached the API server', async () => {
    const { name, stateDir, tasks } = setUp();
    const counter = join(stateDir, 'counter');
    const task = await leftBehind(tasks, 'Assigned', `echo ran >> ${counter}`);
    startWith(name, stateDir, [claimed(task)]);
    await journalIsSettled(stateDir);
    expect((await tasks.get(task.metadata.name)).status?.state).toBe('Assigned');
    // The operator gives it to the new process, at a higher epoch.
    await tasks.assign(await tasks.get(task.metadata.name));
    await tasks.in(task.metadata.name, 'Succeeded');
    expect(readFileSync(counter, 'utf8')).toBe('ran\n');
  });

  it('calls unknown what runs under its name and is in no journal', async () => {
    const { name, stateDir, tasks } = setUp();
    const task = await leftBehind(tasks, 'Running', 'true');
    startWith(name, stateDir, []);
    const { status } = await tasks.ended(task.metadata.name);
    expect(status?.state).toBe('Unknown');
    expect(status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Succeeded', status: 'Unknown', reason: 'AgentRestarted' }),
    );
  });

  it('ends what a killed process left running, once restarted, and says so', async () => {
    const { name, stateDir, tasks } = setUp();
    const kubeconfig = cluster.kubeconfig(`agent/${name}`);
    const options = { name, namespace: cluster.namespace, kubeconfig, stateDir };
    const counter = join(stateDir, 'counter');
    const alive = join(stateDir, 'alive');
    const first = startAgent(options);
    // One part stays in the process group, the other leaves it.
    const command = `echo ran >> ${counter}; setsid sh -c 'while :; do touch ${alive}; sleep 0.05; done' & sleep 600`;
    const task = await tasks.assign(await tasks.create({ command }));
    await eventually(() => Promise.resolve(existsSync(alive) ? true : undefined), 'the command to begin');
    await first.crash();
    const waiting = await tasks.create({ command: `echo again >> ${counter}` });
    startAgent(options);
    const { status } = await tasks.ended(task.metadata.name);
    expect(status?.state).toBe('Unknown');
    expect(status?.error).toMatch(
      /^the agent restarted while the task ran; what was left of it was killed \(pid \d+(, \d+)*\)$/,
    );
    expect(await markedProcesses(`${task.metadata.uid}/1`)).toEqual([]);
    await tasks.ended((await tasks.assign(waiting)).metadata.name);
    expect(readFileSync(counter, 'utf8')).toBe('ran\nagain\n');
  });

  it('runs no command twice and loses none when it is killed again and again', async () => {
    const { name, stateDir, tasks } = setUp();
    const kubeconfig = cluster.kubeconfig(`agent/${name}`);
    const options = { name, namespace: cluster.namespace, kubeconfig, stateDir };
    const counter = join(stateDir, 'counter');
    let agent = startAgent(options);
    await tasks.instance();
    const names: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      const created: DeployTask[] = [];
      for (let i = 0; i < 15; i += 1)
        created.push(
          await tasks.create(
            { command: `echo ${round}-${i} >> ${counter}; sleep 0.0${i % 10}` },
            `${name}-${round}-${i}`,
          ),
        );
      names.push(...created.map(({ metadata }) => metadata.name));
      await Promise.all(created.map((task) => tasks.assign(task)));
      await eventually(async () => {
        const states = await Promise.all(created.map(({ metadata }) => tasks.get(metadata.name)));
        return states.some(({ status }) => status?.state === 'Succeeded') ? true : undefined;
      }, 'some tasks to end');
      const dead = await tasks.instance();
      await agent.crash();
      agent = startAgent(options);
      const instance = await eventually(async () => {
        const holder = await tasks.instance();
        return holder === dead ? undefined : holder;
      }, 'the agent to be back');
      // As the operator does: what the dead process had not started goes to the new one.
      for (const { metadata } of created) {
        const task = await tasks.get(metadata.name);
        if (task.status?.state === 'Assigned' && task.status.assignment?.instance !== instance)
          await tasks.assign(task, instance);
      }
    }
    const ended = await Promise.all(names.map((task) => tasks.ended(task)));
    const lines = readFileSync(counter, 'utf8').trimEnd().split('\n');
    expect(new Set(lines).size).toBe(lines.length);
    const succeeded = ended.filter(({ status }) => status?.state === 'Succeeded').length;
    const unknown = ended.filter(({ status }) => status?.state === 'Unknown').length;
    expect(succeeded + unknown).toBe(names.length);
    expect(lines.length).toBeGreaterThanOrEqual(succeeded);
  });

  it('refuses to be a second agent of its name, and of its folder', async () => {
    const { name, stateDir, tasks } = setUp();
    const kubeconfig = cluster.kubeconfig(`agent/${name}`);
    const options = { name, namespace: cluster.namespace, kubeconfig, stateDir };
    startAgent(options);
    await tasks.instance();
    const sameFolder = await startAgent(options).ended;
    expect([sameFolder.code, sameFolder.output]).toEqual([1, expect.stringContaining('in use by another agent')]);
    const sameName = await startAgent({ ...options, stateDir: temporaryFolder() }).ended;
    expect([sameName.code, sameName.output]).toEqual([
      1,
      expect.stringContaining(`an agent named ${name} is running already`),
    ]);
  });

  it('lets running tasks end and gives its Lease back when it is stopped, so that the next one starts at once', async () => {
    const { name, stateDir, tasks } = setUp();
    const kubeconfig = cluster.kubeconfig(`agent/${name}`);
    const options = { name, namespace: cluster.namespace, kubeconfig, stateDir };
    const first = startAgent(options);
    const task = await tasks.assign(await tasks.create({ command: 'sleep 0.5; echo done' }));
    await tasks.in(task.metadata.name, 'Running');
    const instance = await tasks.instance();
    first.terminate();
    expect((await first.ended).code).toBe(0);
    expect((await tasks.get(task.metadata.name)).status).toMatchObject({
      state: 'Succeeded',
      result: { text: 'done\n' },
    });
    const second = startAgent({ ...options, stateDir: temporaryFolder() });
    await eventually(async () => ((await tasks.instance()) === instance ? undefined : true), 'the next one');
    second.terminate();
    expect((await second.ended).code).toBe(0);
  });
});
