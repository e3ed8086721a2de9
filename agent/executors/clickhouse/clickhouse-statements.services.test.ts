import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import type { Service } from '../../../test/services/service.ts';
import { execute } from '../../conformance/executor.ts';
import type { Execution, Work } from '../../conformance/executor.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { TaskAborted } from '../executor.ts';
import { ClickHouseExecutor } from './clickhouse-executor.ts';

type Protocol = 'native' | 'http';

let server: Service;
let executor: ClickHouseExecutor;
const database = `t_${randomUUID().replaceAll('-', '')}`;

/** Asks the server by HTTP, as a witness. */
async function ask(query: string): Promise<string> {
  const response = await fetch(`http://${server.host}:${server.port}/`, { method: 'POST', body: query });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text.trimEnd();
}

async function makeTable(columns: string): Promise<string> {
  const table = `${database}.t_${randomUUID().slice(0, 8)}`;
  await ask(`CREATE TABLE ${table} (${columns}) ENGINE = Memory`);
  return table;
}

function run(protocol: Protocol, command: string, params: object = {}, work: Partial<Work> = {}): Promise<Execution> {
  const port = protocol === 'native' ? server.ports['native'] : server.port;
  const target = { host: server.host, port, protocol, database };
  return execute(executor, { command, params: { target, ...params }, ...work });
}

const messages = ({ log }: Execution): string => log.map(({ message }) => message).join('\n');
const failure = (text: string | RegExp, reason = 'StatementFailed'): object => ({
  state: 'Failed',
  reason,
  message:
    typeof text === 'string' ? (expect.stringContaining(text) as string) : (expect.stringMatching(text) as string),
});

describe.skipIf(!hasServices('clickhouse-18'))('ClickHouse statements on 18.16', () => {
  beforeAll(async () => {
    server = await service('clickhouse-18');
    executor = new ClickHouseExecutor({ connections: new Map(), spoolFolder: tmpdir() });
    await ask(`CREATE DATABASE ${database}`);
  });

  afterAll(async () => {
    await executor.close();
    await ask(`DROP DATABASE IF EXISTS ${database}`);
  });

  describe.each(['native', 'http'] as const)('by %s', (protocol) => {
    it('stops at the first statement that fails, and says what was executed before', async () => {
      const table = await makeTable('a UInt8');
      const { outcome, result, log } = await run(
        protocol,
        `INSERT INTO ${table} VALUES (1); SELECT 1 FROM missing_table; INSERT INTO ${table} VALUES (2)`,
      );
      expect(outcome).toMatchObject(
        failure(
          /^SQL execution failed: Statement 2: ERROR - Code: 60\. DB::Exception: Table t_\w+\.missing_table doesn't exist\. \(UNKNOWN_TABLE\)\nSQL: SELECT 1 FROM missing_table\n1 statement before it was executed and is not undone$/,
        ),
      );
      expect(result.toString()).toMatch(
        /^Statement 1: SUCCESS \(Affected rows: 1\)\nSQL: INSERT INTO \S+ VALUES \(1\)\n\nStatement 2: ERROR - Code: 60\. .*\nSQL: SELECT 1 FROM missing_table$/,
      );
      expect(log.at(-2)).toMatchObject({ level: 'error', message: expect.stringContaining('UNKNOWN_TABLE') as string });
      expect(await ask(`SELECT a FROM ${table}`)).toBe('1');
    });

    it('gives the same table and the same JSON as the other protocol', async () => {
      const query = `SELECT 1 AS i, -9007199254740993 AS big, 0.1 AS f, toFloat64('nan') AS n, 'a\tb' AS s, NULL AS nothing, [1, 2] AS arr, (1, 'x') AS tup, toDate('2026-01-01') AS d`;
      const text = await run(protocol, query);
      expect(text.result.toString().split('\n').slice(2)).toEqual([
        ' i |        big        |  f  |  n  |  s   | nothing |  arr  |   tup   |     d',
        '---+-------------------+-----+-----+------+---------+-------+---------+------------',
        " 1 | -9007199254740993 | 0.1 | nan | a\\tb | NULL    | [1,2] | (1,'x') | 2026-01-01",
        '(1 row)',
      ]);
      const json = await run(protocol, query, { result_format: 'json' });
      const parsed = JSON.parse(json.result.toString());
      expect(parsed).toMatchObject({ success: true, executed: 1 });
      expect(parsed.statements[0]).toMatchObject({ statement: 1, status: 'SUCCESS', affected_rows: 1 });
      expect(parsed.statements[0].columns[1]).toEqual({ name: 'big', type: 'Int64' });
      expect(parsed.statements[0].rows).toEqual([
        {
          i: 1,
          big: '-9007199254740993',
          f: 0.1,
          n: 'NaN',
          s: 'a\tb',
          nothing: null,
          arr: [1, 2],
          tup: [1, 'x'],
          d: '2026-01-01',
        },
      ]);
    });

    it('keeps SET, USE and temporary tables for the statements after them, and for no other task', async () => {
      const name = `tmp_${protocol}`;
      const first = await run(
        protocol,
        `SET max_block_size = 7; SELECT value FROM system.settings WHERE name = 'max_block_size'; CREATE TEMPORARY TABLE ${name} (a UInt8); INSERT INTO ${name} VALUES (5); SELECT a + 1 FROM ${name}; USE system; SELECT currentDatabase()`,
      );
      expect(first.outcome).toMatchObject({ state: 'Succeeded', message: '7 statements executed' });
      expect(first.result.toString()).toMatch(/-------\n 7\n/);
      expect(first.result.toString()).toMatch(/\n +6\n/);
      expect(first.result.toString()).toMatch(/\n system\n/);
      const second = await run(
        protocol,
        `SELECT value FROM system.settings WHERE name = 'max_block_size' AND value = '7'; SELECT currentDatabase(); SELECT * FROM ${name}`,
      );
      expect(second.result.toString()).toContain('(0 rows)');
      expect(second.result.toString()).toContain(database);
      expect(second.outcome).toMatchObject(failure('UNKNOWN_TABLE'));
    });

    it('fails on an exception in the middle of an answer', async () => {
      for (const columns of ['throwIf(number = 300000)', 'throwIf(number = 300000), number']) {
        const { outcome, result } = await run(protocol, `SELECT ${columns} FROM system.numbers`);
        expect(outcome).toMatchObject(failure('FUNCTION_THROW_IF_VALUE_IS_NON_ZERO'));
        expect(result.toString()).toMatch(/^Statement 1: ERROR - Code: 395\. .*\nSQL: SELECT throwIf.*$/);
      }
    });

    it('leaves FORMAT to result_format', async () => {
      const execution = await run(protocol, `SELECT 1 AS format, 'x FORMAT JSON' AS b FORMAT JSON`);
      expect(execution.result.toString()).toContain(' format |       b\n');
      expect(messages(execution)).toContain('FORMAT JSON is not used');
    });

    it('shows bytes that are no text, so that different ones differ', async () => {
      const query =
        "SELECT unhex('ff00fe5c09') AS b, toFixedString(unhex('fe61'), 3) AS f, [unhex('ff27'), '天\\t', '\\\\'] AS a, '天' AS t, '\ufffd' AS r, (unhex('fd'), 1) AS u";
      const text = await run(protocol, query);
      expect(text.result.toString().split('\n')[4]).toBe(
        String.raw` \xff00fe5c09 | \xfe6100 | ['\\xff27','天\t','\\'] | 天 | ${'\ufffd'} | ('\\xfd',1)`,
      );
      const json = await run(protocol, query, { result_format: 'json' });
      expect(JSON.parse(json.result.toString()).statements[0].rows).toEqual([
        {
          ...{ b: '\\xff00fe5c09', f: '\\xfe6100', a: ['\\xff27', '天\t', '\\'], t: '天', r: '\ufffd' },
          u: ['\\xfd', 1],
        },
      ]);
    });

    it('refuses to write rows to a file of the server', async () => {
      expect((await run(protocol, "SELECT 1 INTO OUTFILE '/x'")).outcome).toMatchObject(
        failure("Statement 1: ERROR - INTO OUTFILE is not allowed: rows go to the task's result"),
      );
    });

    it('tells totals in the log', async () => {
      const execution = await run(
        protocol,
        'SELECT number % 2 AS k, count() AS c FROM numbers(5) GROUP BY k WITH TOTALS ORDER BY k',
      );
      expect(execution.result.toString()).toContain(' k | c\n---+---\n 0 | 3\n 1 | 2\n(2 rows)');
      expect(messages(execution)).toContain('totals: k = 0, c = 5');
    });

    it('shows answers of all sorts of statements', async () => {
      const table = await makeTable("a UInt8 DEFAULT 7, e Enum8('x' = 1)");
      const { outcome, result } = await run(
        protocol,
        `-- what there is\nDESCRIBE TABLE ${table};\nSHOW TABLES FROM ${database} LIKE 'nothing';\nEXISTS TABLE ${table};\nWITH 5 AS x SELECT x;\n(SELECT 1) UNION ALL (SELECT 2);\nALTER TABLE ${table} DROP COLUMN a; /* done */;`,
      );
      expect(result.toString()).toContain("Enum8('x' = 1)");
      expect(result.toString()).toContain('(0 rows)');
      expect(outcome).toMatchObject(failure(/^SQL execution failed: Statement [56]/));
    });

    it('names the database that is not there', async () => {
      const port = protocol === 'native' ? server.ports['native'] : server.port;
      const { outcome } = await run(protocol, 'SELECT 1', {
        target: { host: server.host, port, database: 'nowhere', protocol },
      });
      expect(outcome).toMatchObject(
        failure(
          /^connection failed: clickhouse:\/\/default@127\.0\.0\.1:\d+\/nowhere: Code: 81\. .*nowhere.*\(UNKNOWN_DATABASE\)$/,
          'ConnectionFailed',
        ),
      );
    });

    it('logs in with a user and a password', async () => {
      const port = protocol === 'native' ? server.ports['native'] : server.port;
      const params = { target: { host: server.host, port, database, protocol, secret_ref: 'login' } };
      const credentials = { login: { data: { user: 'tiangong', password: 'secret' }, allowedHosts: undefined } };
      const execution = await run(protocol, 'SELECT currentUser()', params, { credentials });
      // 18.16 has no such function, which it says only after the login.
      expect(execution.outcome).toMatchObject(failure('UNKNOWN_FUNCTION'));
      const wrong = await run(protocol, 'SELECT 1', params, {
        credentials: { login: { data: { user: 'tiangong', password: 'hunter2' }, allowedHosts: undefined } },
      });
      expect(wrong.outcome).toMatchObject(
        failure(
          /^connection failed: the server refused the login: .*Code: 193\. .*\(WRONG_PASSWORD\)/,
          'AuthenticationFailed',
        ),
      );
      expect(JSON.stringify(wrong)).not.toContain('hunter2');
    });

    it('names the query on the server after task and statement, also for the journal', async () => {
      const uid = randomUUID();
      const controller = new AbortController();
      const execution = run(
        protocol,
        `SELECT 1; SELECT count() FROM system.numbers`,
        {},
        { uid, signal: controller.signal },
      );
      await expect
        .poll(() => ask(`SELECT query_id FROM system.processes WHERE query_id LIKE '%${uid}%'`))
        .toContain(`tiangong-${uid}-1-2`);
      controller.abort(new TaskAborted('User', 'canceled by user'));
      expect((await execution).evidence.at(-1)).toMatch(
        new RegExp(`^statement 2, query tiangong-${uid}-1-2 by (native protocol|HTTP), ClickHouse 18\\.16`),
      );
      await expect.poll(() => ask(`SELECT count() FROM system.processes WHERE query_id LIKE '%${uid}%'`)).toBe('0');
    });

    it('tells how far a long statement is, at most once a second', async () => {
      const began = performance.now();
      const execution = await run(
        protocol,
        `SELECT sum(sleepEachRow(0.0004)) FROM (SELECT number FROM numbers(8000)) SETTINGS max_block_size = 1000`,
      );
      expect(execution.outcome).toMatchObject({ state: 'Succeeded' });
      const told = execution.log.filter(({ message }) => / rows, [\d.]+ MiB/.test(message));
      expect(told.length).toBeGreaterThan(0);
      expect(told.length).toBeLessThanOrEqual((performance.now() - began) / 1000);
    });

    it('executes thousands of statements with a short log', async () => {
      const table = await makeTable('a UInt32');
      const statements = Array.from({ length: 1_200 }, (_, i) => `INSERT INTO ${table} VALUES (${i});`).join('\n');
      const execution = await run(protocol, statements);
      expect(execution.outcome).toMatchObject({ state: 'Succeeded', message: '1200 statements executed' });
      expect(execution.log.length).toBeLessThan(1_100);
      expect(await ask(`SELECT count(), sum(a) FROM ${table}`)).toBe(`1200\t${(1199 * 1200) / 2}`);
    });

    it('executes a file instead of the command, packed or not', async () => {
      const table = await makeTable('a UInt32, b String');
      const sql = Buffer.from(
        `-- rows\nINSERT INTO ${table} VALUES (1, 'a;b');\nINSERT INTO ${table} VALUES (2, '天');\n`,
      );
      for (const [name, bytes] of [
        ['rows.sql', sql],
        ['rows.sql.gz', gzipSync(sql)],
      ] as const) {
        const path = join(temporaryFolder(), name);
        writeFileSync(path, bytes);
        const file = { id: 'file-1', path, name, bytes: bytes.length, release: () => undefined };
        const execution = await run(protocol, 'SELECT 1', {}, { file });
        expect(execution.outcome).toEqual({ state: 'Succeeded', message: '2 statements executed' });
        expect(messages(execution)).toContain('Executing rows.sql');
      }
      expect(await ask(`SELECT a, b FROM ${table} ORDER BY a`)).toBe('1\ta;b\n1\ta;b\n2\t天\n2\t天');
    });

    it('ends a query that is canceled while its rows come', async () => {
      const uid = randomUUID();
      const controller = new AbortController();
      const running = (): Promise<string> =>
        ask(`SELECT count() FROM system.processes WHERE query_id LIKE 'tiangong-${uid}%' AND read_rows > 100000`);
      const execution = run(protocol, 'SELECT number FROM system.numbers', {}, { uid, signal: controller.signal });
      await expect.poll(running).toBe('1');
      controller.abort(new TaskAborted('User', 'canceled by user'));
      expect((await execution).outcome).toMatchObject(failure('ERROR - canceled by user', 'Aborted'));
      await expect.poll(running).toBe('0');
    });

    it('gives 300,000 rows', async () => {
      const { result } = await run(protocol, 'SELECT number, toString(number) FROM numbers(300000)');
      const lines = result.toString().split('\n');
      expect(lines[0]).toBe('Statement 1: SUCCESS (Affected rows: 300000)');
      expect(lines.at(-2)).toBe(' 299999 | 299999');
      expect(lines.at(-1)).toBe('(300000 rows)');
    });
  });
});
