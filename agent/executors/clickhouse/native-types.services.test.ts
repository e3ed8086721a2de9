import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import type { Service } from '../../../test/services/service.ts';
import { execute } from '../../conformance/executor.ts';
import { ClickHouseExecutor } from './clickhouse-executor.ts';
import { NativeConnection } from './native/connection.ts';
import { MIN_REVISION } from './native/protocol.ts';
import { unescapeTsv } from './statement/delimited-text.ts';

let server: Service;
let executor: ClickHouseExecutor;
const database = `t_${randomUUID().replaceAll('-', '')}`;

async function ask(query: string): Promise<string> {
  const response = await fetch(`http://${server.host}:${server.port}/`, { method: 'POST', body: query });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}

function connect(revision?: number): Promise<NativeConnection> {
  const { host } = server;
  const port = server.ports['native'] ?? 0;
  const login = { user: 'default', password: '', database };
  return NativeConnection.open({ host, port, ...login, ...(revision === undefined ? {} : { revision }) });
}

/** The rows of a query as texts, in the order of the server. */
async function read(query: string, revision?: number): Promise<(string | null)[][]> {
  const connection = await connect(revision);
  try {
    await connection.query(randomUUID(), query);
    const rows: (string | null)[][] = [];
    for (;;) {
      const answer = await connection.answer();
      if (answer.kind === 'end') return rows;
      if (answer.kind !== 'data') continue;
      const { columns, values, rows: count } = answer.block;
      for (let row = 0; row < count; row += 1)
        rows.push(
          columns.map(({ codec }, i) => {
            const value = values[i]?.(row) ?? null;
            return value === null ? null : codec.toText(value);
          }),
        );
    }
  } finally {
    connection.destroy();
  }
}

async function insert(statement: string): ReturnType<typeof execute> {
  const target = { host: server.host, port: server.ports['native'], database };
  const execution = await execute(executor, { command: statement, params: { target } });
  return execution;
}

/** Type, and values as SQL writes them. */
const TYPES: readonly (readonly [string, readonly string[]])[] = [
  ['Int8', ['0', '-128', '127']],
  ['Int16', ['-32768', '32767']],
  ['Int32', ['-2147483648', '2147483647']],
  ['Int64', ['-9223372036854775808', '9223372036854775807']],
  ['UInt8', ['0', '255']],
  ['UInt16', ['0', '65535']],
  ['UInt32', ['0', '4294967295']],
  ['UInt64', ['0', '18446744073709551615', '9007199254740993']],
  ['Float32', ['0', '1.5', '-0.1', '3.4028235e38', '1e-10', 'inf', 'nan', '16777216', '0.3']],
  ['Float64', ['0', '0.1', '-1e21', '1e20', '1.7976931348623157e308', '-inf', '123456789.125', '-0.0']],
  ['String', ["''", "'plain'", "'it''s'", `'tab\\there, \\'quoted\\' \\\\ back\\0zero'`, "'天工 🛠'", `'\\x41'`]],
  ['FixedString(4)', ["''", "'abcd'", "'天'"]],
  ['Date', ["'2026-02-28'", "'1970-01-02'", "'2105-12-31'", "'0000-00-00'"]],
  [
    'DateTime',
    ["'2026-02-28 23:59:59'", "'1970-01-01 00:00:01'", "'2038-01-19 03:14:08'", '1500000000', "'0000-00-00 00:00:00'"],
  ],
  ["DateTime('Asia/Tokyo')", ["'2026-02-28 23:59:59'", "'2000-01-01 00:00:00'", '1500000000']],
  [
    "DateTime('Europe/Berlin')",
    [
      "'2026-03-29 01:59:59'",
      "'2026-03-29 03:00:00'",
      "'2026-10-25 01:59:59'",
      "'2026-10-25 03:00:00'",
      "'2026-07-01 12:00:00'",
    ],
  ],
  ["Enum8('a' = -128, 'it\\'s, (b)' = 0, '天' = 127)", ["'a'", `'it\\'s, (b)'`, "'天'"]],
  ["Enum16('low' = -32768, 'high' = 32767)", ["'low'", "'high'"]],
  ['Decimal(9, 2)', ['0', '1.5', '-1234567.89', "'9999999.99'"]],
  ['Decimal(18, 6)', ['123456789012.345678', '-0.000001']],
  ['Decimal(38, 10)', ['1234567890123456789012345678.0123456789', '-1', '0.5']],
  ['Decimal(5, 0)', ['12345', '-7']],
  ['UUID', ["'00112233-4455-6677-8899-aabbccddeeff'", "'FFFFFFFF-0000-0000-0000-000000000001'"]],
  ['Nullable(Int32)', ['NULL', '0', '-5']],
  ['Nullable(String)', ['NULL', "''", "'NULL'", `'\\\\N'`]],
  ["Nullable(Enum8('x' = 5))", ['NULL', "'x'"]],
  ['Nullable(Decimal(9, 4))', ['NULL', '1.2345']],
  ['Nullable(DateTime)', ['NULL', "'2026-01-01 00:00:00'"]],
  ['Array(UInt8)', ['[]', '[1, 2,3]', '[255]']],
  ['Array(String)', ['[]', `['a', '', 'it\\'s \\\\ \\n']`, "['天']"]],
  ['Array(Array(Nullable(Int64)))', ['[]', '[[]]', '[[1, NULL], [], [-9223372036854775808]]']],
  ['Array(Date)', ["['2026-01-01', '2026-12-31']"]],
  ['Array(Float64)', ['[0.5, -1e30]']],
  ["Array(Enum8('p' = 1, 'q' = 2))", ["['q', 'p']"]],
  ['Array(Decimal(9, 2))', ['[1.25, 2]']],
  ['Array(UUID)', ["['00112233-4455-6677-8899-aabbccddeeff']"]],
  ['Tuple(UInt8, String)', ["(1, 'a')", "(2, '')"]],
  ['Tuple(Array(Tuple(Int8, String)), Nullable(Float32))', ["([(1, 'x'), (-1, 'y')], NULL)", '([], 0.5)']],
];

describe.skipIf(!hasServices('clickhouse-18'))('types by the native protocol', () => {
  beforeAll(async () => {
    server = await service('clickhouse-18');
    executor = new ClickHouseExecutor({ connections: new Map(), spoolFolder: tmpdir() });
    await ask(`CREATE DATABASE ${database}`);
  });

  afterAll(async () => {
    await executor.close();
    await ask(`DROP DATABASE IF EXISTS ${database}`);
  });

  it.each(TYPES)('writes %s and reads what the server shows by HTTP', async (type, literals) => {
    const table = `${database}.t_${randomUUID().slice(0, 8)}`;
    await ask(`CREATE TABLE ${table} (n UInt32, v ${type}) ENGINE = Memory`);
    const { outcome, result } = await insert(
      `INSERT INTO ${table} (n, v) VALUES ${literals.map((literal, n) => `(${n}, ${literal})`).join(', ')}`,
    );
    expect(outcome).toMatchObject({ state: 'Succeeded' });
    expect(result.toString()).toContain(`Affected rows: ${literals.length})`);
    // What the server itself makes of the same text, sent by HTTP.
    await ask(
      `INSERT INTO ${table} (n, v) VALUES ${literals.map((literal, n) => `(${1000 + n}, ${literal})`).join(', ')}`,
    );
    const witness = (await ask(`SELECT v FROM ${table} ORDER BY n FORMAT TabSeparated`)).trimEnd().split('\n');
    expect(witness.slice(0, literals.length)).toEqual(witness.slice(literals.length));
    const nested = /^(?:Array|Tuple)/.test(type);
    expect((await read(`SELECT v FROM ${table} ORDER BY n`)).map(([value]) => value)).toEqual(
      witness.map((line) => (line === '\\N' ? null : nested ? line : unescapeTsv(line))),
    );
  });

  it('speaks the oldest revision as well', async () => {
    const rows = await read(`SELECT toInt64(-1), [(1, NULL)], now() > 0, toDate('2026-01-01'), NULL, []`, MIN_REVISION);
    expect(rows).toEqual([['-1', '[(1,NULL)]', '1', '2026-01-01', null, '[]']]);
  });

  it('names a type that it cannot read, with its column', async () => {
    const table = `${database}.t_${randomUUID().slice(0, 8)}`;
    await ask(`CREATE TABLE ${table} (v AggregateFunction(sum, UInt64)) ENGINE = Memory`);
    const { outcome } = await insert(`SELECT v FROM ${table}`);
    expect(outcome).toMatchObject({
      state: 'Failed',
      message: expect.stringContaining('type AggregateFunction(sum, UInt64) of column v is not supported') as string,
    });
  });

  it('reads all tables that the server has of itself', async () => {
    const tables = (await ask(`SELECT name FROM system.tables WHERE database = 'system' FORMAT TabSeparated`)).split(
      '\n',
    );
    expect(tables.length).toBeGreaterThan(20);
    for (const table of tables.filter((name) => name !== '')) await read(`SELECT * FROM system.${table} LIMIT 3`);
  });
});
