import { randomBytes } from 'node:crypto';
import { Client } from '@elastic/elasticsearch';
import { MongoClient } from 'mongodb';
import type { Db } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { hasCluster, sharedCluster } from '../kubernetes/shared.ts';
import { startPrograms } from '../programs/programs.ts';
import type { Programs } from '../programs/programs.ts';
import { TaskClient } from '../programs/task-client.ts';
import { hasServices, service } from '../services/service.ts';
import type { Service } from '../services/service.ts';

/** The manual's names are test_db and test_index. */
const DATABASE = `test_db_${randomBytes(4).toString('hex')}`;
const INDEX = `test_index_${randomBytes(4).toString('hex')}`;
const exec_options = { timeout_ms: 600_000 };

describe.skipIf(!hasCluster())("the manual's examples of tasks on documents (§4.3, §4.4)", () => {
  let programs: Programs;
  let tasks: TaskClient;
  let mongo: Service | undefined;
  let elasticsearch: Service | undefined;

  beforeAll(async () => {
    if (hasServices('mongo')) mongo = await service('mongo');
    if (hasServices('elasticsearch')) elasticsearch = await service('elasticsearch');
    programs = await startPrograms(await sharedCluster(), {
      agentConfig: {
        plugins: [
          { type: 'mongo', config: { connections: [connection(mongo, 'MONGO_PASSWORD')] } },
          { type: 'elasticsearch', config: { connections: [connection(elasticsearch, 'ELASTIC_PASSWORD')] } },
        ],
      },
      agentEnv: { MONGO_PASSWORD: mongo?.password ?? '', ELASTIC_PASSWORD: elasticsearch?.password ?? '' },
    });
    tasks = new TaskClient(programs);
  });

  afterAll(() => programs.stop());

  const connection = (of: Service | undefined, password_env: string): object => ({
    ...{ name: 'default', host: of?.host ?? '127.0.0.1', port: of?.port ?? 1, user: of?.user ?? 'nobody' },
    password_env,
  });

  describe.skipIf(!hasServices('mongo'))('4.3 mongo', () => {
    let client: MongoClient;
    let witness: Db;
    let target: Record<string, unknown>;

    beforeAll(async () => {
      const { host, port, user, password } = mongo!;
      client = await MongoClient.connect(`mongodb://${user}:${password}@${host}:${port}/`);
      witness = client.db(DATABASE);
      target = { host, port, user, password, db: DATABASE };
    });

    // What another try has left, which may have failed anywhere.
    beforeEach(() => witness.dropDatabase());

    afterAll(async () => {
      await witness.dropDatabase();
      await client.close();
    });

    const documents = (collection: string): Promise<unknown[]> =>
      witness
        .collection(collection)
        .find({}, { projection: { _id: 0 } })
        .toArray();

    it('example 1: an insert on a target', async () => {
      const created = await tasks.create({
        type: 'mongo',
        command: '{"operation":"insert","collection":"users","documents":[{"name":"test","email":"test@example.com"}]}',
        params: { target, exec_options },
      });
      expect(JSON.parse(created.params)).toMatchObject({ target: { db: DATABASE, password: '***' } });
      const task = await tasks.ended(created.id);
      expect(task).toMatchObject({ status: 'success', error: '' });
      expect(task.result).toMatch(/^Operation 1: INSERT SUCCESS \(Documents: 1\)/);
      expect(await documents('users')).toEqual([{ name: 'test', email: 'test@example.com' }]);
    });

    it("example 2: an insert on a connection of the agent's configuration, in a database of params", async () => {
      const command = '{"operation":"insert","collection":"by_connection","documents":[{"name":"test"}]}';
      const params = { connection: 'default', database: DATABASE, exec_options };
      const task = await tasks.run({ type: 'mongo', command, params });
      expect(task.status, task.error).toBe('success');
      expect(await documents('by_connection')).toEqual([{ name: 'test' }]);
    });

    it('a sequence of operations, whose plain update sets fields', async () => {
      const command = JSON.stringify([
        { operation: 'insert', collection: 'sequence', documents: [{ name: 'user1' }] },
        { operation: 'update', collection: 'sequence', filter: { name: 'user1' }, update: { status: 'active' } },
        { operation: 'insert', collection: 'sequence', documents: [{ name: 'user2' }, { name: 'user3' }] },
        { operation: 'delete', collection: 'sequence', filter: { name: 'user2' } },
      ]);
      const params = { target: { ...target, db: undefined, database: DATABASE } };
      const task = await tasks.run({ type: 'mongo', command, params });
      expect(task.status, task.error).toBe('success');
      expect(task.result.match(/^Operation \d: \w+ SUCCESS \(Documents: \d\)/gm)).toEqual([
        'Operation 1: INSERT SUCCESS (Documents: 1)',
        'Operation 2: UPDATE SUCCESS (Documents: 1)',
        'Operation 3: INSERT SUCCESS (Documents: 2)',
        'Operation 4: DELETE SUCCESS (Documents: 1)',
      ]);
      expect(await documents('sequence')).toEqual([{ name: 'user1', status: 'active' }, { name: 'user3' }]);
    });

    it('an update and a delete without a filter are refused, and nothing is changed', async () => {
      await witness.collection('sequence').insertMany([{ name: 'user1' }, { name: 'user3' }]);
      for (const operation of ['update', 'delete']) {
        const command = JSON.stringify({ operation, collection: 'sequence', update: { a: 1 } });
        const task = await tasks.run({ type: 'mongo', command, params: { target } });
        expect(task).toMatchObject({
          status: 'failed',
          error: expect.stringContaining('filter is required') as string,
        });
      }
      expect(await documents('sequence')).toEqual([{ name: 'user1' }, { name: 'user3' }]);
    });

    it('the database `admin` when none is named', async () => {
      const collection = `users_${randomBytes(4).toString('hex')}`;
      onTestFinished(async () => {
        await client.db('admin').dropCollection(collection);
      });
      const command = JSON.stringify({ operation: 'insert', collection, documents: [{ a: 1 }] });
      const task = await tasks.run({ type: 'mongo', command, params: { connection: 'default' } });
      expect(task.status, task.error).toBe('success');
      expect(await client.db('admin').collection(collection).countDocuments()).toBe(1);
    });
  });

  describe.skipIf(!hasServices('elasticsearch'))('4.4 elasticsearch', () => {
    let witness: Client;
    let target: Record<string, unknown>;

    beforeAll(() => {
      const { host, port, user, password } = elasticsearch!;
      witness = new Client({ node: `http://${host}:${port}`, auth: { username: user, password } });
      target = { host, port, user, password };
    });

    beforeEach(() => witness.indices.delete({ index: INDEX, ignore_unavailable: true }));

    afterAll(async () => {
      await witness.indices.delete({ index: INDEX, ignore_unavailable: true });
      await witness.close();
    });

    /** The documents of the examples: `value` under 1 and 2, `x` under 3. */
    const index = async (...ids: ('1' | '2' | '3')[]): Promise<void> => {
      for (const id of ids)
        await witness.index({ index: INDEX, id, document: { field: id === '3' ? 'x' : 'value' }, refresh: true });
    };
    const source = async (id: string): Promise<unknown> =>
      (await witness.get({ index: INDEX, id }, { ignore: [404] }))._source;

    it('example 1: index of a document on a target', async () => {
      const command = JSON.stringify({ operation: 'index', index: INDEX, id: '1', doc: { field: 'value' } });
      const task = await tasks.run({ type: 'elasticsearch', command, params: { target, exec_options } });
      expect(task.status, task.error).toBe('success');
      expect(task.result).toMatch(/^Index operation completed\nID: 1\nResponse: \{/);
      expect(await source('1')).toEqual({ field: 'value' });
    });

    it('example 2: bulk with an API key, in the form of the format of command', async () => {
      const { id: key, encoded } = await witness.security.createApiKey({ name: INDEX });
      onTestFinished(async () => {
        await witness.security.invalidateApiKey({ ids: [key] });
      });
      const command = JSON.stringify({
        operation: 'bulk',
        index: INDEX,
        actions: [
          { index: { _id: '2', _source: { field: 'value' } } },
          { index: { _id: '3', _source: { field: 'x' } } },
        ],
      });
      const { host, port } = target;
      const params = { target: { host, port, api_key: encoded } };
      const created = await tasks.create({ type: 'elasticsearch', command, params });
      expect(JSON.parse(created.params)).toMatchObject({ target: { api_key: '***' } });
      const task = await tasks.ended(created.id);
      expect(task.status, task.error).toBe('success');
      expect(task.result).toMatch(/^Bulk operation completed\nDocuments affected: 2\nResponse: \{/);
      expect(await source('2')).toEqual({ field: 'value' });
    });

    it('update of a document on the connection `default`, which counts when nothing else is said', async () => {
      await index('1');
      const command = JSON.stringify({ operation: 'update', index: INDEX, id: '1', doc: { more: 1 } });
      const task = await tasks.run({ type: 'elasticsearch', command });
      expect(task.status, task.error).toBe('success');
      expect(task.result).toMatch(/^Update operation completed\nID: 1\nResponse: \{/);
      expect(await source('1')).toEqual({ field: 'value', more: 1 });
    });

    it('index of a document without an id, which the server makes', async () => {
      const command = JSON.stringify({ operation: 'index', index: INDEX, doc: { made: 'up' } });
      const task = await tasks.run({ type: 'elasticsearch', command, params: { target } });
      expect(task.status, task.error).toBe('success');
      const id = /^ID: (\S+)$/m.exec(task.result)?.[1] ?? '';
      expect(await source(id)).toEqual({ made: 'up' });
    });

    it('delete_by_query', async () => {
      await index('2', '3');
      const command = JSON.stringify({ operation: 'delete_by_query', index: INDEX, query: { term: { field: 'x' } } });
      const task = await tasks.run({ type: 'elasticsearch', command, params: { connection: 'default' } });
      expect(task.status, task.error).toBe('success');
      expect(task.result).toMatch(/^Delete by query completed\nDocuments deleted: 1\nResponse: \{/);
      expect([await source('3'), await source('2')]).toEqual([undefined, { field: 'value' }]);
    });

    it('fails for an error inside the answer to a bulk, and names the item', async () => {
      await index('1');
      const actions = [{ create: { _id: '1', _source: { a: 1 } } }, { create: { _id: '4', _source: { a: 1 } } }];
      const command = JSON.stringify({ operation: 'bulk', index: INDEX, actions });
      const task = await tasks.run({ type: 'elasticsearch', command, params: { target } });
      expect(task.status).toBe('failed');
      expect(task.error).toMatch(/\b1\b.*version_conflict/s);
      expect(await source('4')).toEqual({ a: 1 });
    });
  });
});
