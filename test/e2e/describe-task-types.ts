import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasServices, service } from '../services/service.ts';
import type { ServiceName } from '../services/service.ts';
import type { E2eCluster } from './e2e-cluster.ts';
import { countRequests, openDoor } from './host-doors.ts';
import type { Door } from './host-doors.ts';
import { NAMESPACE } from './release.ts';
import type { RestApi, RestTask } from './rest-api.ts';
import type { Transcript } from './transcript.ts';

const SECONDS = 60;
const MAX_SHOWN = 160;

/** The task types that a fresh cluster has something for, each by REST and with its real counterpart. */
export function describeTaskTypes(cluster: E2eCluster, transcript: Transcript, rest: () => RestApi): void {
  const onNode = `nodes-${cluster.facts.nodes[1] ?? ''}`;
  const run = async (type: string, command: string, params: object = {}, agent = onNode): Promise<RestTask> => {
    const task = await rest().post('/tasks', { agent_id: agent, type, command, params, sync: true, timeout: SECONDS });
    const said = (task.status === 'success' ? task.result : task.error).trim().replaceAll(/\s+/g, ' ');
    transcript.note(`\`${type}\` on ${agent}: ${task.status}: ${said.slice(0, MAX_SHOWN)}`);
    return task;
  };

  it('runs shell', async () => {
    const task = await run('shell', 'id -u; echo "$GREETING"', { env: { GREETING: 'hello' } });
    expect(task).toMatchObject({ status: 'success', result: '65532\nhello\n' });
  });

  it('runs api, once', async () => {
    const server = await countRequests(cluster.facts.hostAddress);
    try {
      const task = await run('api', 'POST', {
        url: `http://${cluster.facts.hostAddress}:${server.port}/hook`,
        body: 'x',
      });
      expect(task.status).toBe('success');
      expect(task.result).toContain('POST /hook');
      expect(server.counts.get('/hook')).toBe(1);
    } finally {
      server.close();
    }
  });

  it('runs k8s with the rights of the ServiceAccount for tasks, and none but those', async () => {
    const manifest = (namespace: string): string =>
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'made', namespace },
        data: { by: 'task' },
      });
    const refused = await run('k8s', manifest(NAMESPACE), { operation: 'apply' });
    expect(refused).toMatchObject({ status: 'failed' });
    expect(refused.error).toContain('forbidden');

    await cluster.show(
      'create',
      'role',
      'tasks',
      '--namespace',
      NAMESPACE,
      '--verb',
      'get,create,patch',
      '--resource',
      'configmaps',
    );
    await cluster.show(
      ...['create', 'rolebinding', 'tasks', '--namespace', NAMESPACE, '--role', 'tasks'],
      ...['--serviceaccount', `${NAMESPACE}:tiangong-tasks`],
    );
    await expect
      .poll(async () => (await run('k8s', manifest(NAMESPACE), { operation: 'apply' })).status)
      .toBe('success');
    const made = await cluster.read<{ data: object }>('get', 'configmap', 'made', '--namespace', NAMESPACE);
    expect(made.data).toEqual({ by: 'task' });
    expect((await run('k8s', manifest('default'), { operation: 'apply' })).error).toContain('forbidden');
  });

  it('puts a file on agents of both pools, and shell reads it', async () => {
    const file = await rest().upload('greeting.txt', 'hello from a file\n');
    const { items } = await cluster.read<{ items: { metadata: { name: string } }[] }>(
      ...['get', 'agents', '--namespace', NAMESPACE, '--selector', 'tiangong.io/agent-pool=default'],
    );
    for (const agent of [onNode, items[0]?.metadata.name ?? '']) {
      const body = { agent_id: agent, type: 'file', file_id: file.id, params: { target_path: 'inbox/greeting.txt' } };
      expect(await rest().post('/tasks', { ...body, sync: true })).toMatchObject({ status: 'success' });
      const read = await run('shell', 'cat inbox/greeting.txt', {}, agent);
      expect(read).toMatchObject({ status: 'success', result: 'hello from a file\n' });
    }
  });

  describe.for(['postgres', 'mysql'] as const)('%s', (name) => {
    let door: Door | undefined;

    beforeAll(async () => {
      if (hasServices(name)) door = await openDoor(cluster.facts.hostAddress, (await service(name)).port);
    });

    afterAll(() => door?.close());

    it.skipIf(!hasServices(name))('runs SQL, with a login that only a Secret has', async () => {
      const { user, password } = await service(name satisfies ServiceName);
      await cluster.apply({
        ...{ apiVersion: 'v1', kind: 'Secret', type: 'tiangong.io/credential' },
        metadata: { name: `${name}-login`, namespace: NAMESPACE },
        stringData: { user, password },
      });
      const database = `e2e_${Date.now().toString(36)}`;
      const target = { host: cluster.facts.hostAddress, port: door?.port, secret_ref: `${name}-login` };
      await run(name, `CREATE DATABASE ${database}`, { target });
      const task = await run(
        name,
        'CREATE TABLE a (n int PRIMARY KEY); INSERT INTO a VALUES (1), (2); SELECT sum(n) AS total FROM a',
        { target: { ...target, database } },
      );
      expect(task).toMatchObject({ status: 'success' });
      expect(task.result).toMatch(/total[^]*\b3\b/);
      // The agent keeps its connection to it for a while.
      const drop = `DROP DATABASE ${database}${name === 'postgres' ? ' WITH (FORCE)' : ''}`;
      expect((await run(name, drop, { target })).status).toBe('success');
    });
  });
}
