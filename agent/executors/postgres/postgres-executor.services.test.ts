import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import { describeExecutor } from '../../conformance/executor.ts';
import type { Execution } from '../../conformance/executor.ts';
import { TestDatabase } from './testing/test-database.ts';
import { TYPE_NAMES } from './type-names.ts';

const WRONG_PASSWORD = 'wr0ng-pa55word';

describe.skipIf(!hasServices('postgres'))('PostgresExecutor', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await TestDatabase.create(await service('postgres'));
  });
  afterAll(() => database?.drop());
  beforeEach(() => database.empty());

  const run: TestDatabase['run'] = (...args) => database.run(...args);
  const text = ({ result }: Execution): string => result.toString();
  const failure = ({ outcome }: Execution): string => (outcome.state === 'Failed' ? outcome.message : '');

  describeExecutor(
    'PostgresExecutor',
    async () => ({
      executor: database.executor,
      succeeding: database.work('SELECT 1'),
      failing: database.work('SELECT * FROM nowhere'),
      endless: {
        ...database.work('SELECT pg_sleep(600)'),
        begun: () => expect.poll(() => database.running('pg_sleep(600)')).toBe(1),
      },
      big: (bytes: number) => database.work(`SELECT repeat('x', ${bytes})`),
      invalid: [
        database.work(' \n'),
        { command: 'SELECT 1' },
        { command: 'SELECT 1', params: { target: { port: 5432 } } },
        database.work('SELECT 1', { target: database.target({ sslmode: 'sometimes' }) }),
        database.work('SELECT 1', { target: database.target({ sslmode: 'verify-ca', verify_ssl: false }) }),
        database.work('SELECT 1', { target: database.target({ sslmode: 'require', ca: 'none' }) }),
        database.work('SELECT 1', { exec_options: { trans_batch_size: 0 } }),
        database.work('SELECT 1', { result_format: 'xml' }),
        database.work('-- nothing\n;'),
      ],
      remote: {
        unreachable: database.work('SELECT 1', { target: database.target({ port: 1 }) }),
        wrongPassword: database.work(
          'SELECT 1',
          {},
          { credentials: { login: { data: { password: WRONG_PASSWORD }, allowedHosts: undefined } } },
        ),
        secrets: [database.password, WRONG_PASSWORD],
        running: () => database.running('pg_sleep'),
        endlessFor: (timeout: number) =>
          database.work('SELECT pg_sleep(600)', { exec_options: { timeout_ms: timeout } }),
      },
    }),
    'remote',
  );

  describe('results', () => {
    it("are the manual's text", async () => {
      const execution = await run(
        "CREATE TABLE users (id SERIAL PRIMARY KEY, name VARCHAR(100)); INSERT INTO users (name) VALUES ('test');",
      );
      expect(execution.outcome.state).toBe('Succeeded');
      expect(text(execution)).toBe(
        [
          'Statement 1: SUCCESS (Affected rows: 0)',
          'SQL: CREATE TABLE users (id SERIAL PRIMARY KEY, name VARCHAR(100))',
          '',
          'Statement 2: SUCCESS (Affected rows: 1)',
          "SQL: INSERT INTO users (name) VALUES ('test')",
        ].join('\n'),
      );
    });

    it('show rows as a table, of SELECT and of RETURNING', async () => {
      const execution = await run(
        "CREATE TABLE r (a int, b text); INSERT INTO r VALUES (1, 'x'), (22, NULL) RETURNING *; SELECT 1 AS one WHERE false",
      );
      expect(text(execution)).toContain(
        "SQL: INSERT INTO r VALUES (1, 'x'), (22, NULL) RETURNING *\n a  |  b\n----+------\n  1 | x\n 22 | NULL\n(2 rows)\n",
      );
      expect(text(execution)).toMatch(/ one\n-----\n\(0 rows\)$/);
    });

    it('are one JSON document that loses no digit', async () => {
      const execution = await run(
        `SELECT 9007199254740993::int8 AS big, 42::int8 AS small, 0.10::numeric AS exact, 'NaN'::float8 AS nan, true AS yes, '{"a": 12345678901234567890}'::jsonb AS doc, '\\xff'::bytea AS bytes, NULL AS none; SELECT 1/0`,
        { result_format: 'json' },
      );
      const parsed = JSON.parse(text(execution)) as Record<string, unknown>;
      expect(parsed).toMatchObject({
        statements: [
          {
            statement: 1,
            status: 'SUCCESS',
            affected_rows: 1,
            columns: [
              { name: 'big', type: 'int8' },
              { name: 'small', type: 'int8' },
              { name: 'exact', type: 'numeric' },
              {},
              {},
              {},
              {},
              {},
            ],
            rows: [
              { big: '9007199254740993', small: 42, exact: '0.10', nan: 'NaN', yes: true, bytes: '\\xff', none: null },
            ],
          },
          { statement: 2, status: 'ERROR', error: { message: 'division by zero', code: '22012' } },
        ],
        success: false,
        committed: [],
        rolled_back: [[1, 1]],
      });
      expect(text(execution)).toContain('12345678901234567890');
    });

    it('name types as the server does, and keep the sign of zero', async () => {
      const { rows } = await database.witness.query<{ oid: number; name: string }>(
        "SELECT t.oid::int, coalesce(e.typname || '[]', t.typname) AS name FROM pg_type t LEFT JOIN pg_type e ON e.typarray = t.oid AND t.typcategory = 'A' WHERE t.oid = ANY ($1)",
        [[...TYPE_NAMES.keys()]],
      );
      const named = new Map(rows.map(({ oid, name }) => [oid, name.replace(/^_record$/, 'record[]')]));
      expect([...named]).toEqual([...named.keys()].map((oid) => [oid, TYPE_NAMES.get(oid)]));
      const execution = await run("SELECT '-0'::float8 AS zero, ARRAY[1] AS list, ROW(1) AS record", {
        result_format: 'json',
      });
      expect(text(execution)).toContain(
        '"columns":[{"name":"zero","type":"float8"},{"name":"list","type":"int4[]"},{"name":"record","type":"record"}]',
      );
      expect(text(execution)).toContain('{"zero":-0,');
    });

    it('hold statements that a semicolon in a text must not cut', async () => {
      const execution = await run(
        "SELECT 'a;b' AS x; DO $$ BEGIN PERFORM 1; PERFORM 2; END $$; /* ; /* ; */ */ SELECT E'it\\'s;' AS y",
      );
      expect([execution.outcome.state, text(execution).match(/SUCCESS/g)?.length]).toEqual(['Succeeded', 3]);
    });

    it('show what COPY TO stdout gives', async () => {
      expect(text(await run('COPY (SELECT g, g * 2 FROM generate_series(1, 2) g) TO stdout'))).toContain(
        'copy\n------\n 1\\t2\n 2\\t4\n(2 rows)',
      );
    });

    it('show it after rows of numbers as JSON, too', async () => {
      const execution = await run("SELECT 1::int8 AS n; COPY (SELECT 'x') TO stdout", { result_format: 'json' });
      expect(JSON.parse(text(execution))).toMatchObject({
        statements: [{ rows: [{ n: 1 }] }, { rows: [{ copy: 'x' }] }],
      });
    });

    it('count statements without rows together beyond 10,000', async () => {
      await run('CREATE TABLE many (a int)');
      const inserts = Array.from({ length: 12_000 }, (_, index) => `INSERT INTO many VALUES (${index});\n`).join('');
      const execution = await run(`${inserts}SELECT count(*) FROM many;`);
      expect(text(execution)).toContain(
        '\n\nStatements 10001-12000: SUCCESS (Affected rows: 2000)\n\nStatement 12001: SUCCESS',
      );
      expect(text(execution)).toContain(' 12000\n(1 row)');
      expect(execution.log.length).toBeLessThan(1200);
    });
  });

  describe('failures', () => {
    it('name statement, message, SQLSTATE, line and hint', async () => {
      const execution = await run('CREATE TABLE f (name text);\n\nSELECT nam\nFROM f;');
      expect(execution.outcome).toMatchObject({ state: 'Failed', reason: 'StatementFailed' });
      expect(failure(execution)).toBe(
        [
          'SQL execution failed: Statement 2: ERROR - column "nam" does not exist',
          'SQL: SELECT nam\nFROM f',
          'SQLSTATE: 42703, line 3',
          'HINT: Perhaps you meant to reference the column "f.name".',
          'Statement 1 was rolled back.',
        ].join('\n'),
      );
    });

    it('find the statement and line of a mistake in the syntax among many', async () => {
      const execution = await run("SELECT '😀';\nSELECT 2;\nSELECT\n  FROM WHERE;\nSELECT 4;");
      expect(failure(execution)).toContain(
        'Statement 3: ERROR - syntax error at or near "WHERE"\nSQL: SELECT\n  FROM WHERE\nSQLSTATE: 42601, line 4',
      );
    });

    it('do not show the password that a statement holds', async () => {
      const execution = await run(`ALTER ROLE ${database.name} PASSWORD '${database.password}'; SELECT 1/0`);
      expect(JSON.stringify(execution) + text(execution)).not.toContain(database.password);
    });

    it('say that a password is missing', async () => {
      const { secret_ref: _, ...target } = database.target();
      const execution = await run('SELECT 1', { target });
      expect(execution.outcome).toMatchObject({
        reason: 'AuthenticationFailed',
        message: expect.stringContaining('asks for a password'),
      });
    });

    it('say that a database does not exist', async () => {
      const execution = await run('SELECT 1', { target: database.target({ database: 'nowhere' }) });
      expect(execution.outcome).toMatchObject({
        reason: 'ConnectionFailed',
        message: expect.stringContaining('database "nowhere" does not exist'),
      });
    });
  });

  it('logs notices and a line for each statement', async () => {
    const { log } = await run("DROP TABLE IF EXISTS nothing; DO $$ BEGIN RAISE WARNING 'careful'; END $$; SELECT 1");
    expect(log).toContainEqual({ level: 'info', message: 'NOTICE: table "nothing" does not exist, skipping' });
    expect(log).toContainEqual({ level: 'warn', message: 'WARNING: careful' });
    expect(log.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/^Statement 3: SELECT 1, 1 row, \d+\.\d{3} s$/),
    );
  });

  it('tells the journal which statement runs on which backend', async () => {
    const { evidence } = await run('SELECT 1; SELECT 2', { exec_options: { trans_batch_size: 1 } });
    expect(evidence).toEqual([
      expect.stringMatching(/^statement 1, backend pid \d+$/),
      expect.stringMatching(/^statement 2, backend pid \d+$/),
    ]);
  });
});
