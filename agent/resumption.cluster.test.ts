import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { deployTasks } from '../kube/resource.ts';
import type { DeployTask } from '../kube/types/deploytask.ts';
import { hasCluster, sharedCluster } from '../test/kubernetes/shared.ts';
import type { SharedCluster } from '../test/kubernetes/shared.ts';
import { hasServices, service } from '../test/services/service.ts';
import { Agent } from './agent.ts';
import type { ConnectionSettings } from './connections/connections.ts';
import { TestDatabase } from './executors/postgres/testing/test-database.ts';
import { encodeRecord } from './journal/journal-record.ts';
import type { JournalRecord } from './journal/journal-record.ts';
import { AssignedTasks } from './testing/assigned-tasks.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';

const DEAD = 'dead-instance';
/** The second statement fails until its table is there. */
const TEXT = 'INSERT INTO first VALUES (1); INSERT INTO second VALUES (2)';

describe.skipIf(!hasCluster() || !hasServices('postgres'))('A run with a ledger whose agent has died', () => {
  let cluster: SharedCluster;
  let database: TestDatabase;
  const name = 'agent-1';
  let stateDir: string;
  let tasks: AssignedTasks;

  beforeAll(async () => {
    database = await TestDatabase.create(await service('postgres'));
  });
  afterAll(() => database?.drop());
  beforeEach(async () => {
    cluster = await sharedCluster();
    stateDir = temporaryFolder();
    tasks = new AssignedTasks(cluster.client, cluster.namespace, name);
    await database.empty();
    await database.witness.query('CREATE TABLE first (a int)');
  });

  const stored = async (): Promise<unknown[]> => [
    await database.values('SELECT a FROM first'),
    await database.values('SELECT a FROM second'),
  ];
  const setStatus = (task: DeployTask, status: object): Promise<DeployTask> =>
    cluster.client.patch(deployTasks, cluster.namespace, task.metadata.name, { status }, { subresource: 'status' });

  /** A task of which a dead process has executed what it could, the first statement or both. */
  async function leftBehind(executed: 'first' | 'both', startedAgoMs = 0): Promise<DeployTask> {
    const exec_options = { ledger: true, trans_batch_size: 1 };
    const params = { connection: 'main', exec_options };
    const created = await tasks.create({ type: 'postgres', command: TEXT, params, timeoutSeconds: 600 });
    const task = await tasks.assign(created, DEAD);
    const startTime = new Date(Date.now() - startedAgoMs).toISOString();
    await setStatus(task, { state: 'Running', startTime });
    if (executed === 'both') await database.witness.query('CREATE TABLE second (a int)');
    await database.run(TEXT, { exec_options }, { uid: task.metadata.uid ?? '' });
    if (executed === 'first') await database.witness.query('CREATE TABLE second (a int)');
    return task;
  }

  function startAgent({ metadata }: DeployTask): void {
    const key = `${metadata.uid}/1`;
    const records: JournalRecord[] = [
      {
        ...{ t: 'claimed', key, namespace: cluster.namespace, name: metadata.name },
        ...{ instance: DEAD, idempotent: false },
      },
      { t: 'started', key, resumable: true },
      { t: 'evidence', key, text: 'statement 2, backend pid 4711' },
    ];
    writeFileSync(join(stateDir, 'journal'), records.map(encodeRecord).join(''));
    const passwordFile = join(stateDir, 'password');
    writeFileSync(passwordFile, database.password);
    const { host, port } = database.server;
    const main: ConnectionSettings = {
      name: 'main',
      host,
      port,
      user: database.name,
      database: database.name,
      passwordFile,
    };
    const stop = new AbortController();
    const agent = new Agent({
      client: cluster.clientFor(`agent/${name}`),
      ...{ name, namespace: cluster.namespace, stateDir, version: '1', drainMs: 0 },
      executors: { connections: new Map([['postgres', new Map([['main', main]])]]) },
      logger: pino({ level: process.env['LOG_LEVEL'] ?? 'silent' }),
    });
    const running = agent.run(stop.signal);
    onTestFinished(async () => {
      stop.abort();
      await running;
    });
  }

  it('goes on where it was, and its time is that of its first start', async () => {
    const task = await leftBehind('first', 5000);
    startAgent(task);
    const { status } = await tasks.ended(task.metadata.name);
    expect([status?.state, status?.error]).toEqual(['Succeeded', undefined]);
    expect(Number.parseFloat(status?.duration ?? '')).toBeGreaterThanOrEqual(5);
    expect(status?.result?.text).toMatch(
      /^Statement 1: SUCCESS .*\ncommitted before the agent restarted\n\nStatement 2: SUCCESS/,
    );
    expect(await stored()).toEqual([[1], [2]]);
  });

  it('executes nothing more when the operator has given it up, and settles what was done', async () => {
    const task = await leftBehind('first');
    await setStatus(task, { state: 'Unknown' });
    startAgent(task);
    const { status } = await tasks.in(task.metadata.name, 'Failed');
    expect(status?.error).toContain('statement 2 and those after it were not executed: the task had been given up');
    expect(status?.error).toContain('Statement 1 was committed.');
    expect(status?.resolution?.by).toBe(`agent/${name}`);
    expect(await stored()).toEqual([[1], []]);
  });

  it('has succeeded when the operator has given it up, and all was committed', async () => {
    const task = await leftBehind('both');
    await setStatus(task, { state: 'Unknown' });
    startAgent(task);
    const { status } = await tasks.in(task.metadata.name, 'Succeeded');
    expect(status?.resolution?.by).toBe(`agent/${name}`);
    expect(await stored()).toEqual([[1], [2]]);
  });

  it('is canceled, and says what was committed, when it was to be while the agent was away', async () => {
    const task = await leftBehind('first');
    await tasks.cancel(task.metadata.name);
    startAgent(task);
    const { status } = await tasks.ended(task.metadata.name);
    expect([status?.state, status?.error]).toEqual(['Canceled', expect.stringContaining('Statement 1 was committed.')]);
    expect(await stored()).toEqual([[1], []]);
  });

  it('has taken too long when the agent was away for longer than it may take', async () => {
    const task = await leftBehind('first', 700_000);
    startAgent(task);
    const { status } = await tasks.ended(task.metadata.name);
    expect([status?.state, status?.error]).toEqual(['Failed', expect.stringContaining('Statement 1 was committed.')]);
    expect(status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Succeeded', reason: 'TimeoutExceeded' }),
    );
    expect(await stored()).toEqual([[1], []]);
  });
});
