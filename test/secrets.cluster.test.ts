import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Client as ElasticClient } from '@elastic/elasticsearch';
import { MongoClient } from 'mongodb';
import { createConnection } from 'mysql2/promise';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { hasCluster, sharedCluster } from './kubernetes/shared.ts';
import type { SharedCluster } from './kubernetes/shared.ts';
import { startPrograms } from './programs/programs.ts';
import type { Programs } from './programs/programs.ts';
import { TaskClient } from './programs/task-client.ts';
import { hasServices, service } from './services/service.ts';

const USER = `user_${randomBytes(4).toString('hex')}`;
/** Twenty characters that are nowhere else. */
const unique = (): string => `S3cret${randomBytes(7).toString('hex')}`;

describe.skipIf(!hasCluster())('a password or key', () => {
  const connectionPassword = unique();
  const backupPassword = unique();
  let cluster: SharedCluster;
  let programs: Programs;
  let tasks: TaskClient;

  beforeAll(async () => {
    cluster = await sharedCluster();
    const { host = '127.0.0.1', port = 1 } = hasServices('postgres') ? await service('postgres') : {};
    const connection = { name: 'default', host, port, user: USER, database: 'postgres', password_env: 'PG_PASSWORD' };
    const k8s = { kubeconfig: cluster.kubeconfig('admin'), namespace: cluster.namespace };
    programs = await startPrograms(cluster, {
      agentConfig: {
        plugins: [
          { type: 'postgres', config: { connections: [connection] } },
          { type: 'mysql', config: { connections: await mysqlConnections() } },
          { type: 'k8s', config: k8s },
        ],
      },
      agentEnv: { PG_PASSWORD: connectionPassword, BACKUP_PASSWORD: backupPassword },
    });
    tasks = new TaskClient(programs);
  });

  afterAll(() => programs.stop());

  async function mysqlConnections(): Promise<object[]> {
    const found: object[] = [];
    for (const name of ['mysql', 'mariadb'] as const) {
      if (!hasServices(name)) continue;
      const { host, port } = await service(name);
      const backup = { backup_user: `${USER}_b`, backup_password_env: 'BACKUP_PASSWORD' };
      found.push({ name, host, port, user: USER, password_env: 'PG_PASSWORD', ...backup });
    }
    return found;
  }

  /**
   * Runs the tasks, and looks for the secrets in all that is kept or shown: objects but for Secrets, Events, REST, logs of
   * tasks and programs, the agent's journal and spool and the API's store on disk.
   */
  async function expectHidden(secrets: readonly string[], bodies: readonly object[]): Promise<string[]> {
    const shown: string[] = [];
    const errors: string[] = [];
    for (const body of bodies) {
      const created = await tasks.create(body);
      const task = await tasks.ended(created.id);
      errors.push(task.error);
      shown.push(JSON.stringify([created, task, await tasks.logs(task.id)]));
      const result = await fetch(`${programs.rest.url}/api/v1/tasks/${task.id}/result`);
      shown.push(await result.text());
    }
    shown.push(JSON.stringify(await programs.rest.get('/tasks')));
    for (const path of ['apis/tiangong.io/v1alpha1/deploytasks', 'apis/tiangong.io/v1alpha1/agents', 'api/v1/events']) {
      const [plural = '', ...base] = path.split('/').reverse();
      const list = `/${base.reverse().join('/')}/namespaces/${cluster.namespace}/${plural}`;
      shown.push(JSON.stringify(await cluster.client.raw({ method: 'GET', path: list })));
    }
    const files = readdirSync(programs.folder, { recursive: true, withFileTypes: true }).filter((file) =>
      file.isFile(),
    );
    expect(files.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['journal', 'agent.log', 'api.log', 'operator.log']),
    );
    for (const { parentPath, name } of files) shown.push(readFileSync(join(parentPath, name), 'latin1'));
    // What is looked through does have the tasks.
    const objects = shown.filter((text) => text.includes('"kind":"DeployTaskList"'));
    expect(objects).toEqual([expect.stringContaining('"uid"')]);
    for (const secret of secrets)
      for (const form of [secret, Buffer.from(secret).toString('base64').replace(/=+$/, '')])
        expect(shown.filter((text) => text.includes(form)).map((text) => around(text, form))).toEqual([]);
    return errors;
  }

  const around = (text: string, secret: string): string => {
    const at = text.indexOf(secret);
    return text.slice(Math.max(0, at - 200), at + 200);
  };

  it('of an api task is nowhere', async () => {
    const target = createServer((_request, response) => response.end('fine'));
    await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void target.close());
    const url = `http://127.0.0.1:${(target.address() as AddressInfo).port}/`;
    const [token, lost] = [unique(), unique()];
    const headersOf = (secret: string): object => ({ headers: { Authorization: `Bearer ${secret}` } });
    await expectHidden(
      [token, lost],
      [
        { type: 'api', params: { url, ...headersOf(token) } },
        { type: 'api', params: { url: 'http://127.0.0.1:1/', ...headersOf(lost) } },
      ],
    );
  });

  it('of a k8s task, in a Secret that it reads and in its own kubeconfig, is nowhere', async () => {
    const password = unique();
    const name = USER.replaceAll('_', '-');
    const token = cluster.tokenFor('admin');
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { password } };
    await cluster.client.raw({
      method: 'POST',
      path: `/api/v1/namespaces/${cluster.namespace}/secrets`,
      body: JSON.stringify(secret),
    });
    const label = { apiVersion: 'v1', kind: 'Secret', metadata: { name, labels: { seen: 'yes' } } };
    const errors = await expectHidden(
      [password, token],
      [
        { type: 'k8s', command: JSON.stringify(label), params: { operation: 'patch' } },
        { type: 'k8s', command: `Secret/${name}`, params: { operation: 'get' } },
      ],
    );
    expect(errors).toEqual(['', '']);
  });

  it.skipIf(!hasServices('postgres'))('of a postgres task is nowhere, be it right or wrong', async () => {
    const { host, port, user, password } = await service('postgres');
    const admin = new Client({ host, port, user, password, database: 'postgres' });
    await admin.connect();
    await admin.query(`CREATE ROLE ${USER} LOGIN PASSWORD '${connectionPassword}'`);
    onTestFinished(async () => {
      await admin.query(`DROP ROLE ${USER}`);
      await admin.end();
    });
    const wrong = unique();
    const login = (secret: string): object => ({
      target: { host, port, user: USER, password: secret, database: 'postgres' },
    });
    const errors = await expectHidden(
      [connectionPassword, wrong],
      [
        { type: 'postgres', command: 'SELECT 1', params: { connection: 'default' } },
        { type: 'postgres', command: 'SELECT 1', params: login(connectionPassword) },
        { type: 'postgres', command: 'SELEKT 1', params: login(connectionPassword) },
        { type: 'postgres', command: 'SELECT 1', params: login(wrong) },
      ],
    );
    expect(errors.slice(0, 2)).toEqual(['', '']);
    expect(errors[3]).toMatch(/authentication failed/i);
  });

  describe.each(['mysql', 'mariadb'] as const)('of a mysql task to %s', (name) => {
    it.skipIf(!hasServices(name))(
      'is nowhere, be it right or wrong, be it of the target or of who backs up',
      async () => {
        const { host, port, user, password } = await service(name);
        const admin = await createConnection({ host, port, user, password, multipleStatements: true });
        await admin.query(`CREATE DATABASE ${USER}; CREATE TABLE ${USER}.t (id INT PRIMARY KEY);
        CREATE USER ${USER}@'%' IDENTIFIED BY '${connectionPassword}'; GRANT ALL ON ${USER}.* TO ${USER}@'%';
        CREATE USER ${USER}_b@'%' IDENTIFIED BY '${backupPassword}';
        GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO ${USER}_b@'%'`);
        onTestFinished(async () => {
          await admin.query(`DROP DATABASE ${USER}; DROP USER ${USER}@'%'; DROP USER ${USER}_b@'%'`);
          await admin.end();
        });
        const wrong = unique();
        const login = (secret: string): object => ({ target: { host, port, user: USER, password: secret, db: USER } });
        const asked = { exec_options: { backup: true } };
        const errors = await expectHidden(
          [connectionPassword, backupPassword, wrong],
          [
            {
              type: 'mysql',
              command: 'INSERT INTO t VALUES (1)',
              params: { connection: name, database: USER, ...asked },
            },
            { type: 'mysql', command: 'SELECT * FROM t', params: login(connectionPassword) },
            { type: 'mysql', command: 'INSERT INTO t VALUES (2)', params: login(connectionPassword) },
            { type: 'mysql', command: 'SELEKT 1', params: login(connectionPassword) },
            { type: 'mysql', command: 'SELECT 1', params: { ...login(connectionPassword), review: 'only' } },
            { type: 'mysql', command: 'SELECT 1', params: login(wrong) },
          ],
        );
        expect(errors.slice(0, 3)).toEqual(['', '', '']);
        expect(errors[5]).toMatch(/access denied|authentication failed/i);
      },
    );
  });

  it.skipIf(!hasServices('mongo'))('of a mongo task is nowhere, be it right or wrong', async () => {
    const { host, port, user, password } = await service('mongo');
    const client = await MongoClient.connect(`mongodb://${user}:${password}@${host}:${port}/`);
    const [right, wrong] = [unique(), unique()];
    const admin = client.db('admin');
    const roles = [
      { role: 'clusterAdmin', db: 'admin' },
      { role: 'readWriteAnyDatabase', db: 'admin' },
    ];
    await admin.command({ createUser: USER, pwd: right, roles });
    onTestFinished(async () => {
      await client.db(USER).dropDatabase();
      await admin.command({ dropUser: USER });
      await client.close();
    });
    const command = JSON.stringify({ operation: 'insert', collection: 'c', documents: [{ a: 1 }] });
    const params = (secret: string): object => ({ target: { host, port, user: USER, password: secret, db: USER } });
    const errors = await expectHidden(
      [right, wrong],
      [right, wrong].map((secret) => ({ type: 'mongo', command, params: params(secret) })),
    );
    expect(errors).toEqual(['', expect.stringMatching(/authentication/i)]);
  });

  it.skipIf(!hasServices('elasticsearch'))('of an elasticsearch task is nowhere, be it right or wrong', async () => {
    const { host, port, user, password } = await service('elasticsearch');
    const client = new ElasticClient({ node: `http://${host}:${port}`, auth: { username: user, password } });
    const [right, wrong, wrongKey] = [unique(), unique(), unique()];
    const index = USER.replaceAll('_', '-');
    await client.security.putUser({ username: USER, password: right, roles: ['superuser'] });
    const { encoded, api_key } = await client.security.createApiKey({ name: USER });
    onTestFinished(async () => {
      await client.indices.delete({ index, ignore_unavailable: true });
      await client.security.deleteUser({ username: USER });
      await client.close();
    });
    const command = JSON.stringify({ operation: 'index', index, id: '1', doc: { a: 1 } });
    const logins = [
      { user: USER, password: right },
      { api_key: encoded },
      { user: USER, password: wrong },
      { api_key: Buffer.from(`id:${wrongKey}`).toString('base64') },
    ];
    const errors = await expectHidden(
      [right, encoded, api_key, wrong, wrongKey],
      logins.map((login) => ({ type: 'elasticsearch', command, params: { target: { host, port, ...login } } })),
    );
    expect(errors.map((error) => error === '')).toEqual([true, true, false, false]);
  });

  it.skipIf(!hasServices('clickhouse-18'))('of a clickhouse task is nowhere', async () => {
    const { host, port, ports } = await service('clickhouse-18');
    const secrets = [unique(), unique()] as const;
    const login = { host, user: 'tiangong' };
    const targets = [
      { ...login, port: ports['native'], protocol: 'native', password: secrets[0] },
      { ...login, port, protocol: 'http', password: secrets[1] },
    ];
    const errors = await expectHidden(
      secrets,
      targets.map((target) => ({ type: 'clickhouse', command: 'SELECT 1', params: { target } })),
    );
    for (const error of errors) expect(error).toMatch(/password|authentication/i);
  });
});
