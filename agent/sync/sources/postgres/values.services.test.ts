import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../../test/services/service.ts';
import { SourceReader } from '../../conformance/source-reader.ts';
import { OpenSource } from './testing/open-source.ts';
import { PostgresWorld } from './testing/postgres-world.ts';

/** Type, a value in SQL, and what consumers get. */
const VALUES: readonly (readonly [type: string, sql: string, value: unknown])[] = [
  ['boolean', 'true', true],
  ['smallint', '-32768', -32_768],
  ['integer', '2147483647', 2_147_483_647],
  ['bigint', '9007199254740991', 9_007_199_254_740_991],
  ['bigint', '9223372036854775807', '9223372036854775807'],
  ['numeric', '12345678901234567890.12345678901234567890', '12345678901234567890.12345678901234567890'],
  ['numeric(10,2)', '1.1', '1.10'],
  ['numeric', "'NaN'", 'NaN'],
  ['real', '1.1', 1.1],
  ['double precision', '0.1', 0.1],
  ['double precision', "'-Infinity'", '-Infinity'],
  ['money', '12.5', '$12.50'],
  ['text', `'größe "x" \\ '''`, `größe "x" \\ '`],
  ['char(4)', "'a'", 'a   '],
  ['varchar(9)', "''", ''],
  ['bytea', String.raw`'\x00ff10'`, Buffer.from([0, 255, 16]).toString('base64')],
  ['date', "'2024-02-29'", '2024-02-29'],
  ['date', "'infinity'", 'infinity'],
  ['time', "'23:59:59.123456'", '23:59:59.123456'],
  ['timestamp', "'2024-01-02 03:04:05.6'", '2024-01-02 03:04:05.6'],
  ['timestamptz', "'2024-01-02 03:04:05+08'", '2024-01-01 19:04:05+00'],
  ['timestamp', "'0044-03-15 BC'", '0044-03-15 00:00:00 BC'],
  ['interval', "'1 day 2 hours'", 'P1DT2H'],
  ['uuid', "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  ['json', `'{"b": 1, "a": [null, 1.50]}'`, { b: 1, a: [null, 1.5] }],
  ['jsonb', `'{"n": 12345678901234567890}'`, { n: '12345678901234567890' }],
  ['xml', "'<a/>'", '<a/>'],
  ['inet', "'10.0.0.1/8'", '10.0.0.1/8'],
  ['bit(4)', "B'1010'", '1010'],
  ['point', "'(1,2)'", '(1,2)'],
  ['tsvector', "'a b'", "'a' 'b'"],
  ['int4range', "'[1,5)'", '[1,5)'],
  ['int4multirange', "'{[1,5)}'", '{[1,5)}'],
  ['int2vector', "'1 2 3'", '1 2 3'],
  ['regclass', "'pg_class'", 'pg_class'],
  ['oid', '4294967295', 4_294_967_295],
  ['"char"', "'x'", 'x'],
  [
    'integer[]',
    "'{{1,2},{3,NULL}}'",
    [
      [1, 2],
      [3, null],
    ],
  ],
  ['text[]', `ARRAY['a,b', 'NULL', '"', '']`, ['a,b', 'NULL', '"', '']],
  ['boolean[]', "'{t,f}'", [true, false]],
  ['jsonb[]', `ARRAY['{"a": 1}'::jsonb]`, [{ a: 1 }]],
  ['box[]', "ARRAY['(1,1),(0,0)'::box]", ['(1,1),(0,0)']],
  ['mood', "'so so'", 'so so'],
  ['mood[]', `ARRAY['so so'::mood]`, ['so so']],
  ['amount', '5', 5],
  ['amounts', "'{1,2}'", [1, 2]],
  ['pair', "ROW(1, 'b')", '(1,b)'],
  ['text', 'NULL', null],
];

describe.skipIf(!hasServices('postgres'))('values of PostgreSQL', () => {
  let world: PostgresWorld;

  beforeEach(async () => {
    world = await PostgresWorld.create(await service('postgres'));
    await world.query(`CREATE TYPE mood AS ENUM ('so so', 'good')`);
    await world.query('CREATE DOMAIN amount AS integer CHECK (VALUE > 0)');
    await world.query('CREATE DOMAIN amounts AS amount[]');
    await world.query('CREATE TYPE pair AS (a integer, b text)');
    const columns = VALUES.map(([type], at) => `c${at} ${type}`).join(', ');
    await world.query(
      `CREATE TABLE types (id integer PRIMARY KEY, ${columns}, twice integer GENERATED ALWAYS AS (id * 2) STORED)`,
    );
  });
  afterEach(() => world?.close());

  it('are what JSON has for them, exact, and the same in the stream and in a snapshot', async () => {
    const open = new OpenSource(world);
    const reader = await SourceReader.open(open.source);
    await world.query(`INSERT INTO types VALUES (1, ${VALUES.map(([, sql]) => sql).join(', ')})`);
    await reader.until((entries) => entries.some(({ event }) => event !== undefined));
    const event = reader.entries.find((entry) => entry.event !== undefined)?.event;
    expect(event?.rows).toEqual([{ id: 1, ...Object.fromEntries(VALUES.map(([, , value], at) => [`c${at}`, value])) }]);
    const [chunk] = await open.chunks();
    expect(chunk?.rows).toEqual(event?.rows);
    expect(chunk?.fields).toEqual(event?.fields);
    expect(JSON.stringify(chunk?.rows)).toBe(JSON.stringify(event?.rows));
    await reader.stop();
    await open.close();
  });

  it('of keys of every kind are found again, in the order of the key', async () => {
    const keys: readonly (readonly [type: string, ...values: readonly string[]])[] = [
      ['text', "'b'", "'a'", `'it''s "q"'`, String.raw`'back\slash'`, "'größe'"],
      ['timestamptz', "'2024-01-01 00:00:00.000001+00'", "'2023-01-01 12:00+08'", "'-infinity'"],
      ['numeric', '1.5', '-0.00000000000000000001', '99999999999999999999'],
      ['uuid', "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "'00000000-0000-0000-0000-000000000000'"],
      ['bytea', String.raw`'\xff'`, String.raw`'\x00'`],
      ['mood', "'good'", "'so so'"],
      ['amount', '3', '1', '2'],
      ['char(3)', "'b'", "'ab'"],
      ['integer[]', "'{2}'", "'{1,NULL}'"],
    ];
    for (const [type, ...values] of keys) {
      await world.query(`CREATE TABLE keyed (k ${type}, part integer, PRIMARY KEY (part, k))`);
      await world.query(
        `INSERT INTO keyed (k, part) VALUES ${values.map((value, at) => `(${value}, ${at % 2})`).join(', ')}`,
      );
      const expected = await world.values('SELECT k::text FROM keyed ORDER BY part, k');
      const open = new OpenSource(world, { driverParams: { tables: ['public.keyed'] } });
      const chunks = await open.chunks(1);
      expect(
        chunks.map(({ rows }) => rows.length),
        type,
      ).toEqual(expected.map(() => 1));
      expect(new Set(chunks.flatMap((chunk) => chunk.keys)).size, type).toBe(expected.length);
      await open.close();
      await world.query('DROP TABLE keyed');
      await world.query(
        (
          await world.values(
            `SELECT format('DROP PUBLICATION %I', pubname) FROM pg_publication WHERE pubname <> 'tiangong'`,
          )
        )[0] as string,
      );
    }
  });
});
