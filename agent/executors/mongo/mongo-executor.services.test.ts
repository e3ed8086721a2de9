import { mkdtempSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Document } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import { describeExecutor, execute } from '../../conformance/executor.ts';
import type { Work } from '../../conformance/executor.ts';
import { zipArchive } from '../../testing/zip-archive.ts';
import { MongoExecutor } from './mongo-executor.ts';
import { TestDatabase } from './testing/test-database.ts';

const WRONG_PASSWORD = 'wr0ng-pa55word';

describe.skipIf(!hasServices('mongo'))('MongoExecutor', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await TestDatabase.create(await service('mongo'));
  });
  afterAll(() => database?.drop());
  beforeEach(() => database.empty());

  // Three products of all documents with each other: it takes minutes.
  const product = {
    $lookup: {
      from: 'many',
      let: { mine: '$group' },
      pipeline: [{ $match: { $expr: { $gt: [{ $add: ['$group', '$$mine'] }, 100] } } }],
      as: 'found',
    },
  };
  const endless = { operation: 'aggregate', collection: 'many', pipeline: [product, product, product] };
  const running = async (): Promise<number> => {
    const { inprog } = await database.witness.db('admin').command({ currentOp: 1 });
    return (inprog as Document[]).filter((found) => found['active'] && found['ns'] === `${database.name}.many`).length;
  };
  // FerretDB cannot be asked to stop: the time limit of the operation ends it, which must come within the test's patience.
  const endlessFor = (timeout: number): Work => database.work(endless, { exec_options: { timeout_ms: timeout } });

  describeExecutor(
    'MongoExecutor',
    async () => {
      // What the test before left goes on to its time limit.
      await expect.poll(running).toBe(0);
      return {
        executor: database.executor,
        succeeding: database.work({ operation: 'count', collection: 'many' }),
        failing: database.work({ operation: 'dropIndex', collection: 'many', name: 'none' }),
        endless: { ...endlessFor(6000), begun: () => expect.poll(running).toBe(1) },
        big: (bytes: number) =>
          database.work([
            { operation: 'delete', collection: 'big', filter: {} },
            { operation: 'insert', collection: 'big', documents: [{ text: 'x'.repeat(bytes) }] },
            { operation: 'find', collection: 'big', projection: { _id: 0 } },
          ]),
        invalid: [
          database.work(''),
          database.work('{'),
          database.work([]),
          database.work(7),
          database.work({ operation: 'explode', collection: 'many' }),
          database.work({ operation: 'delete', collection: 'many' }),
          database.work({ operation: 'count', collection: 'many' }, { exec_options: { timeout_ms: 'soon' } }),
          database.work({ operation: 'count', collection: 'many' }, { target: undefined }),
          database.work({ operation: 'count', collection: 'many' }, { target: database.target({ db: 'a.b' }) }),
        ],
        remote: {
          unreachable: database.work(
            { operation: 'count', collection: 'many' },
            { target: database.target({ port: 1 }) },
          ),
          wrongPassword: database.work(
            { operation: 'count', collection: 'many' },
            {},
            { credentials: { login: { data: { password: WRONG_PASSWORD }, allowedHosts: undefined } } },
          ),
          secrets: [WRONG_PASSWORD],
          running,
          endlessFor,
        },
      };
    },
    'remote',
  );

  const users = { operation: 'insert', collection: 'users' };

  it('runs the example of the manual with a target', async () => {
    const command =
      '{"operation":"insert","collection":"users","documents":[{"name":"test","email":"test@example.com"}]}';
    const { outcome, result, log } = await database.run(command, { exec_options: { timeout_ms: 600_000 } });
    expect(outcome.state).toBe('Succeeded');
    expect(result.toString()).toBe('Operation 1: INSERT SUCCESS (Documents: 1)');
    expect(await database.stored('users')).toMatchObject([{ name: 'test', email: 'test@example.com' }]);
    expect(log[0]?.message).toBe(
      `Executing 1 MongoDB operation on mongo://${database.server.user}@${database.server.host}:${database.server.port}/${database.name}`,
    );
  });

  it('runs the example of the manual with a connection of the agent', async () => {
    vi.stubEnv('MONGO_PASSWORD_OF_TEST', database.server.password);
    onTestFinished(() => void vi.unstubAllEnvs());
    const { host, port, user } = database.server;
    const settings = { name: 'default', host, port, user, passwordEnv: 'MONGO_PASSWORD_OF_TEST' };
    const connected = new MongoExecutor({
      connections: new Map([['default', settings]]),
      spoolFolder: database.spoolFolder,
    });
    onTestFinished(() => connected.close());
    const command = '{"operation":"insert","collection":"connected","documents":[{"name":"test"}]}';
    const { outcome } = await execute(connected, {
      command,
      params: { connection: 'default', database: database.name },
    });
    expect(outcome.state).toBe('Succeeded');
    expect(await database.stored('connected')).toMatchObject([{ name: 'test' }]);
  });

  it('updates by plain documents, operators and pipelines, all that match or one, and inserts what is missing', async () => {
    const update = { operation: 'update', collection: 'updated' };
    const { result } = await database.run([
      {
        ...users,
        collection: 'updated',
        documents: [
          { _id: 1, n: 1 },
          { _id: 2, n: 2 },
          { _id: 3, n: 2 },
        ],
      },
      { ...update, filter: {}, update: { n: 2 } },
      { ...update, filter: {}, update: { $inc: { n: 1 } } },
      { ...update, filter: { _id: 1 }, update: [{ $set: { m: { $add: ['$n', 1] } } }] },
      { ...update, filter: { n: 3 }, update: { one: true }, multi: false },
      { ...update, filter: { _id: 4 }, update: { n: 9 }, upsert: true },
      { ...update, filter: { _id: 5 }, update: { n: 9 } },
    ]);
    expect(result.toString().split('\n').slice(1)).toEqual([
      'Operation 2: UPDATE SUCCESS (Documents: 1, Matched: 3)',
      'Operation 3: UPDATE SUCCESS (Documents: 3)',
      'Operation 4: UPDATE SUCCESS (Documents: 1)',
      'Operation 5: UPDATE SUCCESS (Documents: 1)',
      'Operation 6: UPDATE SUCCESS (Documents: 1, Matched: 0, Upserted: 1)',
      'Operation 7: UPDATE SUCCESS (Documents: 0)',
    ]);
    expect(await database.stored('updated')).toEqual([
      { _id: 1, n: 3, m: 4, one: true },
      { _id: 2, n: 3 },
      { _id: 3, n: 3 },
      { _id: 4, n: 9 },
    ]);
  });

  it('creates indexes and drops them', async () => {
    const { result } = await database.run([
      { ...users, collection: 'indexed', documents: [{ a: 1 }] },
      { operation: 'createIndex', collection: 'indexed', keys: { a: 1, b: -1 }, unique: true },
      { operation: 'dropIndex', collection: 'indexed', name: 'a_1_b_-1' },
    ]);
    expect(result.toString().split('\n').slice(1)).toEqual([
      'Operation 2: CREATE INDEX SUCCESS (Index: a_1_b_-1)',
      'Operation 3: DROP INDEX SUCCESS (Index: a_1_b_-1)',
    ]);
  });

  it('warns before it deletes everything', async () => {
    const { outcome, log } = await database.run([
      { ...users, collection: 'emptied', documents: [{ a: 1 }, { a: 2 }] },
      { operation: 'delete', collection: 'emptied', filter: {} },
    ]);
    expect(outcome.state).toBe('Succeeded');
    expect(log).toContainEqual({
      level: 'warn',
      message: 'Operation 2: the filter is empty: all documents of emptied will be deleted',
    });
    expect(await database.stored('emptied')).toEqual([]);
  });

  it('says that FerretDB has no transactions, before it executes anything', async () => {
    const command = { ...users, collection: 'untouched', documents: [{ a: 1 }] };
    const { outcome } = await database.run(command, { exec_options: { transaction: true } });
    expect(outcome).toEqual({
      state: 'Failed',
      reason: 'TransactionsNotSupported',
      message: 'exec_options.transaction cannot be had: FerretDB has no transactions; nothing was executed',
    });
    expect(await database.stored('untouched')).toEqual([]);
  });

  it('inserts a file of documents, plain and from a zip archive', async () => {
    const documents = Array.from({ length: 2500 }, (_, number) => ({ _id: number, text: 'x'.repeat(100) }));
    const text = JSON.stringify({ ...users, collection: 'filed', documents });
    const folder = mkdtempSync(join(database.spoolFolder, 'files-'));
    const plain = join(folder, 'insert.json');
    const zip = join(folder, 'insert.zip');
    writeFileSync(plain, `\ufeff${text}`);
    writeFileSync(
      zip,
      zipArchive([
        { name: 'readme.txt', bytes: '' },
        { name: 'data/insert.json', bytes: text },
      ]),
    );
    for (const path of [plain, zip]) {
      let released = 0;
      const file = { id: 'file-1', path, name: basename(path), bytes: 1, release: () => void (released += 1) };
      const { outcome, result, evidence } = await database.run('', {}, { file });
      expect(outcome.state, outcome.message).toBe('Succeeded');
      expect(result.toString()).toBe('Operation 1: INSERT SUCCESS (Documents: 2500)');
      expect(evidence.at(-1)).toBe(`operation 1 of 1 on ${database.name}.filed, documents 2001 to 2500`);
      expect(released).toBe(1);
      expect(await database.documents.collection('filed').countDocuments()).toBe(2500);
      await database.documents.dropCollection('filed');
    }
  });

  it('refuses a login that is of another database', async () => {
    const { outcome } = await database.run(
      { operation: 'count', collection: 'many' },
      { target: database.target({ user: 'nobody', auth_source: database.name }) },
    );
    expect(outcome).toMatchObject({ state: 'Failed', reason: 'AuthenticationFailed' });
    expect(outcome.message).not.toContain(`:${database.server.password}`);
  });
});
