import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import type { Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import type { Service } from '../../../test/services/service.ts';
import { describeExecutor, execute } from '../../conformance/executor.ts';
import type { Execution, Work } from '../../conformance/executor.ts';
import { MongoExecutor } from './mongo-executor.ts';

const PASSWORD_REF = { login: { data: {} as Record<string, string>, allowedHosts: undefined } };
const WRONG_PASSWORD = 'wr0ng-pa55word';

describe.skipIf(!hasServices('mongo'))('MongoExecutor', () => {
  const database = `test_${randomBytes(6).toString('hex')}`;
  const spoolFolder = mkdtempSync(join(tmpdir(), 'tiangong-agent-test-'));
  let server: Service;
  let witness: MongoClient;
  let executor: MongoExecutor;

  beforeAll(async () => {
    server = await service('mongo');
    PASSWORD_REF.login.data = { password: server.password };
    executor = new MongoExecutor({ connections: new Map(), spoolFolder });
    const auth = { username: server.user, password: server.password };
    witness = new MongoClient(`mongodb://${server.host}:${server.port}/`, { auth, directConnection: true });
    const documents = Array.from({ length: 4000 }, (_, number) => ({ _id: number as never, group: number % 7 }));
    await witness.db(database).collection('many').insertMany(documents);
  });

  afterAll(async () => {
    await witness?.db(database).dropDatabase();
    await witness?.close();
    await executor?.close();
    rmSync(spoolFolder, { recursive: true, force: true });
  });

  const target = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
    host: server.host,
    port: server.port,
    user: server.user,
    secret_ref: 'login',
    db: database,
    ...changes,
  });
  const work = (command: unknown, params: Record<string, unknown> = {}, changes: Partial<Work> = {}): Work => ({
    command: typeof command === 'string' ? command : JSON.stringify(command),
    params: { target: target(), ...params },
    credentials: PASSWORD_REF,
    ...changes,
  });
  const run = (...args: Parameters<typeof work>): Promise<Execution> => execute(executor, work(...args));
  const stored = (collection: string): Promise<Document[]> =>
    witness.db(database).collection(collection).find().sort({ _id: 1 }).toArray();

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
    const { inprog } = await witness.db('admin').command({ currentOp: 1 });
    return (inprog as Document[]).filter((found) => found['active'] && found['ns'] === `${database}.many`).length;
  };
  // FerretDB cannot be asked to stop: the time limit of the operation ends it, which must come within the test's patience.
  const endlessFor = (timeout: number): Work => work(endless, { exec_options: { timeout_ms: timeout } });

  describeExecutor(
    'MongoExecutor',
    () =>
      Promise.resolve({
        executor,
        succeeding: work({ operation: 'count', collection: 'many' }),
        failing: work({ operation: 'dropIndex', collection: 'many', name: 'none' }),
        endless: { ...endlessFor(6000), begun: () => expect.poll(running).toBe(1) },
        big: (bytes: number) =>
          work([
            { operation: 'delete', collection: 'big', filter: {} },
            { operation: 'insert', collection: 'big', documents: [{ text: 'x'.repeat(bytes) }] },
            { operation: 'find', collection: 'big', projection: { _id: 0 } },
          ]),
        invalid: [
          work(''),
          work('{'),
          work([]),
          work(7),
          work({ operation: 'explode', collection: 'many' }),
          work({ operation: 'delete', collection: 'many' }),
          work({ operation: 'count', collection: 'many' }, { exec_options: { timeout_ms: 'soon' } }),
          work({ operation: 'count', collection: 'many' }, { target: undefined }),
        ],
        remote: {
          unreachable: work({ operation: 'count', collection: 'many' }, { target: target({ port: 1 }) }),
          wrongPassword: work(
            { operation: 'count', collection: 'many' },
            {},
            { credentials: { login: { data: { password: WRONG_PASSWORD }, allowedHosts: undefined } } },
          ),
          secrets: [WRONG_PASSWORD],
          running,
          endlessFor,
        },
      }),
    'remote',
  );

  it('inserts, updates and deletes', async () => {
    const { outcome, result, log, evidence } = await run([
      {
        operation: 'insert',
        collection: 'users',
        documents: [
          { _id: 1, name: 'user1' },
          { _id: 2, name: 'user2' },
        ],
      },
      { operation: 'update', collection: 'users', filter: { name: 'user1' }, update: { status: 'active' } },
      { operation: 'delete', collection: 'users', filter: { name: 'user2' } },
    ]);
    expect(outcome).toEqual({ state: 'Succeeded', message: '3 MongoDB operations done' });
    expect(result.toString()).toBe(
      'Operation 1: INSERT SUCCESS (Documents: 2)\n' +
        'Operation 2: UPDATE SUCCESS (Documents: 1)\n' +
        'Operation 3: DELETE SUCCESS (Documents: 1)',
    );
    expect(await stored('users')).toEqual([{ _id: 1, name: 'user1', status: 'active' }]);
    expect(log).toHaveLength(4);
    expect(evidence).toEqual([1, 2, 3].map((number) => `operation ${number} of 3 on ${database}.users`));
  });
});
