import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../../test/services/service.ts';
import { SourceReader } from '../../conformance/source-reader.ts';
import { SourceUnderTest } from '../../conformance/source-under-test.ts';
import type { StreamEntry } from '../../stream-entry.ts';
import type { SyncEvent } from '../../sync-event.ts';
import { MysqlWorld } from './testing/mysql-world.ts';

describe.each(['mysql', 'mariadb'] as const)('the stream of %s', (name) => {
  describe.skipIf(!hasServices(name))('real', () => {
    let world: MysqlWorld;
    let test: SourceUnderTest;
    beforeEach(async () => {
      world = await MysqlWorld.create(await service(name));
      test = new SourceUnderTest(world);
    });
    afterEach(() => test?.close());

    const run = (...statements: readonly string[]): Promise<void> => world.run(...statements);
    const eventsOf = ({ entries }: SourceReader): SyncEvent[] =>
      entries.flatMap(({ event }) => (event === undefined ? [] : [event]));
    /** Until a row of this table has come; nothing else is written to it. */
    const untilEnd = async (reader: SourceReader): Promise<void> => {
      await run('CREATE TABLE end_ (id INT PRIMARY KEY)', 'INSERT INTO end_ VALUES (1)', 'DROP TABLE end_');
      await reader.until(() => eventsOf(reader).some(({ table }) => table === 'end_'));
      const at = reader.entries.findIndex(({ event }) => event?.table === 'end_');
      reader.entries.splice(at);
    };

    it('tells an update that changes keys as deletions and insertions, in an order that ends right', async () => {
      await run('INSERT INTO rows_ (id, version) VALUES (1, 1), (2, 2), (3, 3)');
      const reader = await SourceReader.open(test.open());
      await run('UPDATE rows_ SET id = id + 1 ORDER BY id DESC', 'UPDATE rows_ SET id = 9, version = 9 WHERE id = 3');
      await untilEnd(reader);
      const rows = new Map([1, 2, 3].map((id) => [id, id]));
      for (const { event_type, rows: changed } of eventsOf(reader))
        for (const row of changed)
          if (event_type === 'delete') expect(rows.delete(world.keyOf(row))).toBe(true);
          else rows.set(world.keyOf(row), world.versionOf(row));
      expect([...rows].sort()).toEqual([
        [2, 1],
        [4, 3],
        [9, 9],
      ]);
      for (const { event, touched } of reader.entries)
        if (event !== undefined)
          expect(touched?.().keys).toEqual(event.rows.map(({ id }) => `${world.database}.rows_:[${id as number}]`));
      await reader.stop();
    });

    it('gives a transaction in parts, also one that is logged compressed', async () => {
      const { signal } = new AbortController();
      const start = { checkpoint: undefined, afterIndex: -1 };
      const stream = test.open().stream!(start, () => undefined, signal)[Symbol.asyncIterator]();
      await stream.next();
      const note = 'x'.repeat(60_000);
      const rows = Array.from({ length: 800 }, (_, id) => `(${id}, 1, '${note}')`);
      await run(
        ...(name === 'mysql' ? ['SET SESSION binlog_transaction_compression = ON'] : []),
        'BEGIN',
        ...[0, 200, 400, 600].map((at) => `INSERT INTO rows_ VALUES ${rows.slice(at, at + 200).join(', ')}`),
        'COMMIT',
      );
      let found = 0;
      const indexes: number[] = [];
      while (found < rows.length) {
        const batch = (await stream.next()).value as readonly StreamEntry[];
        expect(batch.length).toBeLessThanOrEqual(600);
        expect(JSON.stringify(batch).length).toBeLessThan(8 * 1024 * 1024);
        indexes.push(...batch.map(({ index }) => index));
        for (const { event } of batch) found += event?.rows.length ?? 0;
      }
      expect(indexes).toEqual([...new Set(indexes)].sort((a, b) => a - b));
      await stream.return?.();
    });

    it('follows a table that is altered again and again', async () => {
      const reader = await SourceReader.open(test.open());
      await run(
        'INSERT INTO rows_ (id, version, note) VALUES (1, 1, "a")',
        'ALTER TABLE rows_ ADD COLUMN first INT FIRST',
        'INSERT INTO rows_ (id, version, note, first) VALUES (2, 1, "b", 7)',
      );
      await reader.until((entries) => entries.some(({ event }) => event?.rows.some(({ id }) => id === 2)));
      await run(
        'ALTER TABLE rows_ RENAME COLUMN note TO remark, MODIFY version BIGINT UNSIGNED NOT NULL',
        'INSERT INTO rows_ (id, version, remark, first) VALUES (3, 18446744073709551615, "c", 8)',
      );
      await untilEnd(reader);
      expect(eventsOf(reader).flatMap(({ rows }) => rows)).toEqual([
        { id: 1, version: 1, note: 'a' },
        { id: 2, version: 1, note: 'b', first: 7 },
        { id: 3, version: '18446744073709551615', remark: 'c', first: 8 },
      ]);
      await reader.stop();
    });

    it('tells of a table that is emptied by a deletion without rows, which counts for all its keys', async () => {
      await run('INSERT INTO rows_ (id, version) VALUES (1, 1)', 'CREATE TABLE dropped (id INT PRIMARY KEY)');
      const reader = await SourceReader.open(test.open());
      await run('TRUNCATE rows_', 'DROP TABLE dropped', 'INSERT INTO rows_ (id, version) VALUES (2, 1)');
      await reader.until((entries) => entries.some(({ event }) => event?.event_type === 'insert'));
      expect(
        reader.entries.flatMap(({ event, touched }) =>
          event?.event_type === 'delete' ? [[event.table, event.rows, touched?.()]] : [],
        ),
      ).toEqual([
        ['rows_', [], { keys: [], prefixes: [`${world.database}.rows_:`] }],
        ['dropped', [], { keys: [], prefixes: [`${world.database}.dropped:`] }],
      ]);
      await reader.stop();
    });

    it('tells of rows that foreign keys change, or warns that the server does not log them', async () => {
      await run(
        'CREATE TABLE child (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES rows_ (id) ON DELETE CASCADE)',
        'INSERT INTO rows_ (id, version) VALUES (1, 1)',
        'INSERT INTO child VALUES (1, 1)',
      );
      const lines: string[] = [];
      const logger = pino({ base: null }, { write: (line: string) => void lines.push(line) });
      const source = world.driver.open(world.config, { ...test.tools, logger });
      const reader = await SourceReader.open(source);
      await run('DELETE FROM rows_', 'INSERT INTO rows_ (id, version) VALUES (2, 1)');
      await reader.until((entries) => entries.some(({ event }) => event?.event_type === 'insert'));
      const isTold = eventsOf(reader).some(({ table }) => table === 'child');
      expect(isTold).toBe(name === 'mysql');
      expect(lines.join('')).toMatch(isTold ? /^$/ : new RegExp(`${world.database}.child`));
      await reader.stop();
    });

    it('leaves out what is not asked for', async () => {
      const config = { ...world.config, driverParams: { tables: [`${world.database}.r*`] } };
      await run('CREATE TABLE other (id INT PRIMARY KEY)');
      const reader = await SourceReader.open(test.open(config));
      await run('INSERT INTO other VALUES (1)', 'INSERT INTO rows_ (id, version) VALUES (1, 1)');
      await reader.until((entries) => entries.some(({ event }) => event?.table === 'rows_'));
      expect(eventsOf(reader).map(({ table }) => table)).toEqual(['rows_']);
      await reader.stop();
    });
  });
});
