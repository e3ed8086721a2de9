import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import type { Execution } from '../../conformance/executor.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { zipArchive } from '../../testing/zip-archive.ts';
import { TestDatabase } from './testing/test-database.ts';

describe.skipIf(!hasServices('postgres'))('PostgresExecutor and transactions', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await TestDatabase.create(await service('postgres'));
  });
  afterAll(() => database?.drop());
  beforeEach(() => database.empty());

  const run: TestDatabase['run'] = (...args) => database.run(...args);
  const failure = ({ outcome }: Execution): string => (outcome.state === 'Failed' ? outcome.message : '');
  const batches = (size: number): Record<string, unknown> => ({ exec_options: { trans_batch_size: size } });
  const json = { result_format: 'json' };
  /** The rows of each statement of a JSON result. */
  const rowsOf = ({ result }: Execution): Record<string, unknown>[][] =>
    (JSON.parse(result.toString()) as { statements: { rows: Record<string, unknown>[] }[] }).statements.map(
      ({ rows }) => rows,
    );
  /** A table of numbers of this name. */
  const table = (name: string): Promise<unknown> => database.witness.query(`CREATE TABLE ${name} (a int)`);
  const stored = (name: string): Promise<unknown[]> => database.values(`SELECT a FROM ${name} ORDER BY a`);

  it('keeps the batches before a failure, rolls back its own, and says so', async () => {
    await table('b1');
    const inserts = [1, 2, 3, 4, 5].map((value) => `INSERT INTO b1 VALUES (${value});`).join('\n');
    const execution = await run(`${inserts}\nSELECT 1/0;`, batches(2));
    expect(await stored('b1')).toEqual([1, 2, 3, 4]);
    expect(failure(execution)).toContain('Statement 6: ERROR - division by zero');
    expect(failure(execution)).toContain('\nStatements 1-4 were committed. Statement 5 was rolled back.');
    expect(execution.result.toString()).toContain('Statements 1-4 were committed. Statement 5 was rolled back.');
  });

  it('rolls back DDL with its batch', async () => {
    await run('CREATE TABLE ddl (a int); CREATE INDEX ON ddl (a); SELECT 1/0');
    expect(await database.values("SELECT to_regclass('ddl')")).toEqual([null]);
  });

  it('executes all in one transaction when exec_options asks for it', async () => {
    const execution = await run('SELECT txid_current() AS t; SELECT txid_current() AS t; SELECT txid_current() AS t', {
      ...json,
      exec_options: { transaction: true, trans_batch_size: 1 },
    });
    expect(new Set(rowsOf(execution).map(([row]) => row!['t'])).size).toBe(1);
  });

  describe('when exec_options asks for one transaction', () => {
    const whole = { exec_options: { transaction: true } };

    it.each(['BEGIN', 'COMMIT', 'ROLLBACK', "PREPARE TRANSACTION 'x'"])('refuses %s in the text', async (statement) => {
      await table('whole');
      const execution = await run(`INSERT INTO whole VALUES (1);\n${statement};\nINSERT INTO whole VALUES (2)`, whole);
      expect(failure(execution)).toBe(
        `SQL execution failed: Statement 2: ERROR - exec_options.transaction executes the whole text in one transaction: the text cannot begin or end one\nSQL: ${statement}\nAt line 2\nStatement 1 was rolled back.`,
      );
      expect(await stored('whole')).toEqual([]);
      await database.witness.query('DROP TABLE whole');
    });

    it('lets the server refuse what none may hold, and rolls back', async () => {
      await table('held');
      const execution = await run('INSERT INTO held VALUES (1); VACUUM held', whole);
      expect(failure(execution)).toMatch(/Statement 2: ERROR - VACUUM cannot run inside a transaction block/);
      expect(failure(execution)).toContain('Statement 1 was rolled back.');
      expect(await stored('held')).toEqual([]);
    });

    it('keeps savepoints', async () => {
      await table('saved');
      await run('INSERT INTO saved VALUES (1); SAVEPOINT s; INSERT INTO saved VALUES (2); ROLLBACK TO s', whole);
      expect(await stored('saved')).toEqual([1]);
    });
  });

  it('makes a transaction of each batch, and sleeps between them', async () => {
    const statement = 'SELECT txid_current() AS t, extract(epoch FROM now()) * 1000 AS at;';
    const execution = await run(statement.repeat(4), { ...json, exec_options: { trans_batch_size: 2, sleep_ms: 300 } });
    const rows = rowsOf(execution).flat();
    expect(rows[0]!['t']).toBe(rows[1]!['t']);
    expect(rows[2]!['t']).not.toBe(rows[1]!['t']);
    expect(Number(rows[2]!['at']) - Number(rows[0]!['at'])).toBeGreaterThanOrEqual(300);
  });

  it('executes by themselves what no transaction may hold', async () => {
    await table('alone');
    const execution = await run(
      `INSERT INTO alone VALUES (1);
       CREATE INDEX CONCURRENTLY alone_a ON alone (a);
       REINDEX (VERBOSE) TABLE CONCURRENTLY alone;
       VACUUM (ANALYZE) alone;
       CREATE TYPE mood AS ENUM ('sad'); ALTER TYPE mood ADD VALUE 'glad'; SELECT 'glad'::mood;
       CREATE DATABASE ${database.name}_x; ALTER DATABASE ${database.name}_x SET TABLESPACE pg_default; DROP DATABASE ${database.name}_x;
       ALTER SYSTEM SET work_mem = '4MB'; ALTER SYSTEM RESET work_mem;
       DROP INDEX CONCURRENTLY alone_a;
       CREATE TABLE parts (a int) PARTITION BY LIST (a); CREATE TABLE part1 PARTITION OF parts FOR VALUES IN (1);
       ALTER TABLE parts DETACH PARTITION part1 CONCURRENTLY;
       CLUSTER;
       REINDEX DATABASE ${database.name};
       SELECT 1/0`,
    );
    expect(failure(execution)).toMatch(/^SQL execution failed: Statement 19: ERROR - division by zero/);
    expect(failure(execution)).toContain('Statements 1-18 were committed.');
  });

  describe('of the text itself', () => {
    it('are its batches, whatever the size asked for', async () => {
      await table('own');
      const execution = await run(
        'BEGIN; INSERT INTO own VALUES (1); INSERT INTO own VALUES (2); SAVEPOINT s; INSERT INTO own VALUES (3); ROLLBACK TO s; INSERT INTO own VALUES (4); COMMIT; INSERT INTO own VALUES (5); START TRANSACTION; INSERT INTO own VALUES (6); ROLLBACK; SELECT 1',
        batches(1),
      );
      expect(execution.outcome).toMatchObject({ state: 'Succeeded' });
      expect(await stored('own')).toEqual([1, 2, 4, 5]);
    });

    it('commit what stands before them', async () => {
      await table('before');
      const execution = await run(
        'INSERT INTO before VALUES (1); BEGIN; INSERT INTO before VALUES (2); SELECT 1/0; COMMIT',
      );
      expect(await stored('before')).toEqual([1]);
      expect(failure(execution)).toContain('Statement 1 was committed. Statements 2-3 were rolled back.');
    });

    it('may be chained', async () => {
      await table('chain');
      await run(
        'BEGIN; INSERT INTO chain VALUES (1); COMMIT AND CHAIN; INSERT INTO chain VALUES (2); ROLLBACK AND CHAIN; INSERT INTO chain VALUES (3); END',
      );
      expect(await stored('chain')).toEqual([1, 3]);
    });

    it('fail the task when the text does not end them', async () => {
      await table('open');
      const execution = await run('SELECT 1;\nBEGIN; INSERT INTO open VALUES (1)');
      expect(await stored('open')).toEqual([]);
      expect(failure(execution)).toContain(
        'the text ends without COMMIT in the transaction that statement 2 begins in line 2',
      );
      expect(failure(execution)).toContain('Statement 1 was committed. Statements 2-3 were rolled back.');
    });
  });

  it('commits where the text says COMMIT without BEGIN', async () => {
    await table('stray');
    await run('INSERT INTO stray VALUES (1); COMMIT; INSERT INTO stray VALUES (2); SELECT 1/0');
    expect(await stored('stray')).toEqual([1]);
  });

  it.each([1, 200])('commits nothing at a ROLLBACK without BEGIN (batches of %i)', async (size) => {
    await table('undone');
    const execution = await run('SELECT 1; INSERT INTO undone VALUES (2); ROLLBACK; SELECT 2', batches(size));
    expect(failure(execution)).toContain('Statement 3: ERROR - there is no BEGIN before it');
    expect(failure(execution)).toContain(`Statements 1-2 were ${size === 1 ? 'committed' : 'rolled back'}.`);
    expect(await stored('undone')).toEqual(size === 1 ? [2] : []);
    await database.witness.query('DROP TABLE undone');
  });

  it('says of ROLLBACK that it rolled back', async () => {
    const execution = await run('SELECT 0; BEGIN; SELECT 1; ROLLBACK; SELECT 1/0');
    expect(failure(execution)).toContain('Statement 1 was committed. Statements 2-4 were rolled back.');
  });

  it('says of PREPARE TRANSACTION that it has not committed', async ({ skip }) => {
    const [most] = await database.values("SELECT current_setting('max_prepared_transactions')::int");
    skip(most === 0, 'the server keeps no prepared transactions');
    const name = `${database.name}_${randomUUID()}`;
    const execution = await run(`BEGIN; SELECT 1; PREPARE TRANSACTION '${name}'; SELECT 1/0`, json);
    await database.witness.query(`ROLLBACK PREPARED '${name}'`);
    expect(failure(execution)).toContain('Statements 1-3 were prepared: ');
    expect(JSON.parse(execution.result.toString())).toMatchObject({ committed: [], prepared: [[1, 3]] });
  });

  it('reports what is only found at the commit', async () => {
    const execution = await run(
      'CREATE TABLE parent (a int PRIMARY KEY); CREATE TABLE child (a int REFERENCES parent DEFERRABLE INITIALLY DEFERRED); INSERT INTO child VALUES (1)',
    );
    expect(failure(execution)).toMatch(
      /^SQL execution failed: Statement 3: ERROR - insert or update on table "child" violates .*\nSQL: COMMIT\n/,
    );
    expect(failure(execution)).toContain('Statements 1-3 were rolled back.');
  });

  it('executes procedures that commit when each statement is on its own, and says so when it is not', async () => {
    await table('proc');
    await run('CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO proc VALUES (1); COMMIT; END $$');
    expect(failure(await run('CALL p()'))).toContain(
      'HINT: exec_options.trans_batch_size 1 executes each statement in a transaction of its own',
    );
    expect((await run('CALL p()', batches(1))).outcome.state).toBe('Succeeded');
    expect(await stored('proc')).toEqual([1]);
  });

  it('leaves nothing of a task in its connection', async () => {
    await run(
      'SET search_path TO pg_catalog; SET ROLE pg_monitor; CREATE TEMP TABLE left_over (a int); SELECT pg_advisory_lock(42)',
    );
    const execution = await run("SHOW search_path; SELECT current_user AS me, to_regclass('left_over') AS it", json);
    expect(rowsOf(execution).flat()).toEqual([{ search_path: '"$user", public' }, { me: database.name, it: null }]);
    // The view shows the locks of the whole server.
    const locks =
      "SELECT count(*)::int FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE l.locktype = 'advisory' AND d.datname = current_database()";
    expect(await database.values(locks)).toEqual([0]);
  });

  it('refuses another encoding than that in which text is sent', async () => {
    await table('enc');
    const execution = await run(
      "INSERT INTO enc VALUES (1); SET client_encoding = 'LATIN1'; INSERT INTO enc VALUES (2)",
    );
    expect(failure(execution)).toContain(
      'Statement 2: ERROR - client_encoding cannot be LATIN1: text is sent as UTF8 only',
    );
    expect(await stored('enc')).toEqual([]);
  });

  it('reads the text after SET standard_conforming_strings as the server does', async () => {
    const execution = await run(
      String.raw`SET standard_conforming_strings = off; SET escape_string_warning = off; SELECT 'it\'s; one' AS x; SELECT 2`,
    );
    expect(execution.outcome).toMatchObject({ state: 'Succeeded', message: expect.stringMatching(/^4 /) });
  });

  describe('with the data of COPY', () => {
    it('copies it', async () => {
      await database.witness.query('CREATE TABLE cp (a int, b text)');
      const execution = await run(
        "COPY cp FROM stdin;\n1\tx;y'\n2\t\\N\n\\.\nCOPY cp (a) FROM STDIN WITH (FORMAT csv);\n3\n\\.\nSELECT count(*) FROM cp;",
      );
      expect(execution.result.toString()).toContain(
        'Statement 1: SUCCESS (Affected rows: 2)\nSQL: COPY cp FROM stdin\n\nStatement 2: SUCCESS (Affected rows: 1)',
      );
      expect(await database.values('SELECT b FROM cp ORDER BY a')).toEqual(["x;y'", null, null]);
    });

    it('copies much of it', async () => {
      await table('big_copy');
      const data = Array.from({ length: 300_000 }, (_, index) => `${index}\n`).join('');
      const execution = await run(`COPY big_copy FROM stdin;\n${data}\\.\n`);
      expect(execution.outcome).toMatchObject({ state: 'Succeeded', message: '1 statement executed, 300000 rows' });
    });

    it('rolls back what the server refuses', async () => {
      await table('bad_copy');
      const execution = await run(
        `INSERT INTO bad_copy VALUES (0);\nCOPY bad_copy FROM stdin;\n1\n${'2\n'.repeat(100_000)}x\n${'3\n'.repeat(100_000)}\\.\nSELECT 1;`,
      );
      expect(failure(execution)).toContain(
        'Statement 2: ERROR - invalid input syntax for type integer: "x"\nSQL: COPY bad_copy FROM stdin',
      );
      expect(failure(execution)).toContain('CONTEXT: COPY bad_copy, line 100002, column a: "x"');
      expect(await stored('bad_copy')).toEqual([]);
    });

    it('copies nothing of data without an end', async () => {
      await table('cut_copy');
      const execution = await run('COPY cut_copy FROM stdin;\n1\n2\n');
      expect(failure(execution)).toContain(
        'Statement 1: ERROR - the data of COPY FROM stdin ends without a line with \\.',
      );
      expect(await stored('cut_copy')).toEqual([]);
    });
  });

  it("refuses psql's own commands, after what stands before them", async () => {
    const execution = await run('CREATE TABLE meta (a int);\n\\connect other\nSELECT 1;', batches(1));
    expect(execution.outcome).toMatchObject({ reason: 'InvalidSQL' });
    expect(failure(execution)).toBe(
      "SQL execution failed: ERROR - line 2 holds psql's own command \\connect, which only psql can execute\nStatement 1 was committed.",
    );
    expect(await database.values("SELECT to_regclass('meta')")).toEqual(['meta']);
  });

  it.each([
    ['a.sql', (sql: string) => Buffer.from(`\ufeff${sql}`)],
    ['a.sql.gz', (sql: string) => gzipSync(sql)],
    ['a.zip', (sql: string) => zipArchive([{ name: 'b.sql', bytes: sql }])],
  ] as const)('executes the file %s rather than the command', async (name, pack) => {
    const path = join(temporaryFolder(), 'file-1');
    const bytes = pack("SELECT 'of the file' AS x;\n");
    writeFileSync(path, bytes);
    let released = 0;
    const file = { id: 'file-1', path, name, bytes: bytes.length, release: () => void (released += 1) };
    const execution = await run('SELECT 1/0', {}, { file });
    expect(execution.result.toString()).toContain(' of the file\n(1 row)');
    expect(released).toBe(1);
  });
});
