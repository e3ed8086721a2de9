import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { isNotFound } from '../../kube/kube-error.ts';
import { deployTasks, leases, secrets, syncTasks } from '../../kube/resource.ts';
import type { DeployTaskSpec } from '../../kube/types/deploytask.ts';
import { hasHelm } from '../chart/helm-binaries.ts';
import { hasCluster } from '../kubernetes/shared.ts';
import { startPrograms } from '../programs/programs.ts';
import type { Programs } from '../programs/programs.ts';
import { TaskClient } from '../programs/task-client.ts';
import { TestConsumer } from '../sync/consumer.ts';
import { scheduledPod, startWithRights } from './installed-rights.ts';
import type { AuditedCall, InstalledRights } from './installed-rights.ts';

const WITHIN = { timeout: 60_000, interval: 100 };
const POD = 'tiangong-agent-0';

/** Whatever an answer holds. */
type Json = ReturnType<typeof JSON.parse>;

describe.skipIf(!hasCluster() || !hasHelm(4))('with the rights of the chart alone', { timeout: 180_000 }, () => {
  let rights: InstalledRights;
  let programs: Programs;
  let tasks: TaskClient;
  let consumer: TestConsumer;

  beforeAll(async () => {
    rights = await startWithRights();
    const { cluster, namespace } = rights;
    await cluster.client().raw({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/pods`,
      body: JSON.stringify(scheduledPod(POD, 'tiangong-agent')),
    });
    const files: Readonly<Record<string, string>> = {
      api: await rights.kubeconfig('tiangong-api'),
      operator: await rights.kubeconfig('tiangong-operator'),
      [`agent/${POD}`]: await rights.kubeconfig('tiangong-agent', { kind: 'Pod', name: POD }),
    };
    const place = { namespace, kubeconfig: (user: string) => files[user] ?? '' };
    programs = await startPrograms(place, { agentName: POD, env: { TIANGONG_NAMESPACES: namespace } });
    tasks = new TaskClient(programs);
    consumer = await TestConsumer.listen();
  });

  afterAll(async () => {
    await programs?.stop();
    await consumer?.close();
    await rights?.cluster.stop();
  });

  const call = async (method: string, path: string, body?: object): Promise<{ status: number; body: Json }> => {
    const init = body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const response = await fetch(`${programs.rest.url}/api${path}`, { method, ...init });
    return { status: response.status, body: (await response.json().catch(() => undefined)) as Json };
  };

  const apply = async (name: string, spec: Partial<DeployTaskSpec>): Promise<void> => {
    const whole = { type: 'shell' as const, agent: POD, ...spec };
    await rights.cluster.client().create(deployTasks, rights.namespace, { metadata: { name }, spec: whole });
  };

  it('tasks of REST and of kubectl run, with their output', async () => {
    expect(await tasks.run({ type: 'shell', command: 'echo hello' })).toMatchObject({
      status: 'success',
      result: 'hello\n',
    });
    await apply('by-kubectl', { command: 'echo hello' });
    expect(await tasks.ended('by-kubectl')).toMatchObject({ status: 'success', result: 'hello\n' });
    const long = await tasks.run({ type: 'shell', command: `echo ${'x'.repeat(100_000)} | wc -c; seq 20000` });
    expect(long).toMatchObject({ status: 'success' });
    expect(long.result.length).toBeGreaterThan(100_000);
  });

  it('tasks are canceled, approved, deleted, and removed when their time is up', async () => {
    const { id } = await tasks.create({ type: 'shell', command: 'sleep 300' });
    await expect.poll(async () => (await tasks.get(id)).status, WITHIN).toBe('running');
    await programs.rest.post(`/tasks/${id}/cancel`);
    expect(await tasks.ended(id)).toMatchObject({ status: 'canceled' });
    await programs.rest.delete(`/tasks/${id}`);
    const held = await tasks.create({ type: 'shell', command: 'echo approved', params: { approve: 'required' } });
    await vi.waitFor(() => programs.rest.post(`/tasks/${held.id}/approve`), WITHIN);
    expect(await tasks.ended(held.id)).toMatchObject({ status: 'success' });
    await apply('short-lived', { command: 'true', ttlSecondsAfterFinished: 0 });
    const find = (): Promise<unknown> => rights.cluster.client().get(deployTasks, rights.namespace, 'short-lived');
    await vi.waitFor(() => expect(find()).rejects.toSatisfy(isNotFound), WITHIN);
    await apply('in-the-middle', { command: 'sleep 300' });
    await expect.poll(async () => (await tasks.get('in-the-middle')).status, WITHIN).toBe('running');
    await rights.cluster.client().delete(deployTasks, rights.namespace, 'in-the-middle');
    await vi.waitFor(() => expect(tasks.get('in-the-middle')).rejects.toThrow('404'), WITHIN);
  });

  it('credentials reach the agent, which has no right on Secrets', async () => {
    const seen: (string | undefined)[] = [];
    const server = createServer((req, res) => (seen.push(req.headers.authorization), res.end('ok'))).listen(
      0,
      '127.0.0.1',
    );
    await new Promise((resolve) => server.once('listening', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const params = { url, headers: { Authorization: 'Bearer of-great-price' } };
    expect(await tasks.run({ type: 'api', command: 'GET', params })).toMatchObject({ status: 'success' });
    const metadata = { name: 'login' };
    const data = { Authorization: Buffer.from('Bearer by-name').toString('base64') };
    const secret = { metadata, type: 'tiangong.io/credential', data };
    await rights.cluster.client().create(secrets, rights.namespace, secret);
    await apply('with-a-secret', { type: 'api', command: 'GET', params: { url, headers_secret_ref: 'login' } });
    expect(await tasks.ended('with-a-secret')).toMatchObject({ status: 'success' });
    expect(seen).toEqual(['Bearer of-great-price', 'Bearer by-name']);
    server.close();
  });

  it('files are uploaded, used and distributed', async () => {
    const file = await programs.rest.upload('names.txt', new Blob(['ann\nbob\n']));
    const command = 'wc -l < $TIANGONG_FILE';
    expect(await tasks.run({ type: 'shell', command, file_id: file.id })).toMatchObject({ result: '2\n' });
    const target = join(programs.folder, 'names.txt');
    const sent = await programs.rest.post<{ tasks?: object[] }>(`/files/${file.id}/distribute`, {
      agent_ids: [POD],
      target_path: target,
    });
    expect(JSON.stringify(sent)).toContain(POD);
  });

  it('agents are listed, and say what they are', async () => {
    expect(await programs.rest.get(`/agents/${POD}/status`)).toMatchObject({ status: 'online' });
  });

  it('a sync is configured, tried, started, stopped and removed', async () => {
    const folder = join(programs.folder, 'watched');
    mkdirSync(folder);
    writeFileSync(join(folder, 'there'), 'x');
    const source = { driver: 'fs', uri: folder, credential: { user: 'fs-user', passwd: null }, disabled: false };
    expect(await call('POST', '/configs/sources/s1', { config: source })).toMatchObject({ status: 201 });
    const pusher = { driver: 'openapi', endpoint: consumer.endpoint, credential: { key: 'k3y' }, disabled: false };
    expect(await call('POST', '/configs/pushers/p1', { config: pusher })).toMatchObject({ status: 201 });
    const sync = { source: 's1', pusher: 'p1', disabled: false };
    expect(await call('POST', '/configs/syncs/t1', sync)).toMatchObject({ status: 201 });
    const tried = await call('POST', '/drivers/sources/fs/_actions/test_connection', { uri: folder });
    expect(tried).toMatchObject({ status: 200, body: { success: true } });
    const found = await call('POST', '/configs/sources/s1/_actions/discover_and_cache_fields', {});
    expect(found.status).toBe(200);
    expect((await call('POST', '/instances/syncs/t1/_actions/start')).status).toBe(202);
    const state = async (): Promise<string> =>
      (await call('GET', '/instances/status')).body.pipelines[0]?.overall_status;
    await expect.poll(state, WITHIN).toBe('MESSAGE_SYNC');
    await expect.poll(() => [...consumer.rows().values()].length, WITHIN).toBeGreaterThan(0);
    expect((await call('POST', '/instances/syncs/t1/_actions/stop')).status).toBe(202);
    await expect.poll(state, WITHIN).toBe('STOPPED');
    expect((await call('DELETE', '/configs/sources/s1')).status).toBeLessThan(300);
    const left = (): Promise<readonly unknown[]> =>
      rights.cluster
        .client()
        .list(syncTasks, rights.namespace)
        .then(({ items }) => items);
    await expect.poll(left, WITHIN).toEqual([]);
  });

  it('operator and agent come back after kill -9', async () => {
    await Promise.all([programs.operator.kill(), programs.agent.kill()]);
    programs.operator.start();
    programs.agent.start();
    expect(await tasks.run({ type: 'shell', command: 'echo again' })).toMatchObject({ result: 'again\n' });
  });

  it('an agent that stops gives its Lease back', async () => {
    await programs.agent.stop();
    const lease = await rights.cluster.client().get(leases, rights.namespace, POD);
    expect(lease.spec?.holderIdentity ?? '').toBe('');
  });

  it('no program has been refused anything', () => {
    const word = ({ user, verb, group, resource, name, message }: AuditedCall): string =>
      `${user} ${verb} ${group}/${resource} ${name}: ${message}`;
    const calls = rights.calls();
    expect(calls.length).toBeGreaterThan(50);
    expect([...new Set(calls.filter(({ status }) => status === 403 || status === 401).map(word))]).toEqual([]);
  });
});
