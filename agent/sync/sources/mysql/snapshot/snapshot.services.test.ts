import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../../../test/services/service.ts';
import { columnTypes } from '../../../../executors/mysql/binlog/testing/column-types.ts';
import { SourceUnderTest } from '../../../conformance/source-under-test.ts';
import { PositionLostError } from '../../../source.ts';
import type { SnapshotChunk, SnapshotCursor, SnapshotReader } from '../../../snapshot.ts';
import type { Row } from '../../../sync-event.ts';
import { MysqlWorld } from '../testing/mysql-world.ts';

const { signal } = new AbortController();
/** One of each kind that can be a key. */
const KEYS =
  /^(?:tinyint|bigint|decimal\((?:10,2|65,30)\)|float|double|year|date|(?:time|datetime|timestamp)\(6\)|varchar\(40\)|(?:var)?binary\(20\)|bit\((?:9|64)\)|uuid|inet)/;
const MEMBERS = Array.from({ length: 52 }, (_, member) => `'m${member}'`).join(',');
const ordered = [
  { type: "enum('z','b','a')", values: fc.integer({ min: 1, max: 3 }).map(String) },
  { type: `set(${MEMBERS})`, values: fc.bigInt(0n, 2n ** 52n - 1n).map(String) },
];

describe.each(['mysql', 'mariadb'] as const)('a snapshot of %s', (name) => {
  describe.skipIf(!hasServices(name))('real', () => {
    let world: MysqlWorld;
    let test: SourceUnderTest;
    let reader: SnapshotReader | undefined;
    beforeEach(async () => {
      world = await MysqlWorld.create(await service(name));
      test = new SourceUnderTest(world);
      await world.run('DROP TABLE rows_');
    });
    afterEach(async () => {
      await reader?.close();
      await test?.close();
    });

    const open = async (
      wanted?: readonly string[],
      driverParams = world.config.driverParams,
    ): Promise<SnapshotReader> => {
      reader = await test.open({ ...world.config, driverParams }).openSnapshot({ wanted, after: undefined }, signal);
      return reader;
    };
    const chunksOf = async (from: SnapshotReader, rows: number, start?: SnapshotCursor): Promise<SnapshotChunk[]> => {
      const chunks: SnapshotChunk[] = [];
      let cursor = start;
      for (let chunk = await from.next(cursor, rows, signal); chunk; chunk = await from.next(cursor, rows, signal)) {
        chunks.push(chunk);
        cursor = JSON.parse(JSON.stringify(chunk.cursor)) as SnapshotCursor;
      }
      return chunks;
    };
    const rowsOf = (chunks: readonly SnapshotChunk[]): Row[] => chunks.flatMap(({ rows }) => rows);

    const keys = [...columnTypes(name).filter(({ type }) => KEYS.test(type)), ...ordered];
    it.each(keys.map((column) => [column.type.slice(0, 60), column] as const))(
      'reads each row once, whatever the key: %s',
      async (_, { type, values }) => {
        const literals = fc.sample(values, 40);
        const plain = type.replace(/ NULL$/, '');
        await world.run(
          "SET sql_mode = '', time_zone = '+00:00'",
          `CREATE TABLE k (c ${plain} NOT NULL, n INT NOT NULL, PRIMARY KEY (c, n))`,
          `INSERT IGNORE INTO k VALUES ${literals.map((literal, at) => `(${literal}, ${at % 3}), (${literal}, 9)`).join(', ')}`,
        );
        const from = await open();
        const all = rowsOf(await chunksOf(from, 1000));
        expect(new Set(all.map((row) => JSON.stringify(row))).size).toBe(all.length);
        expect(all.length).toBeGreaterThanOrEqual(2);
        for (const size of [2, 7]) expect(rowsOf(await chunksOf(from, size))).toEqual(all);
      },
    );

    it('goes by a unique key without NULLs where there is no primary one', async () => {
      await world.run(
        'CREATE TABLE u (a INT NOT NULL, b VARCHAR(9) NOT NULL, c INT UNIQUE, UNIQUE (b, a))',
        "INSERT INTO u VALUES (1, 'x', NULL), (2, 'x', NULL), (1, 'y', 3)",
      );
      const chunks = await chunksOf(await open(), 2);
      expect(rowsOf(chunks).map(({ a, b }) => [a, b])).toEqual([
        [1, 'x'],
        [2, 'x'],
        [1, 'y'],
      ]);
      expect(chunks.flatMap((chunk) => chunk.keys)[0]).toBe(`${world.database}.u:["x",1]`);
    });

    it('reads tables whose rows nothing tells apart in one go, given in parts', async () => {
      await world.run(
        'CREATE TABLE bare (n INT, s VARCHAR(9))',
        `INSERT INTO bare VALUES ${Array.from({ length: 25 }, (_, n) => `(${n % 5}, NULL)`).join(', ')}`,
        'CREATE TABLE c (id INT PRIMARY KEY)',
        'INSERT INTO c VALUES (1)',
      );
      const from = await open();
      const first = await from.next(undefined, 10, signal);
      expect(await from.next(undefined, 10, signal)).toMatchObject({ rows: first?.rows });
      await world.run('DELETE FROM bare');
      const chunks = [first!, ...(await chunksOf(from, 10, first?.cursor))];
      expect(chunks.map(({ table, rows }) => [table, rows.length])).toEqual([
        ['bare', 10],
        ['bare', 10],
        ['bare', 5],
        ['c', 1],
      ]);
      expect(
        rowsOf(chunks.slice(0, 3))
          .map(({ n }) => n)
          .sort(),
      ).toEqual(Array.from({ length: 25 }, (_, n) => n % 5).sort());
      expect(chunks.at(-1)?.progress).toMatchObject({ tablesDone: 2, tablesTotal: 2 });
    });

    it('reads the columns that are asked for, and the key', async () => {
      await world.run(
        'CREATE TABLE w (id INT PRIMARY KEY, a INT, b INT)',
        'INSERT INTO w VALUES (1, 2, 3)',
        'CREATE TABLE x (id INT PRIMARY KEY)',
        'INSERT INTO x VALUES (1)',
      );
      const chunks = await chunksOf(await open([`${world.database}.w.b`]), 10);
      expect(chunks.map(({ table, fields, rows }) => [table, fields, rows])).toEqual([
        ['w', ['id', 'b'], [{ id: 1, b: 3 }]],
      ]);
    });

    it('cuts a chunk that would not fit into memory', async () => {
      await world.run(
        'CREATE TABLE big (id INT PRIMARY KEY, b LONGBLOB)',
        ...[1, 2, 3, 4, 5].map((id) => `INSERT INTO big VALUES (${id}, REPEAT('x', 12000000))`),
      );
      const chunks = await chunksOf(await open(), 1000);
      expect(chunks.length).toBeGreaterThan(1);
      expect(rowsOf(chunks).map(({ id }) => id)).toEqual([1, 2, 3, 4, 5]);
    });

    it('refuses a cursor of another table or of something else', async () => {
      await world.run('CREATE TABLE w (id INT PRIMARY KEY)', 'INSERT INTO w VALUES (1)');
      const from = await open();
      const table = { schema: world.database, table: 'w' };
      for (const cursor of [{}, { ...table, key: [1, 2] }, { ...table, key: ['1; DROP TABLE w'] }, { lsn: '0/0' }])
        await expect(from.next(cursor, 10, signal)).rejects.toBeInstanceOf(PositionLostError);
    });
  });
});
