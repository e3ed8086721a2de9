import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { isNotFound } from '../../kube/kube-error.ts';
import { deployTasks, leases, secrets, syncTasks } from '../../kube/resource.ts';
import type { DeployTaskSpec } from '../../kube/types/deploytask.ts';
import { readRbacTable } from '../../scripts/rbac-table.ts';
import { hasHelm } from '../chart/helm-binaries.ts';
import { hasCluster } from '../kubernetes/shared.ts';
import type { Programs } from '../programs/programs.ts';
import { TaskClient } from '../programs/task-client.ts';
import { TestConsumer } from '../sync/consumer.ts';
import { AuditLog } from './audit-log.ts';
import type { AuditedCall } from './audit-log.ts';
import { startCluster } from '../kubernetes/cluster.ts';
import type { Cluster } from '../kubernetes/cluster.ts';
import { installRelease } from './release.ts';
import type { Release } from './release.ts';
import { startReleasePrograms } from './release-programs.ts';

const WITHIN = { timeout: 60_000, interval: 100 };
const POD = 'tiangong-agent-0';

/** Rights for what needs a kubelet, pools, minutes or the end of a release: their own tests show that they are used. */
const ELSEWHERE = [
  /^(cleanup|test|pools|agent pods|operator hold) /,
  /^operator \w+ \w+ (apps\/|\/configmaps|\/pods|\/namespaces|tiangong.io\/agentpools)/,
  /^operator home ((delete|patch) tiangong.io\/agents|delete coordination.k8s.io\/leases)$/,
  // What is left over is looked for each minute; an Event that comes again is counted.
  /^api home (list|delete) \/secrets$/,
  /^operator watched patch \/events$/,
];

/** Whatever an answer holds. */
type Json = ReturnType<typeof JSON.parse>;

describe.skipIf(!hasCluster() || !hasHelm())('with the rights of the chart alone', { timeout: 180_000 }, () => {
  const audit = new AuditLog();
  let cluster: Cluster;
  let release: Release;
  let programs: Programs;
  let tasks: TaskClient;
  let attempt = 0;

  beforeAll(async () => {
    cluster = await startCluster({ apiServerArgs: audit.apiServerArgs() });
    release = await installRelease(cluster, 'home');
    programs = await startReleasePrograms(cluster, release, { pod: POD, node: 'n1' });
    tasks = new TaskClient(programs);
  });

  beforeEach(() => {
    attempt += 1;
  });

  afterAll(async () => {
    await programs?.stop();
    await cluster?.stop();
    audit.remove();
  });

  /** A name that no other try of a test has used. */
  const named = (name: string): string => `${name}-${attempt}`;

  const call = async (method: string, path: string, body?: object): Promise<{ status: number; body: Json }> => {
    const init = body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const response = await fetch(`${programs.rest.url}/api${path}`, { method, ...init });
    return { status: response.status, body: (await response.json().catch(() => undefined)) as Json };
  };

  const apply = async (name: string, spec: Partial<DeployTaskSpec>): Promise<void> => {
    const whole = { type: 'shell' as const, agent: POD, ...spec };
    await release.admin.create(deployTasks, release.home, { metadata: { name }, spec: whole });
  };

  it('tasks of REST and of kubectl run, with their output', async () => {
    expect(await tasks.run({ type: 'shell', command: 'echo hello' })).toMatchObject({
      status: 'success',
      result: 'hello\n',
    });
    await apply(named('by-kubectl'), { command: 'echo hello' });
    expect(await tasks.ended(named('by-kubectl'))).toMatchObject({ status: 'success', result: 'hello\n' });
    expect(await tasks.run({ type: 'shell', command: 'exit 3' })).toMatchObject({ status: 'failed' });
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
    const [shortLived, inTheMiddle] = [named('short-lived'), named('in-the-middle')];
    await apply(shortLived, { command: 'true', ttlSecondsAfterFinished: 0 });
    const find = (): Promise<unknown> => release.admin.get(deployTasks, release.home, shortLived);
    await vi.waitFor(() => expect(find()).rejects.toSatisfy(isNotFound), WITHIN);
    await apply(inTheMiddle, { command: 'sleep 300' });
    await expect.poll(async () => (await tasks.get(inTheMiddle)).status, WITHIN).toBe('running');
    await release.admin.delete(deployTasks, release.home, inTheMiddle);
    await vi.waitFor(() => expect(tasks.get(inTheMiddle)).rejects.toThrow('404'), WITHIN);
  });

  it('credentials reach the agent, which has no right on Secrets', async () => {
    const seen: (string | undefined)[] = [];
    const server = createServer((req, res) => (seen.push(req.headers.authorization), res.end('ok'))).listen(
      0,
      '127.0.0.1',
    );
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const params = { url, headers: { Authorization: 'Bearer of-great-price' } };
    expect(await tasks.run({ type: 'api', command: 'GET', params })).toMatchObject({ status: 'success' });
    const login = named('login');
    const metadata = { name: login };
    const data = { Authorization: Buffer.from('Bearer by-name').toString('base64') };
    const secret = { metadata, type: 'tiangong.io/credential', data };
    await release.admin.create(secrets, release.home, secret);
    await apply(named('with-a-secret'), { type: 'api', command: 'GET', params: { url, headers_secret_ref: login } });
    expect(await tasks.ended(named('with-a-secret'))).toMatchObject({ status: 'success' });
    expect(seen).toEqual(['Bearer of-great-price', 'Bearer by-name']);
  });

  it('files are uploaded, used and distributed', async () => {
    const file = await programs.rest.upload('names.txt', new Blob(['ann\nbob\n']));
    const command = 'wc -l < $TIANGONG_FILE';
    expect(await tasks.run({ type: 'shell', command, file_id: file.id })).toMatchObject({ result: '2\n' });
    const target = join(programs.folder, named('names.txt'));
    const sent = await programs.rest.post<{ tasks?: object[] }>(`/files/${file.id}/distribute`, {
      agent_ids: [POD],
      target_path: target,
    });
    expect(JSON.stringify(sent)).toContain(POD);
  });

  it('agents are listed, and say what they are', async () => {
    expect(await programs.rest.get(`/agents/${POD}/status`)).toMatchObject({ status: 'online' });
    expect(await call('PUT', `/v1/agents/${POD}`, { tags: ['tried'] })).toMatchObject({ status: 200 });
  });

  it('a sync is configured, tried, started, stopped and removed', async () => {
    const consumer = await TestConsumer.listen();
    onTestFinished(() => consumer.close());
    const left = async (): Promise<unknown> => (await release.admin.list(syncTasks, release.home)).items;
    // A try that failed has left its own.
    for (const path of ['/configs/sources/s1', '/configs/pushers/p1']) await call('DELETE', path);
    await expect.poll(left, WITHIN).toEqual([]);
    const folder = join(programs.folder, named('watched'));
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
    expect((await call('PUT', '/configs/sources/s1', { config: { ...source, max_queue_size: 500 } })).status).toBe(200);
    expect((await call('PUT', '/configs/pushers/p1', { config: { ...pusher, batch_size: 50 } })).status).toBe(200);
    expect(await call('POST', '/configs/syncs/t2', sync)).toMatchObject({ status: 201 });
    expect((await call('DELETE', '/configs/syncs/t1')).status).toBeLessThan(300);
    // What is left of the syncs goes with their source.
    expect((await call('DELETE', '/configs/sources/s1')).status).toBeLessThan(300);
    expect((await call('DELETE', '/configs/pushers/p1')).status).toBeLessThan(300);
    await expect.poll(left, WITHIN).toEqual([]);
  });

  it('operator and agent come back after kill -9', async () => {
    await Promise.all([programs.operator.kill(), programs.agent.kill()]);
    programs.operator.start();
    programs.agent.start();
    expect(await tasks.run({ type: 'shell', command: 'echo again' })).toMatchObject({ result: 'again\n' });
  });

  it('an agent that stops gives its Lease back', async () => {
    onTestFinished(async () => {
      await programs.agent.kill();
      programs.agent.start();
    });
    await expect.poll(() => programs.rest.tryGet(`/agents/${POD}/status`), WITHIN).toMatchObject({ status: 'online' });
    await programs.agent.stop();
    const lease = await release.admin.get(leases, release.home, POD);
    expect(lease.spec?.holderIdentity ?? '').toBe('');
    expect(await call('DELETE', `/v1/agents/${POD}`)).toMatchObject({ status: 200 });
  });

  it('no right is there in vain, but for what did not happen here', () => {
    const used = new Set(
      audit.calls().map(({ user, verb, group, resource }) => `${user} ${verb} ${group}/${resource}`),
    );
    const unused = readRbacTable().components.flatMap(({ component, where, rules }) =>
      rules.flatMap(({ verbs, group, resources }) =>
        verbs.flatMap((verb) =>
          resources
            .map((resource) => `${verb} ${group}/${resource}`)
            .filter((right) => !used.has(`system:serviceaccount:home:tiangong-${component} ${right}`))
            .map((right) => `${component} ${where} ${right}`),
        ),
      ),
    );
    expect(unused.filter((right) => !ELSEWHERE.some((pattern) => pattern.test(right)))).toEqual([]);
  });

  it('no program has been refused anything', () => {
    const word = ({ user, verb, group, resource, name, message }: AuditedCall): string =>
      `${user} ${verb} ${group}/${resource} ${name}: ${message}`;
    const calls = audit.calls();
    expect(calls.length).toBeGreaterThan(50);
    expect([...new Set(calls.filter(({ status }) => status === 403 || status === 401).map(word))]).toEqual([]);
  });
});
