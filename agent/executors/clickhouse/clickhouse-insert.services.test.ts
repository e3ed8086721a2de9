import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import type { Service } from '../../../test/services/service.ts';
import { execute } from '../../conformance/executor.ts';
import type { Execution, Work } from '../../conformance/executor.ts';
import { TaskAborted } from '../executor.ts';
import { ClickHouseExecutor } from './clickhouse-executor.ts';

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

async function makeTable(columns: string, engine = 'Memory'): Promise<string> {
  const table = `${database}.t_${randomUUID().slice(0, 8)}`;
  await ask(`CREATE TABLE ${table} (${columns}) ENGINE = ${engine}`);
  return table;
}

function run(protocol: 'native' | 'http', command: string, work: Partial<Work> = {}): Promise<Execution> {
  const port = protocol === 'native' ? server.ports['native'] : server.port;
  return execute(executor, { command, params: { target: { host: server.host, port, protocol, database } }, ...work });
}

const affected = ({ result }: Execution): readonly string[] =>
  [...result.toString().matchAll(/Affected rows: (\w+)/g)].map(([, rows]) => rows ?? '');

describe.skipIf(!hasServices('clickhouse-18'))('INSERT on ClickHouse 18.16', () => {
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
    it('lets the server evaluate expressions after VALUES', async () => {
      const table = await makeTable("a UInt32, b String, c Nullable(Date), d Array(UInt8), e Enum8('x' = 1, 'y' = 2)");
      const execution = await run(
        protocol,
        `INSERT INTO ${table} VALUES (1 + 1, upper('x,)(\\''), NULL, [1, 2], 'x'), /* (, */ (toUInt32(3), 'plain', toDate('2026-01-01'), [1 + 1], 'y') -- end`,
      );
      expect(execution.outcome).toMatchObject({ state: 'Succeeded' });
      expect(affected(execution)).toEqual(['2']);
      expect(await ask(`SELECT * FROM ${table} ORDER BY a`)).toBe(
        "2\tX,)(\\'\t\\N\t[1,2]\tx\n3\tplain\t2026-01-01\t[2]\ty",
      );
    });

    it('fills the columns that an INSERT does not name', async () => {
      const table = await makeTable('a UInt32, b UInt32 DEFAULT a * 2, c UInt32 MATERIALIZED a + 1');
      const execution = await run(
        protocol,
        `INSERT INTO ${table} (a) VALUES (1), (2); INSERT INTO ${table} VALUES (3, 4); INSERT INTO ${table} (a) FORMAT Values (5)`,
      );
      expect(affected(execution)).toEqual(['2', '1', '1']);
      expect(await ask(`SELECT a, b, c FROM ${table} ORDER BY a`)).toBe('1\t2\t2\n2\t4\t3\n3\t4\t4\n5\t10\t6');
    });

    it('takes rows in the formats CSV, TabSeparated and JSONEachRow', async () => {
      const table = await makeTable('a Int64, b Nullable(String), c Array(UInt8), d Float64');
      const execution = await run(
        protocol,
        `INSERT INTO ${table} FORMAT CSV\n1,"a ""b"", c","[1,2]",0.5\n2,\\N,"[]",1e3\n;` +
          `INSERT INTO ${table} FORMAT TabSeparated\n3\ttab\\there\t[3]\t1\n4\t\\N\t[]\t-1\n;` +
          `INSERT INTO ${table} (a, b, d, c) FORMAT JSONEachRow {"a": "9007199254740993", "b": "x\\ny", "c": [7], "d": 2.5}\n{"a":6,"b":null,"c":[],"d":0}`,
      );
      expect(execution.outcome).toMatchObject({ state: 'Succeeded' });
      expect(affected(execution)).toEqual(['2', '2', '2']);
      expect(await ask(`SELECT * FROM ${table} ORDER BY a`)).toBe(
        '1\ta "b", c\t[1,2]\t0.5\n2\t\\N\t[]\t1000\n3\ttab\\there\t[3]\t1\n4\t\\N\t[]\t-1\n6\t\\N\t[]\t0\n9007199254740993\tx\\ny\t[7]\t2.5',
      );
    });

    it('fails on rows that do not fit, and writes none of them', async () => {
      const table = await makeTable('a UInt8, b String');
      for (const rows of [
        "(1, 'a'), (2)",
        "(1, 'a'), (2, 'b', 3)",
        "(1, 'a'), (2, 'b'",
        "(1, 'a') (nonsense(2), 'b')",
      ]) {
        const { outcome } = await run(protocol, `INSERT INTO ${table} VALUES ${rows}`);
        expect(outcome, rows).toMatchObject({
          state: 'Failed',
          message: expect.stringMatching(/Statement 1: ERROR - \S/) as string,
        });
      }
      expect(await ask(`SELECT count() FROM ${table}`)).toBe('0');
    });

    it('takes remarks before VALUES and FORMAT, up to the end of their line', async () => {
      const table = await makeTable('s String');
      const execution = await run(
        protocol,
        `-- first\nINSERT INTO ${table} (s) -- names\nVALUES ('v');` +
          `/* x */ INSERT INTO ${table} (s) -- names\nVALUES (lower('E') -- why\n);` +
          `INSERT INTO ${table} (s) -- it's names\n/* ' */ FORMAT Values -- rows\n ('f');` +
          `INSERT INTO ${table} -- names\nFORMAT CSV\n"c"\n`,
      );
      expect(execution.outcome).toEqual({ state: 'Succeeded', message: '4 statements executed' });
      expect(affected(execution)).toEqual(['1', '1', '1', '1']);
      expect(await ask(`SELECT s FROM ${table} ORDER BY s`)).toBe('c\ne\nf\nv');
    });

    it('does not know how many rows an INSERT … SELECT after a remark has written', async () => {
      const table = await makeTable('a UInt8');
      expect(affected(await run(protocol, `/* x */ INSERT INTO ${table} SELECT 1`))).toEqual(['unknown']);
    });

    it('fails on values that cannot be', async () => {
      const table = await makeTable("a UInt8, e Enum8('x' = 1), f FixedString(2)");
      for (const row of [
        "(NULL, 'x', '')",
        "(1, 'unknown', '')",
        "(1, 'x', 'too long')",
        "('not a number', 'x', '')",
      ]) {
        const { outcome } = await run(protocol, `INSERT INTO ${table} VALUES ${row}`);
        expect(outcome, row).toMatchObject({
          state: 'Failed',
          message: expect.stringMatching(
            protocol === 'native' ? /ERROR - row 1: .* does not fit into [aef] \w/ : /ERROR - Code: \d+\. .*Exception/,
          ) as string,
        });
      }
      const { outcome } = await run(protocol, 'INSERT INTO no_such_table VALUES (1)');
      expect(outcome).toMatchObject({ message: expect.stringContaining('(UNKNOWN_TABLE)') as string });
    });

    it('says that it does not know how many rows INSERT … SELECT has written, as this server does not tell', async () => {
      const table = await makeTable('a UInt64');
      const execution = await run(protocol, `INSERT INTO ${table} SELECT number FROM numbers(10) WHERE number % 2`);
      expect(affected(execution)).toEqual(['unknown']);
      expect(await ask(`SELECT count() FROM ${table}`)).toBe('5');
    });

    it('writes 200,000 rows of one statement', async () => {
      const table = await makeTable('a UInt32, b String, c Nullable(Float64)', 'MergeTree ORDER BY a');
      const rows = Array.from({ length: 200_000 }, (_, i) => `(${i}, 'row ${i}', ${i % 3 === 0 ? 'NULL' : i / 4})`);
      const execution = await run(protocol, `INSERT INTO ${table} VALUES ${rows.join(',\n')}`);
      expect(affected(execution)).toEqual(['200000']);
      expect(await ask(`SELECT count(), sum(a), uniqExact(b), countIf(c IS NULL) FROM ${table}`)).toBe(
        `200000\t${(199_999 * 200_000) / 2}\t200000\t66667`,
      );
    });

    it('ends an INSERT … SELECT that is canceled', async () => {
      const table = await makeTable('a UInt64', 'Null');
      const controller = new AbortController();
      const uid = randomUUID();
      const running = (): Promise<string> =>
        ask(`SELECT count() FROM system.processes WHERE query_id LIKE 'tiangong-${uid}%'`);
      const execution = run(protocol, `INSERT INTO ${table} SELECT number FROM system.numbers`, {
        uid,
        signal: controller.signal,
      });
      await expect.poll(running).toBe('1');
      controller.abort(new TaskAborted('User', 'canceled by user'));
      expect((await execution).outcome).toMatchObject({
        state: 'Failed',
        message: expect.stringContaining('canceled by user') as string,
      });
      await expect.poll(running).toBe('0');
    });
  });

  it.each([
    ['Int8', '300', '300 does not fit into v Int8'],
    ['Int8', '1.7', '1.7 does not fit into v Int8'],
    ['Int8', "'300'", '"300" does not fit into v Int8'],
    ['UInt64', '-1', '-1 does not fit into v UInt64'],
    ['UInt32', '4294967296', '4294967296 does not fit into v UInt32'],
    ['Decimal(18, 4)', '1234567890123456.1', '1234567890123456.1 does not fit into v Decimal(18, 4)'],
    ['Decimal(18, 4)', '1.123456789', '1.123456789 does not fit into v Decimal(18, 4)'],
    ['Float32', '1e39', '1e39 does not fit into v Float32'],
    ["Enum8('x' = 1)", '5', "5 does not fit into v Enum8('x' = 1)"],
    ['String', '1', '1 does not fit into v String'],
    ['Date', "'2026-02-29'", '"2026-02-29" does not fit into v Date'],
    ['DateTime', '5000000000', '5000000000 does not fit into v DateTime'],
    ['Array(UInt8)', '[1, 300]', '300 does not fit into v Array(UInt8)'],
    ['UInt8', 'NULL', 'NULL does not fit into v UInt8'],
  ])('refuses what does not fit into %s natively: %s', async (type, literal, message) => {
    const table = await makeTable(`n UInt8, v ${type}`);
    // Also beside expressions, which the server evaluates.
    for (const rows of [`(1, ${literal})`, `(1 + 0, defaultValueOfArgumentType(v)), (1 + 1, ${literal})`]) {
      const { outcome } = await run('native', `INSERT INTO ${table} VALUES ${rows}`);
      expect(outcome, rows).toMatchObject({
        reason: 'StatementFailed',
        message: expect.stringContaining(`ERROR - row ${rows.includes('+') ? 2 : 1}: ${message}\n`) as string,
      });
    }
    expect(await ask(`SELECT count() FROM ${table}`)).toBe('0');
  });

  it('keeps literals beside expressions as exact as they are written', async () => {
    const table = await makeTable(
      "n UInt8, d Decimal(18, 6), t DateTime('Asia/Tokyo'), a Array(Array(Nullable(Decimal(9, 2)))), u Tuple(String, Float64), s Nullable(String)",
    );
    const values = `123456789012.345678, '2017-07-14 11:40:00', [[1.25, NULL], []], ('it\\'s', 0.1), 'a\\\\b'`;
    const { outcome } = await run(
      'native',
      `INSERT INTO ${table} VALUES (0 + 1, ${values}); INSERT INTO ${table} VALUES (2, ${values})`,
    );
    expect(outcome).toMatchObject({ state: 'Succeeded' });
    const row = "123456789012.345678\t2017-07-14 11:40:00\t[[1.25,NULL],[]]\t('it\\'s',0.1)\ta\\\\b";
    expect(await ask(`SELECT * FROM ${table} ORDER BY n`)).toBe(`1\t${row}\n2\t${row}`);
  });

  it('writes more expressions than one query takes, natively', async () => {
    const table = await makeTable('a UInt32');
    const rows = Array.from({ length: 250 }, (_, i) => `(${i} + 0)`);
    const execution = await run('native', `INSERT INTO ${table} VALUES ${rows.join(',')}`);
    expect(affected(execution)).toEqual(['250']);
    expect(await ask(`SELECT count(), sum(a) FROM ${table}`)).toBe(`250\t${(249 * 250) / 2}`);
  });

  it('names a format that it cannot send natively, and sends it by HTTP', async () => {
    const table = await makeTable('a UInt8');
    const statement = `INSERT INTO ${table} FORMAT TSKV a=1\n`;
    expect((await run('native', statement)).outcome).toMatchObject({
      message: expect.stringContaining('rows in the format TSKV cannot be sent by the native protocol') as string,
    });
    expect((await run('http', statement)).outcome).toMatchObject({ state: 'Succeeded' });
    expect(await ask(`SELECT a FROM ${table}`)).toBe('1');
  });

  it('stops in the middle of sending rows, and closes the connection', async () => {
    const table = await makeTable('a UInt64, b UInt8 DEFAULT sleepEachRow(0.001)');
    const uid = randomUUID();
    const controller = new AbortController();
    const rows = Array.from({ length: 300_000 }, (_, i) => `(${i})`);
    const execution = run('native', `INSERT INTO ${table} (a) VALUES ${rows.join(',')}`, {
      uid,
      signal: controller.signal,
    });
    const running = (): Promise<string> =>
      ask(`SELECT count() FROM system.processes WHERE query_id LIKE 'tiangong-${uid}%'`);
    await expect.poll(running).toBe('1');
    controller.abort(new TaskAborted('User', 'canceled by user'));
    expect((await execution).outcome).toMatchObject({ state: 'Failed' });
    await expect.poll(running).toBe('0');
  });
});
