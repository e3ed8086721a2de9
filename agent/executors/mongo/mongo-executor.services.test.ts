import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { MongoClient } from 'mongodb';
import type { Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import type { Service } from '../../../test/services/service.ts';
import { describeExecutor, execute } from '../../conformance/executor.ts';
import type { Execution, Work } from '../../conformance/executor.ts';
import { createCertificate } from '../../testing/certificate.ts';
import { zipArchive } from '../../testing/zip-archive.ts';
import { MongoExecutor } from './mongo-executor.ts';
import { tlsProxy } from './testing/tls-proxy.ts';

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
          work({ operation: 'count', collection: 'many' }, { target: target({ db: 'a.b' }) }),
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

  const users = { operation: 'insert', collection: 'users' };

  it('runs the example of the manual with a target', async () => {
    const command =
      '{"operation":"insert","collection":"users","documents":[{"name":"test","email":"test@example.com"}]}';
    const { outcome, result, log } = await run(command, { exec_options: { timeout_ms: 600_000 } });
    expect(outcome.state).toBe('Succeeded');
    expect(result.toString()).toBe('Operation 1: INSERT SUCCESS (Documents: 1)');
    expect(await stored('users')).toMatchObject([{ name: 'test', email: 'test@example.com' }]);
    expect(log[0]?.message).toBe(
      `Executing 1 MongoDB operation on mongo://${server.user}@${server.host}:${server.port}/${database}`,
    );
  });

  it('runs the example of the manual with a connection of the agent', async () => {
    vi.stubEnv('MONGO_PASSWORD_OF_TEST', server.password);
    onTestFinished(() => void vi.unstubAllEnvs());
    const { host, port, user } = server;
    const settings = { name: 'default', host, port, user, passwordEnv: 'MONGO_PASSWORD_OF_TEST' };
    const connected = new MongoExecutor({ connections: new Map([['default', settings]]), spoolFolder });
    onTestFinished(() => connected.close());
    const command = '{"operation":"insert","collection":"connected","documents":[{"name":"test"}]}';
    const { outcome } = await execute(connected, { command, params: { connection: 'default', database } });
    expect(outcome.state).toBe('Succeeded');
    expect(await stored('connected')).toMatchObject([{ name: 'test' }]);
  });

  it("runs the manual's sequence, and deletes", async () => {
    const { outcome, result, evidence } = await run([
      { operation: 'insert', collection: 'sequence', documents: [{ _id: 1, name: 'user1' }] },
      { operation: 'update', collection: 'sequence', filter: { name: 'user1' }, update: { status: 'active' } },
      { operation: 'insert', collection: 'sequence', documents: [{ _id: 2 }, { _id: 3 }] },
      { operation: 'delete', collection: 'sequence', filter: { _id: { $gt: 1 } } },
    ]);
    expect(outcome).toEqual({ state: 'Succeeded', message: '4 MongoDB operations done' });
    expect(result.toString().split('\n')).toEqual([
      'Operation 1: INSERT SUCCESS (Documents: 1)',
      'Operation 2: UPDATE SUCCESS (Documents: 1)',
      'Operation 3: INSERT SUCCESS (Documents: 2)',
      'Operation 4: DELETE SUCCESS (Documents: 2)',
    ]);
    expect(await stored('sequence')).toEqual([{ _id: 1, name: 'user1', status: 'active' }]);
    expect(evidence).toEqual([1, 2, 3, 4].map((number) => `operation ${number} of 4 on ${database}.sequence`));
  });

  it('updates by plain documents, operators and pipelines, all that match or one, and inserts what is missing', async () => {
    const update = { operation: 'update', collection: 'updated' };
    const { result } = await run([
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
    expect(await stored('updated')).toEqual([
      { _id: 1, n: 3, m: 4, one: true },
      { _id: 2, n: 3 },
      { _id: 3, n: 3 },
      { _id: 4, n: 9 },
    ]);
  });

  it('checks the whole sequence before it executes anything', async () => {
    const { outcome, result } = await run([
      { ...users, collection: 'unchecked', documents: [{ a: 1 }] },
      { operation: 'delete', collection: 'unchecked' },
    ]);
    expect(outcome).toEqual({ state: 'Failed', reason: 'InvalidParams', message: 'Operation 2: filter is required' });
    expect(result).toHaveLength(0);
    expect(await stored('unchecked')).toEqual([]);
  });

  it('stops at the first failure, and says what was done', async () => {
    const { outcome, result, log } = await run([
      { ...users, collection: 'failing', documents: [{ _id: 1 }] },
      { ...users, collection: 'failing', documents: [{ _id: 2 }, { _id: 3 }, { _id: 1 }, { _id: 4 }] },
      { operation: 'delete', collection: 'failing', filter: { _id: 1 } },
    ]);
    const line = expect.stringMatching(
      /^Operation 2: ERROR - documents\[2\]: .*[Dd]uplicate key.* \(2 of 4 documents inserted\)$/,
    ) as string;
    expect(outcome).toMatchObject({
      reason: 'OperationFailed',
      message: expect.stringMatching(
        /^MongoDB operations failed: Operation 2: ERROR - .* \(1 of 3 operations done, 1 not begun\)$/,
      ) as string,
    });
    expect(result.toString().split('\n')).toEqual(['Operation 1: INSERT SUCCESS (Documents: 1)', line]);
    expect(log.at(-1)).toEqual({ level: 'error', message: line });
    expect(await stored('failing')).toEqual([{ _id: 1 }, { _id: 2 }, { _id: 3 }]);
  });

  it('goes on after failures when it is told to', async () => {
    const documents = [{ _id: 1 }, { _id: 1 }, { _id: 2 }];
    const { outcome } = await run(
      [
        { ...users, collection: 'going', documents, ordered: false },
        { operation: 'dropIndex', collection: 'going', name: 'none' },
        { operation: 'delete', collection: 'going', filter: { _id: 1 } },
      ],
      { exec_options: { continue_on_error: true } },
    );
    expect(outcome.message).toMatch(
      /^MongoDB operations failed: Operation 1: ERROR - documents\[1\]: .*\(2 of 3 documents/,
    );
    expect(outcome.message).toMatch(/\nOperation 2: ERROR - .* \(1 of 3 operations done\)$/);
    expect(await stored('going')).toEqual([{ _id: 2 }]);
  });

  it('shows what it finds as a table', async () => {
    const { result } = await run([
      {
        ...users,
        collection: 'found',
        documents: [
          {
            _id: { $oid: '65f0a1b2c3d4e5f601234567' },
            n: { $numberLong: '9007199254740993' },
            at: { $date: '2026-01-31' },
          },
          { _id: 2, n: 1.5, tags: ['a', { b: 1 }], big: { $numberDecimal: '0.10' } },
        ],
      },
      { operation: 'find', collection: 'found', sort: { n: -1 } },
      { operation: 'find', collection: 'found', filter: { n: 1.5 }, projection: { _id: 1 } },
      { operation: 'aggregate', collection: 'found', pipeline: [{ $group: { _id: null, n: { $sum: 1 } } }] },
      { operation: 'count', collection: 'found', filter: { n: { $gt: 2 } } },
      { operation: 'distinct', collection: 'found', field: 'tags' },
      { operation: 'find', collection: 'found', sort: { n: 1 }, skip: 1, limit: 1, projection: { _id: 0, n: 1 } },
    ]);
    expect(result.toString()).toBe(`Operation 1: INSERT SUCCESS (Documents: 2)
Operation 2: FIND SUCCESS (Documents: 2)
           _id            |        n         |            at            |     tags      | big
--------------------------+------------------+--------------------------+---------------+------
 65f0a1b2c3d4e5f601234567 | 9007199254740993 | 2026-01-31T00:00:00.000Z |               |
 2                        | 1.5              |                          | ["a",{"b":1}] | 0.10
(2 rows)
Operation 3: FIND SUCCESS (Documents: 1)
 _id
-----
   2
(1 row)
Operation 4: AGGREGATE SUCCESS (Documents: 1)
 _id  | n
------+---
 NULL | 2
(1 row)
Operation 5: COUNT SUCCESS (Documents: 1)
Operation 6: DISTINCT SUCCESS (Documents: 2)
  tags
---------
 a
 {"b":1}
(2 rows)
Operation 7: FIND SUCCESS (Documents: 1)
        n
------------------
 9007199254740993
(1 row)`);
  });

  it('keeps every type of Extended JSON there and back', async () => {
    const document = {
      _id: { $oid: '65f0a1b2c3d4e5f601234567' },
      int: 7,
      long: { $numberLong: '9223372036854775807' },
      decimal: { $numberDecimal: '1234567890.123456789012345678' },
      date: { $date: '2026-01-31T12:00:00.250Z' },
      binary: { $binary: { base64: 'AP8=', subType: '00' } },
      uuid: { $binary: { base64: 'c//SZESzTGmQ6OfR38A11A==', subType: '04' } },
      regex: { $regularExpression: { pattern: '^a', options: 'i' } },
      timestamp: { $timestamp: { t: 4_294_967_295, i: 1 } },
      nothing: null,
      list: [1.5, 'text', true, { deep: { $numberLong: '-9223372036854775808' } }],
    };
    const { result } = await run(
      [
        { ...users, collection: 'types', documents: [document] },
        { operation: 'find', collection: 'types' },
      ],
      { result_format: 'json' },
    );
    expect(JSON.parse(result.toString())).toEqual({
      statements: [
        { operation: 1, kind: 'insert', collection: 'types', success: true, documents: 1 },
        { operation: 2, kind: 'find', collection: 'types', success: true, documents: 1, rows: [document] },
      ],
      success: true,
      operations: 2,
      done: 2,
    });
  });

  it('creates indexes and drops them', async () => {
    const { result } = await run([
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
    const { outcome, log } = await run([
      { ...users, collection: 'emptied', documents: [{ a: 1 }, { a: 2 }] },
      { operation: 'delete', collection: 'emptied', filter: {} },
    ]);
    expect(outcome.state).toBe('Succeeded');
    expect(log).toContainEqual({
      level: 'warn',
      message: 'Operation 2: the filter is empty: all documents of emptied will be deleted',
    });
    expect(await stored('emptied')).toEqual([]);
  });

  it('writes a collection from a pipeline', async () => {
    const pipeline = [{ $match: { _id: { $lt: 3 } } }, { $out: 'copied' }];
    const { result } = await run({ operation: 'aggregate', collection: 'many', pipeline });
    expect(result.toString()).toBe('Operation 1: AGGREGATE SUCCESS');
    expect(await stored('copied')).toHaveLength(3);
  });

  it('finds 200,000 documents in bounded memory', async () => {
    const numbered = { _id: { $add: [{ $multiply: ['$_id', 100] }, '$part'] }, text: { $literal: 'x'.repeat(1000) } };
    const pipeline = [
      { $match: { _id: { $lt: 2000 } } },
      { $project: { part: { $range: [0, 100] } } },
      { $unwind: '$part' },
      { $project: numbered },
      { $out: 'lots' },
    ];
    await witness.db(database).collection('many').aggregate(pipeline).toArray();
    const finder = join(import.meta.dirname, 'testing/find-process.ts');
    const argument = JSON.stringify({ target: target(), collection: 'lots', password: server.password });
    const { stdout } = await promisify(execFile)(process.execPath, [finder, argument]);
    const { state, bytes, maxRssMiB } = JSON.parse(stdout) as { state: string; bytes: number; maxRssMiB: number };
    expect(state).toBe('Succeeded');
    expect(bytes).toBeGreaterThan(200_000_000);
    // Node and the driver alone have 100.
    expect(maxRssMiB).toBeLessThan(240);
  });

  it('says that FerretDB has no transactions, before it executes anything', async () => {
    const command = { ...users, collection: 'untouched', documents: [{ a: 1 }] };
    const { outcome } = await run(command, { exec_options: { transaction: true } });
    expect(outcome).toEqual({
      state: 'Failed',
      reason: 'TransactionsNotSupported',
      message: 'exec_options.transaction cannot be had: FerretDB has no transactions; nothing was executed',
    });
    expect(await stored('untouched')).toEqual([]);
  });

  it('inserts a file of documents, plain and from a zip archive', async () => {
    const documents = Array.from({ length: 2500 }, (_, number) => ({ _id: number, text: 'x'.repeat(100) }));
    const text = JSON.stringify({ ...users, collection: 'filed', documents });
    const folder = mkdtempSync(join(spoolFolder, 'files-'));
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
      const { outcome, result, evidence } = await run('', {}, { file });
      expect(outcome.state, outcome.message).toBe('Succeeded');
      expect(result.toString()).toBe('Operation 1: INSERT SUCCESS (Documents: 2500)');
      expect(evidence.at(-1)).toBe(`operation 1 of 1 on ${database}.filed, documents 2001 to 2500`);
      expect(released).toBe(1);
      expect(await witness.db(database).collection('filed').countDocuments()).toBe(2500);
      await witness.db(database).dropCollection('filed');
    }
  });

  it('speaks TLS, and verifies the certificate as it is told', async () => {
    const { key, cert } = await createCertificate();
    const { cert: other } = await createCertificate();
    const port = await tlsProxy({ key, cert }, server);
    const count = { operation: 'count', collection: 'many' };
    const through = async (changes: Record<string, unknown>): Promise<string> => {
      const { outcome } = await run(count, { target: target({ port, ...changes }) });
      return outcome.state === 'Succeeded' ? outcome.state : `${outcome.reason}: ${outcome.message}`;
    };
    expect(await through({ ca: cert })).toBe('Succeeded');
    expect(await through({ sslmode: 'verify-full', ca: cert })).toBe('Succeeded');
    // The certificate is for 127.0.0.1.
    expect(await through({ sslmode: 'verify-ca', ca: cert, host: 'localhost' })).toBe('Succeeded');
    expect(await through({ sslmode: 'verify-full', ca: cert, host: 'localhost' })).toMatch(/^ConnectionFailed: /);
    expect(await through({ sslmode: 'require' })).toBe('Succeeded');
    expect(await through({ protocol: 'tls', verify_ssl: false })).toBe('Succeeded');
    expect(await through({ protocol: 'tls' })).toMatch(
      /^ConnectionFailed: connection failed: .*self-signed certificate/,
    );
    expect(await through({ sslmode: 'verify-full', ca: other })).toMatch(/^ConnectionFailed: .*certificate/);
    expect(await through({})).toMatch(/^ConnectionFailed: connection failed: /);
    expect(await through({ sslmode: 'prefer' })).toMatch(/^InvalidParams: params.target: sslmode prefer/);
  });

  it('refuses a login that is of another database', async () => {
    const { outcome } = await run(
      { operation: 'count', collection: 'many' },
      { target: target({ user: 'nobody', auth_source: database }) },
    );
    expect(outcome).toMatchObject({ state: 'Failed', reason: 'AuthenticationFailed' });
    expect(outcome.message).not.toContain(`:${server.password}`);
  });
});
