import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import { serverProxy } from '../database/testing/server-proxy.ts';
import { TestDatabase } from './testing/test-database.ts';

const SERVERS = (['mysql', 'mariadb'] as const).filter((name) => hasServices(name));

interface Told {
  readonly success: boolean;
  readonly committed: readonly (readonly [number, number])[];
  readonly rolled_back: readonly (readonly [number, number])[];
  readonly unknown: readonly (readonly [number, number])[];
}

const NOTHING: Told = { success: false, committed: [], rolled_back: [], unknown: [] };

const within = (ranges: Told['committed'], number: number): boolean =>
  ranges.some(([first, last]) => number >= first && number <= last);

/** `%` stands for the statement's number. */
const STATEMENTS = fc.oneof(
  { weight: 12, arbitrary: fc.constant('INSERT INTO t VALUES (%)') },
  { weight: 3, arbitrary: fc.constant('UPDATE t SET a = a WHERE a = %') },
  { weight: 2, arbitrary: fc.constant('BEGIN') },
  { weight: 2, arbitrary: fc.constant('COMMIT') },
  { weight: 1, arbitrary: fc.constant('ROLLBACK') },
  { weight: 1, arbitrary: fc.constant('SELECT COUNT(*) FROM t') },
  { weight: 1, arbitrary: fc.constant('SELECT ROW_COUNT()') },
  { weight: 1, arbitrary: fc.constant('CREATE TABLE IF NOT EXISTS other (a int)') },
  { weight: 1, arbitrary: fc.constant('SET autocommit = 0') },
  { weight: 1, arbitrary: fc.constant('SET autocommit = 1') },
  { weight: 1, arbitrary: fc.constant('SET @x = 1') },
  ...['add_row', 'commits', 'begins', 'commits_and_begins', 'rolls_back'].map((name) => ({
    weight: 1,
    arbitrary: fc.constant(`CALL ${name}(%)`),
  })),
  { weight: 1, arbitrary: fc.constant('LOCK TABLES t WRITE, other WRITE') },
  { weight: 1, arbitrary: fc.constant('UNLOCK TABLES') },
  { weight: 1, arbitrary: fc.constant('COMMIT AND CHAIN') },
  { weight: 1, arbitrary: fc.constant('INSERT INTO t VALUES (-1)') },
  { weight: 1, arbitrary: fc.constant('SELECT * FROM nowhere') },
);
/** Behind so many statements changes go to the server together. */
const LEADS = [0, 200];

describe.each(SERVERS)('what MysqlExecutor says was committed on %s', (server) => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await TestDatabase.create(await service(server));
    await database.witness.query('CREATE TABLE t (a int primary key)');
    await database.witness.query('CREATE TABLE other (a int)');
    const insert = 'INSERT INTO t VALUES (n);';
    const procedures = {
      add_row: insert,
      commits: `${insert} COMMIT;`,
      begins: `START TRANSACTION; ${insert}`,
      commits_and_begins: `${insert} COMMIT; START TRANSACTION;`,
      rolls_back: 'ROLLBACK;',
    };
    for (const [name, body] of Object.entries(procedures))
      await database.witness.query(`CREATE PROCEDURE ${name}(n int) BEGIN ${body} END`);
  });
  afterAll(() => database?.drop());

  it('is what the database has, of any text', { timeout: 120_000 }, async () => {
    const texts = fc.tuple(
      fc.array(STATEMENTS, { minLength: 1, maxLength: 25 }),
      fc.constantFrom(1, 2, 3, 200),
      fc.constantFrom(...LEADS),
      fc.constantFrom(1, 1, 3),
      fc.boolean(),
    );
    await fc.assert(
      fc.asyncProperty(texts, async ([statements, batchSize, lead, concurrency, transaction]) => {
        await database.witness.query('DELETE FROM t');
        await database.witness.query('INSERT INTO t VALUES (-1)');
        const text =
          'SELECT 1;\n'.repeat(lead) +
          statements.map((statement, index) => `${statement.replace('%', String(lead + index + 1))};\n`).join('');
        const options = {
          trans_batch_size: batchSize,
          concurrency,
          transaction: transaction && lead === 0,
          backup: false,
        };
        const { result, outcome } = await database.run(text, { exec_options: options, result_format: 'json' });
        const told = JSON.parse(result.toString()) as Told;
        // Not those that end one transaction and begin another: they belong to both.
        const inserts = statements.flatMap((statement, index) =>
          /^(?:INSERT INTO t VALUES \(%|CALL (?:add_row|commits)\()/.test(statement) ? [lead + index + 1] : [],
        );
        expect(told.unknown).toEqual([]);
        expect(told.success).toBe(outcome.state === 'Succeeded');
        expect(inserts.filter((number) => within(told.committed, number))).toEqual(
          ((await database.values('SELECT a FROM t WHERE a > 0 ORDER BY a')) as number[]).filter((a) =>
            inserts.includes(a),
          ),
        );
        for (const number of inserts)
          expect(within(told.committed, number) && within(told.rolled_back, number), text).toBe(false);
      }),
      { numRuns: Number(process.env['RUNS'] ?? 60) },
    );
  });

  it('is what the database has, wherever the connection is lost', { timeout: 120_000 }, async () => {
    let left = 0;
    const proxy = await serverProxy(database.server, {
      dropAfter: () => {
        left -= 1;
        return left === 0;
      },
    });
    const changes = fc.constantFrom(
      ...['INSERT INTO t VALUES (%)', 'INSERT INTO t VALUES (%)', 'CALL add_row(%)', 'SELECT 1'],
      ...['BEGIN', 'COMMIT', 'CREATE TABLE IF NOT EXISTS other (a int)'],
    );
    const texts = fc.tuple(
      fc.array(changes, { minLength: 1, maxLength: 12 }),
      fc.constantFrom(1, 2, 200),
      fc.integer({ min: 3, max: 40 }),
      fc.constantFrom({ backup: false }, {}, { backup: true }, { backup: false, ledger: true }),
    );
    await fc.assert(
      fc.asyncProperty(texts, async ([statements, batchSize, packets, extra]) => {
        await database.witness.query('DELETE FROM t');
        left = packets;
        const text = statements.map((statement, index) => `${statement.replace('%', String(index + 1))};\n`).join('');
        const { result } = await database.run(text, {
          target: database.target(proxy),
          exec_options: { trans_batch_size: batchSize, ...extra },
          result_format: 'json',
        });
        if (result.length === 0) {
          expect(await database.values('SELECT a FROM t')).toEqual([]);
          return;
        }
        const told = JSON.parse(result.toString()) as Told;
        // The server may still execute what it was sent.
        await expect.poll(() => database.running('t VALUES')).toBe(0);
        // And a lost transaction may still be undone: it holds the table until it is.
        await database.witness.query('LOCK TABLES t WRITE');
        await database.witness.query('UNLOCK TABLES');
        const stored = (await database.values('SELECT a FROM t')) as number[];
        statements.forEach((statement, index) => {
          const number = index + 1;
          if (!/^(?:INSERT|CALL)/.test(statement) || within(told.unknown, number)) return;
          expect(stored.includes(number), `${text}${number} of ${JSON.stringify(told)}`).toBe(
            within(told.committed, number),
          );
        });
      }),
      { numRuns: Number(process.env['RUNS'] ?? 40) },
    );
  });

  it('is what the database has, whenever the task is stopped', { timeout: 120_000 }, async () => {
    const changes = fc.constantFrom(
      ...['INSERT INTO t VALUES (%)', 'INSERT INTO t SELECT % FROM (SELECT SLEEP(0.02)) s', 'CALL add_row(%)'],
      ...['SELECT SLEEP(0.02)', 'BEGIN', 'COMMIT', 'CREATE TABLE IF NOT EXISTS other (a int)'],
    );
    const texts = fc.tuple(
      fc.array(changes, { minLength: 1, maxLength: 12 }),
      fc.constantFrom(1, 2, 200),
      fc.integer({ min: 1, max: 150 }),
      fc.constantFrom(1, 3),
    );
    await fc.assert(
      fc.asyncProperty(texts, async ([statements, batchSize, timeoutMs, concurrency]) => {
        await database.witness.query('DELETE FROM t');
        const text = statements.map((statement, index) => `${statement.replace('%', String(index + 1))};\n`).join('');
        const { result } = await database.run(text, {
          exec_options: { trans_batch_size: batchSize, timeout_ms: timeoutMs, concurrency, backup: false },
          result_format: 'json',
        });
        const told = (result.length === 0 ? NOTHING : JSON.parse(result.toString())) as Told;
        expect(told.unknown).toEqual([]);
        const stored = (await database.values('SELECT a FROM t ORDER BY a')) as number[];
        const committed = statements.flatMap((statement, index) =>
          /^(?:INSERT|CALL)/.test(statement) && within(told.committed, index + 1) ? [index + 1] : [],
        );
        expect(committed, text).toEqual(stored);
      }),
      { numRuns: Number(process.env['RUNS'] ?? 40) },
    );
  });
});
