import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '@clickhouse/client';
import { Client as ElasticClient } from '@elastic/elasticsearch';
import { MongoClient } from 'mongodb';
import { Pool } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { deployTasks } from '../../kube/resource.ts';
import type { KubeObject } from '../../kube/object.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import { hasCluster, sharedCluster } from '../kubernetes/shared.ts';
import type { SharedCluster } from '../kubernetes/shared.ts';
import { startPrograms } from '../programs/programs.ts';
import type { Programs } from '../programs/programs.ts';
import { TaskClient } from '../programs/task-client.ts';
import { HoldingProxy } from '../services/holding-proxy.ts';
import { hasServices, service } from '../services/service.ts';
import type { Service } from '../services/service.ts';

const SOON = { timeout: 60_000, interval: 50 };
/** A name that no other try of a test has used: what the agent had begun may go on at the server. */
const freshName = (): string => `survival_${randomBytes(4).toString('hex')}`;

describe.skipIf(!hasCluster())('an agent that is killed in the middle of', () => {
  let cluster: SharedCluster;
  let programs: Programs;
  let tasks: TaskClient;

  beforeAll(async () => {
    cluster = await sharedCluster();
    const k8s = { type: 'k8s', config: { kubeconfig: cluster.kubeconfig('admin'), namespace: cluster.namespace } };
    programs = await startPrograms(cluster, { agentConfig: { plugins: [k8s] } });
    tasks = new TaskClient(programs);
  });

  afterAll(() => programs.stop());

  /**
   * Kills the agent once `isInTheMiddle` and the journal has the evidence, starts it again, and expects the task to end
   * as Unknown with that evidence.
   */
  async function killDuring(
    body: object,
    isInTheMiddle: () => Promise<boolean>,
    evidence: RegExp,
  ): Promise<DeployTask> {
    const { id } = await tasks.create(body);
    await vi.waitUntil(async () => {
      const { status, error } = await tasks.get(id);
      expect(status, error).not.toBe('failed');
      return isInTheMiddle();
    }, SOON);
    const { uid = '' } = (await cluster.client.get(deployTasks, cluster.namespace, id)).metadata;
    await vi.waitFor(() => expect(journalOf(uid)).toMatch(evidence), SOON);
    await programs.agent.kill();
    programs.agent.start();
    const task = await tasks.ended(id);
    expect(task).toMatchObject({
      status: 'failed',
      error: expect.stringMatching(/^outcome unknown, the work may or may not have been done: /) as string,
    });
    expect(task.error).toMatch(evidence);
    const resource = await cluster.client.get(deployTasks, cluster.namespace, id);
    expect(resource.status).toMatchObject({ state: 'Unknown', error: expect.stringMatching(evidence) as string });
    return resource;
  }

  const journalOf = (uid: string): string =>
    readFileSync(join(programs.folder, 'agent', 'journal'), 'utf8')
      .split('\n')
      .filter((line) => line.includes(uid))
      .join('\n');

  const targetOf = ({ host, port, user, password }: Service): Record<string, unknown> => ({
    host,
    port,
    user,
    password,
  });

  describe.skipIf(!hasServices('postgres'))('a postgres task', () => {
    let server: Service;
    let witness: Pool;
    let name: string;

    beforeEach(async () => {
      name = freshName();
      server = await service('postgres');
      witness = new Pool({ ...targetOf(server), database: 'postgres' });
      await witness.query(`CREATE TABLE ${name} (note text)`);
    });

    afterEach(async () => {
      const inUse =
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE $1 AND pid <> pg_backend_pid()';
      await witness.query(inUse, [`%${name}%`]);
      await witness.query(`DROP TABLE ${name}`);
      await witness.end();
    });

    const queries = async (mark: string): Promise<number> => {
      const sql =
        "SELECT count(*)::int AS n FROM pg_stat_activity WHERE state = 'active' AND query LIKE $1 AND pid <> pg_backend_pid()";
      return (await witness.query<{ n: number }>(sql, [`%${mark}%`])).rows[0]!.n;
    };
    const notes = async (): Promise<unknown[]> => (await witness.query(`SELECT note FROM ${name} ORDER BY 1`)).rows;

    it('leaves it Unknown with statement and connection, run once', async () => {
      const mark = `/*${name}*/`;
      const command = `INSERT INTO ${name} VALUES ('once'); SELECT pg_sleep(3600) ${mark}; INSERT INTO ${name} VALUES ('never')`;
      const params = { target: targetOf(server), exec_options: { trans_batch_size: 1 } };
      await killDuring(
        { type: 'postgres', command, params },
        async () => (await queries(`pg_sleep(3600) ${mark}`)) === 1,
        /statement 2\b.*\d{2,}/,
      );
      expect(await notes()).toEqual([{ note: 'once' }]);
      // Nobody has asked for it again; the server itself may not have noticed yet that its client is gone.
      expect(await queries(`pg_sleep(3600) ${mark}`)).toBeLessThanOrEqual(1);
    });

    it('and two tasks at once go on at once on one server', async () => {
      const params = { target: targetOf(server) };
      const wait = `DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM ${name} WHERE note = 'from the other') LOOP PERFORM pg_sleep(0.05); COMMIT; END LOOP; END $$`;
      const waiting = await tasks.create({
        type: 'postgres',
        command: wait,
        params: { ...params, exec_options: { trans_batch_size: 1 } },
      });
      await vi.waitUntil(async () => (await queries('from the other')) >= 1, SOON);
      const command = `INSERT INTO ${name} VALUES ('from the other')`;
      const other = await tasks.run({ type: 'postgres', command, params });
      expect(other.status, other.error).toBe('success');
      const first = await tasks.ended(waiting.id);
      expect(first.status, first.error).toBe('success');
    });
  });

  describe.skipIf(!hasServices('mongo'))('a mongo task', () => {
    it('leaves it Unknown with the operation, run once', async () => {
      const server = await service('mongo');
      const name = freshName();
      const { host, port, user, password } = server;
      const client = await MongoClient.connect(`mongodb://${user}:${password}@${host}:${port}/`);
      const db = client.db(name);
      const proxy = new HoldingProxy(server, 'held_here');
      const target = { ...targetOf(server), port: await proxy.listen(), db: name };
      onTestFinished(async () => {
        await proxy.close();
        await db.dropDatabase();
        await client.close();
      });
      const insert = (collection: string): object => ({ operation: 'insert', collection, documents: [{ a: 1 }] });
      const command = JSON.stringify([insert('first'), insert('held_here'), insert('never')]);
      await killDuring(
        { type: 'mongo', command, params: { target } },
        async () => proxy.seen > 0 && (await db.collection('held_here').countDocuments()) > 0,
        /operation 2\b/,
      );
      const counts = ['first', 'held_here', 'never'].map((each) => db.collection(each).countDocuments());
      expect(await Promise.all(counts)).toEqual([1, 1, 0]);
      expect(proxy.seen).toBe(1);
    });
  });

  describe.skipIf(!hasServices('elasticsearch'))('an elasticsearch task', () => {
    it('leaves it Unknown with the request, run once', async () => {
      const server = await service('elasticsearch');
      const index = freshName();
      const { host, port, user, password } = server;
      const client = new ElasticClient({ node: `http://${host}:${port}`, auth: { username: user, password } });
      const proxy = new HoldingProxy(server, 'held-here');
      const target = { ...targetOf(server), port: await proxy.listen() };
      onTestFinished(async () => {
        await proxy.close();
        await client.indices.delete({ index, ignore_unavailable: true });
        await client.close();
      });
      const actions = ['one', 'two'].map((text) => ({ index: { _source: { text: `held-here ${text}` } } }));
      const count = async (): Promise<number> => {
        await client.indices.refresh({ index, ignore_unavailable: true });
        return (await client.count({ index, ignore_unavailable: true })).count;
      };
      await killDuring(
        {
          type: 'elasticsearch',
          command: JSON.stringify({ operation: 'bulk', index, actions }),
          params: { target },
        },
        // The server refuses to count until the shard of the new index has started.
        async () => proxy.seen > 0 && (await count().catch(() => 0)) === 2,
        /bulk/,
      );
      // Without ids a second run would double them.
      expect([await count(), proxy.seen]).toEqual([2, 1]);
    });
  });

  describe.skipIf(!hasServices('clickhouse-18'))('a clickhouse task', () => {
    it.each(['native', 'http'])('by %s leaves it Unknown with the statement, run once', async (protocol) => {
      const { host, port, ports } = await service('clickhouse-18');
      const witness = createClient({ url: `http://${host}:${port}` });
      const table = `${freshName()}_${protocol}`;
      await witness.command({ query: `CREATE TABLE ${table} (a UInt8) ENGINE = Memory` });
      onTestFinished(async () => {
        await witness.command({ query: `KILL QUERY WHERE query LIKE 'SELECT count() AS ${table}%'` });
        await witness.command({ query: `DROP TABLE ${table}` });
        await witness.close();
      });
      const rows = async (query: string): Promise<unknown[]> =>
        (await witness.query({ query, format: 'JSONEachRow' })).json();
      const long = `SELECT count() AS ${table} FROM system.numbers WHERE NOT ignore(sleep(0.1))`;
      const running = async (): Promise<number> =>
        (await rows(`SELECT query_id FROM system.processes WHERE query LIKE 'SELECT count() AS ${table}%'`)).length;
      const target = { host, port: protocol === 'native' ? ports['native'] : port, protocol };
      const command = `INSERT INTO ${table} VALUES (1); ${long}; INSERT INTO ${table} VALUES (2)`;
      await killDuring(
        { type: 'clickhouse', command, params: { target } },
        async () => (await running()) === 1,
        /statement 2\b/,
      );
      expect(await rows(`SELECT a FROM ${table}`)).toEqual([{ a: 1 }]);
      expect(await running()).toBeLessThanOrEqual(1);
    });
  });

  it('a k8s task that waits leaves it Unknown with the object, applied once', async () => {
    const name = freshName().replaceAll('_', '-');
    const spec = {
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'a', image: 'nginx:1.21' }] } },
    };
    const manifests = [
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: 'b' } },
      // Nothing on this cluster makes it ready.
      { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec },
    ];
    const command = manifests.map((manifest) => JSON.stringify(manifest)).join('\n---\n');
    const versionOf = async (path: string): Promise<string | undefined> => {
      const found = await cluster.client
        .raw<KubeObject>({ method: 'GET', path: `${path}/${name}` })
        .catch(() => undefined);
      return found?.metadata.resourceVersion;
    };
    const versions = (): Promise<(string | undefined)[]> =>
      Promise.all([
        versionOf(`/api/v1/namespaces/${cluster.namespace}/configmaps`),
        versionOf(`/apis/apps/v1/namespaces/${cluster.namespace}/deployments`),
      ]);
    let before: unknown;
    const isWaiting = async (): Promise<boolean> => {
      before = await versions();
      return (before as unknown[])[1] !== undefined;
    };
    await killDuring({ type: 'k8s', command, params: { wait: true } }, isWaiting, new RegExp(name));
    expect(await versions()).toEqual(before);
  });
});
