import { existsSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { zipArchive } from '../../agent/testing/zip-archive.ts';
import { deployTasks } from '../../kube/resource.ts';
import { hasCluster, sharedCluster } from '../kubernetes/shared.ts';
import type { SharedCluster } from '../kubernetes/shared.ts';
import { startPrograms } from '../programs/programs.ts';
import type { Programs } from '../programs/programs.ts';
import type { RestFile } from '../programs/rest-client.ts';
import { TaskClient } from '../programs/task-client.ts';
import { rawRequest } from './raw-request.ts';

/** What somebody who may create tasks sends, and should not get away with. */
describe.skipIf(!hasCluster())('an attacker who may create tasks', { timeout: 180_000 }, () => {
  let cluster: SharedCluster;
  let programs: Programs;
  let tasks: TaskClient;

  beforeAll(async () => {
    cluster = await sharedCluster();
    const k8s = { kubeconfig: cluster.kubeconfig('admin'), namespace: cluster.namespace };
    programs = await startPrograms(cluster, { agentConfig: { plugins: [{ type: 'k8s', config: k8s }] } });
    tasks = new TaskClient(programs);
  });
  afterAll(() => programs?.stop());

  const call = (path: string, init?: RequestInit): Promise<Response> => fetch(programs.rest.url + path, init);
  const upload = (name: string, content: string | Uint8Array<ArrayBuffer>): Promise<RestFile> =>
    programs.rest.upload(name, new Blob([content]));
  const fate = async (body: object): Promise<string> => {
    const task = await tasks.run(body);
    expect(task.status, JSON.stringify(task)).toBe('failed');
    return task.error;
  };
  /** The agent and the API are still there, and do as they are told. */
  const expectAlive = async (): Promise<void> => {
    expect(await tasks.run({ type: 'shell', command: 'echo alive' })).toMatchObject({ result: 'alive\n' });
  };

  describe('by paths of files', () => {
    it.each(['../../../etc/passwd', '..\\..\\boot.ini', '/etc/shadow', 'a/../../b', '\u202egpj.exe', '..'])(
      'gets no path into a name: %j',
      async (name) => {
        const file = await upload(name, `content of ${name}`);
        expect(file.name).not.toMatch(/[/\\\0\u202e]|\.\./);
        expect(file.path).not.toMatch(/\.\.|\0/);
        const { headers } = await call(`/api/v1/files/${file.id}/download`);
        expect(headers.get('content-disposition')).not.toMatch(/\.\.|[/\\]\w/);
      },
    );

    it('gets no NUL into a name', async () => {
      await expect(upload('x\0.txt', 'x')).rejects.toThrow('failed to upload file: malformed part header');
    });

    it.each(['..%2f..%2f..%2fetc%2fpasswd', '%2e%2e', 'file-..%2fstore.db', '..%5cstore.db', 'x%00', '.'])(
      'finds no file by the id %s',
      async (id) => {
        for (const path of [`/api/v1/files/${id}`, `/api/v1/files/${id}/download`]) {
          const answer = await rawRequest(programs.rest.url, `GET ${path} HTTP/1.1`);
          expect([400, 404]).toContain(answer.status);
          expect(answer.body).toMatch(/"code":"(FileNotFound|InvalidRequest|RouteNotFound)"/);
        }
      },
    );

    it("puts no file where the agent's or the system's own are", async () => {
      const { id: file_id } = await upload('planted', 'planted by an attacker');
      const journal = join(programs.folder, 'agent', 'journal', 'planted');
      const link = join(programs.folder, 'link');
      symlinkSync(join(programs.folder, 'agent'), link);
      onTestFinished(() => rmSync(link));
      for (const [target_path, why] of [
        ['/proc/self/environ', 'is not for tasks to use'],
        ['/sys/planted', 'is not for tasks to use'],
        ['/dev/planted', 'is not for tasks to use'],
        [journal, 'is not for tasks to use'],
        [join(link, 'journal', 'planted'), 'is not for tasks to use'],
        ['../journal/planted', "leaves the agent's work folder; name the place from / on"],
      ] as const)
        expect(await fate({ type: 'file', file_id, params: { operation: 'distribute', target_path } })).toBe(
          `${target_path} ${why}`,
        );
      expect(existsSync(journal)).toBe(false);
    });

    it("reads none of the agent's own files as a script", async () => {
      writeFileSync(join(programs.folder, 'agent', 'secret.sql'), 'select 1');
      for (const file_path of [join(programs.folder, 'agent', 'secret.sql'), '/proc/self/environ', '/proc/1/environ']) {
        expect(await fate({ type: 'k8s', params: { operation: 'apply', file_path } })).toBe(
          `${file_path} is not for tasks to use`,
        );
      }
    });

    it('unpacks no archive that leads out of its folder, none that lies, and no bomb', async () => {
      const bomb = zipArchive([{ name: 'a.yaml', bytes: Buffer.alloc(200 * 1024 * 1024), level: 9 }]);
      for (const [name, bytes, why] of [
        ['slip', zipArchive([{ name: '../../etc/cron.d/x.yaml', bytes: 'a: 1' }]), 'invalid relative path'],
        ['link', zipArchive([{ name: 'x.yaml', bytes: '/etc/passwd', mode: 0o120777 }]), 'is a link or a device'],
        ['lie', zipArchive([{ name: 'x.yaml', bytes: 'a: 1'.repeat(1000), claimedBytes: 4 }]), 'too many bytes'],
        ['bomb', bomb, 'unpacks to more than 250 times its size, as a zip bomb does'],
      ] as const) {
        const { id: file_id } = await upload(`${name}.zip`, new Uint8Array(bytes));
        expect(await fate({ type: 'k8s', file_id, params: { operation: 'apply' } })).toContain(why);
      }
      await expectAlive();
    });
  });

  describe('by addresses', () => {
    it.each([
      ...['http://169.254.169.254/latest/meta-data/', 'http://2852039166/', 'http://0xa9.0xfe.0xa9.0xfe/'],
      ...['http://[::ffff:169.254.169.254]/', 'http://[64:ff9b::a9fe:a9fe]/', 'http://[fd00:ec2::254]/'],
      ...['http://100.100.100.200/latest/', 'http://192.0.0.192/', 'http://168.63.129.16/', 'http://[fd20:ce::254]/'],
      ...['http://169.254.169.254.:80/', 'http://①⑥⑨.254.169.254/'],
    ])('asks no cloud for credentials: %s', async (url) => {
      expect(await fate({ type: 'api', command: 'GET', params: { url } })).toMatch(
        /^request failed: requests to \S+ are not allowed on this agent$/,
      );
    });

    it('asks none by way of a redirect either', async () => {
      const server = createServer((_req, res) =>
        res.writeHead(307, { location: 'http://169.254.169.254/latest/api/token' }).end(),
      );
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      onTestFinished(() => void server.close());
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      expect(await fate({ type: 'api', command: 'PUT', params: { url } })).toContain('requests to 169.254.169.254');
    });

    it('sends no request by other schemes, and no login in a URL', async () => {
      for (const url of ['file:///etc/passwd', 'gopher://127.0.0.1:6379/_x', 'data:text/plain,x'])
        expect(await tasks.refused({ agent_id: programs.agentName, type: 'api', params: { url } })).toEqual({
          status: 400,
          error: 'params.url must be an http or https address',
        });
    });

    it.each([
      ['elasticsearch', '{"operation":"count","index":"a"}', { port: 80 }],
      ['clickhouse', 'select 1', { port: 80, protocol: 'http' }],
    ])('asks none as a server of %s', async (type, command, target) => {
      for (const host of ['169.254.169.254', '::ffff:169.254.169.254', '100.100.100.200'])
        expect(await fate({ type, command, params: { target: { host, ...target } } })).toBe(
          `params.target.host: requests to ${host} are not allowed on this agent`,
        );
      for (const host of ['2852039166', '0xa9.0xfe.0xa9.0xfe', '0251.0376.0251.0376', '169.254.169.254.'])
        expect(await fate({ type, command, params: { target: { host, ...target } } })).toBe(
          'params.target.host: requests to 169.254.169.254 are not allowed on this agent',
        );
    });

    it('asks none as the consumer of a sync', async () => {
      const body = JSON.stringify({ endpoint: 'http://169.254.169.254/latest/user-data' });
      for (const driver of ['openapi', 'fusion']) {
        const path = `/api/drivers/pushers/${driver}/_actions/test_connection`;
        const answer = await call(path, { method: 'POST', body });
        expect(await answer.text()).toContain('requests to 169.254.169.254 are not allowed on this agent');
      }
    });

    it.each([
      ['source_oss', { driver_params: { endpoint_url: 'http://169.254.169.254', bucket_name: 'latest' } }],
      [
        'elasticsearch',
        { uri: 'http://[::ffff:169.254.169.254]', driver_params: { index_name: 'a', timestamp_field: 'b' } },
      ],
    ])('asks none as the source of a sync: %s', async (driver, body) => {
      const path = `/api/drivers/sources/${driver}/_actions/test_connection`;
      const answer = await call(path, { method: 'POST', body: JSON.stringify(body) });
      expect(await answer.text()).toMatch(/requests to \S+ are not allowed on this agent/);
    });
  });

  describe('by YAML and JSON', () => {
    const apply = (command: string): Promise<string> => fate({ type: 'k8s', command, params: { operation: 'apply' } });

    it('swells no document by its aliases', async () => {
      const levels = Array.from({ length: 12 }, (_, n) =>
        n === 0
          ? 'a0: &a0 [x,x,x,x,x,x,x,x,x,x]'
          : `a${n}: &a${n} [${Array(10)
              .fill(`*a${n - 1}`)
              .join(',')}]`,
      );
      expect(await apply(`kind: ConfigMap\napiVersion: v1\nmetadata: {name: bomb}\n${levels.join('\n')}`)).toContain(
        'the documents hold more than 1000000 values, aliases counted',
      );
      await expectAlive();
    });

    it('swells none by merge keys, depth or a cycle', async () => {
      const keys = Array.from({ length: 2000 }, (_, n) => `k${n}: v`).join(', ');
      const merging = `a: &a {${keys}}\nb: {<<: [${Array(5000).fill('*a').join(',')}]}`;
      expect(await apply(merging)).toContain('abnormal merge sequence size');
      expect(await apply(`a: ${'['.repeat(50_000)}`)).toContain('nesting exceeded maxDepth (100)');
      expect(await apply('a: &a [*a]')).toContain('nested more than 100 levels deep');
      expect(await apply('!!js/function "function(){}"')).toContain('unknown tag');
      await expectAlive();
    });

    it('sends REST no body that is too deep, too long or no UTF-8', async () => {
      const post = (body: NonNullable<RequestInit['body']>): Promise<Response> =>
        call('/api/v1/tasks', { method: 'POST', body });
      const deep = await post(`${'['.repeat(500_000)}${']'.repeat(500_000)}`);
      expect([deep.status, await deep.json()]).toMatchObject([400, { code: 'InvalidRequest' }]);
      expect((await post(`{"a":"${'x'.repeat(2_000_000)}"}`)).status).toBe(413);
      expect((await post(new Uint8Array([0x22, 0xff, 0xfe, 0x22]))).status).toBe(415);
      const polluted = await post(
        `{"agent_id":"${programs.agentName}","type":"shell","command":"id","__proto__":{"type":"api"},"constructor":{"a":1}}`,
      );
      expect([polluted.status, await polluted.json()]).toMatchObject([201, { type: 'shell' }]);
      await expectAlive();
    });
  });

  describe('by headers and lines', () => {
    it('puts no header into a request of a task', async () => {
      const url = 'http://127.0.0.1:9/';
      const send = (headers: object): Promise<string> => fate({ type: 'api', params: { url, headers } });
      expect(await send({ 'X-A': 'b\r\nHost: evil' })).toBe(
        'params.headers.x-a has a character that no header may have',
      );
      expect(await send({ 'X-A\r\nHost': 'evil' })).toBe('params.headers: "x-a\\r\\nhost" is no name of a header');
      expect(await send({ 'Transfer-Encoding': 'chunked' })).toBe(
        'params.headers: transfer-encoding is set by the agent',
      );
      expect(await fate({ type: 'api', command: 'GET\r\nX: y', params: { url } })).toBe(
        'command must be an HTTP method, such as GET',
      );
    });

    it('puts none into an answer of the API', async () => {
      const file = await upload('a"\r\nSet-Cookie: x=y\r\n.txt', 'header');
      const { headers } = await call(`/api/v1/files/${file.id}/download`);
      expect(headers.get('set-cookie')).toBeNull();
      const answer = await rawRequest(programs.rest.url, 'GET /api/v1/tasks/x%0d%0aSet-Cookie:%20a=b HTTP/1.1', [
        'X-Request-Id: a b<script>',
      ]);
      expect(answer.head).not.toMatch(/set-cookie|<script>/i);
    });

    it('writes no line of its own into a log or into the audit trail', async () => {
      const line = '{"level":30,"msg":"all is well"}';
      const forged = encodeURIComponent(`x\n${line}\r\n\x1b[2J`);
      await call(`/api/v1/tasks/${forged}/cancel`, { method: 'POST' });
      await call(`/api/configs/sources/${forged}`, { method: 'DELETE' });
      const spec = { type: 'shell', agent: programs.agentName, command: `printf 'a\\n${line}\\n\\033[2J'` } as const;
      const annotations = { 'tiangong.io/created-by': `eve\n${line}\u001b[2J` };
      const metadata = { generateName: 'forger-', annotations };
      const forger = await cluster.client.create(deployTasks, cluster.namespace, { metadata, spec });
      await tasks.ended(forger.metadata.name);
      for (const { log } of [programs.api, programs.agent, programs.operator])
        for (const entry of log.split('\n').filter((text) => text !== '')) {
          const { msg } = JSON.parse(entry) as { msg?: string };
          expect(msg).not.toBe('all is well');
          expect(entry).not.toMatch(/[\0-\x08\x0b-\x1f]/);
        }
      const list = (): Promise<{ records: Record<string, string>[] }> => programs.rest.get('/audit?limit=1000');
      const { records } = await vi.waitFor(async () => {
        const found = await list();
        expect(found.records.map(({ user }) => user)).toContain(`eve\ufffd${line}\ufffd[2J`);
        return found;
      });
      for (const record of records) expect(Object.values(record).join('')).not.toMatch(/[\0-\x1f\x7f]/);
      const kept = (await (await call('/api/logs?limit=1000')).json()) as { msg: string }[];
      for (const { msg } of kept) expect(msg).not.toMatch(/[\0-\x1f\x7f]/);
    });
  });
});
