import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../../test/services/service.ts';
import { SourceReader } from '../../conformance/source-reader.ts';
import type { ReaderStart } from '../../conformance/source-reader.ts';
import { there } from '../../conformance/world-rows.ts';
import type { StreamEntry } from '../../stream-entry.ts';
import { OpenSource } from './testing/open-source.ts';
import { PostgresWorld } from './testing/postgres-world.ts';

describe.skipIf(!hasServices('postgres'))('changes of PostgreSQL', () => {
  let world: PostgresWorld;
  let open: OpenSource;
  let reader: SourceReader | undefined;

  beforeEach(async () => {
    world = await PostgresWorld.create(await service('postgres'));
    open = new OpenSource(world);
  });
  afterEach(async () => {
    await reader?.stop();
    reader = undefined;
    await open?.close();
    await world?.close();
  });

  const read = async (start?: ReaderStart): Promise<SourceReader> => {
    reader = await SourceReader.open(open.source, start);
    return reader;
  };
  /** What the statements bring: until a row of the table `ends`. */
  const eventsOf = async (...statements: readonly string[]): Promise<StreamEntry[]> => {
    const from = await read();
    for (const statement of statements) await world.query(statement);
    await world.query('INSERT INTO ends DEFAULT VALUES');
    const isEnd = ({ event }: StreamEntry): boolean => event?.table === 'ends';
    await from.until((entries) => entries.some(isEnd));
    return from.entries.filter((entry) => entry.event !== undefined && !isEnd(entry));
  };
  const create = (...statements: readonly string[]): Promise<void> =>
    world.query(['CREATE TABLE ends (id serial PRIMARY KEY)', ...statements].join('; '));
  const summary = ({ event }: StreamEntry): unknown[] => [event?.event_type, event?.fields, event?.rows[0]];

  it('are told as a deletion and an insertion when a key changes, and with the key alone of a deletion', async () => {
    await create(`CREATE TABLE items (id integer PRIMARY KEY, note text); INSERT INTO items VALUES (1, 'a')`);
    const [left, moved, deleted] = await eventsOf('UPDATE items SET id = 2', 'DELETE FROM items');
    expect(summary(there(left))).toEqual(['delete', ['id'], { id: 1 }]);
    expect(summary(there(moved))).toEqual(['insert', ['id', 'note'], { id: 2, note: 'a' }]);
    expect(summary(there(deleted))).toEqual(['delete', ['id'], { id: 2 }]);
    await world.query(`INSERT INTO items VALUES (1, 'b'), (2, 'b')`);
    const chunk = (await open.chunks()).find(({ table }) => table === 'items');
    expect([left, moved].flatMap((entry) => entry?.touched?.().keys)).toEqual(chunk?.keys);
    expect(deleted?.touched?.().keys).toEqual([chunk?.keys[1]]);
  });

  it('are told with the whole row before where the table says so, by its primary key all the same', async () => {
    await create(`CREATE TABLE items (id integer PRIMARY KEY, note text); INSERT INTO items VALUES (1, 'a')`);
    await world.query('ALTER TABLE items REPLICA IDENTITY FULL');
    const [changed, deleted] = await eventsOf(`UPDATE items SET note = 'b'`, 'DELETE FROM items');
    expect(summary(there(changed))).toEqual(['update', ['id', 'note'], { id: 1, note: 'b' }]);
    expect(summary(there(deleted))).toEqual(['delete', ['id', 'note'], { id: 1, note: 'b' }]);
    expect(changed?.touched?.().keys).toEqual(deleted?.touched?.().keys);
  });

  it('go by the index that a table names as its identity', async () => {
    await create('CREATE TABLE items (id integer PRIMARY KEY, b text NOT NULL, a integer NOT NULL, note text)');
    await world.query('CREATE UNIQUE INDEX pair ON items (a, b); ALTER TABLE items REPLICA IDENTITY USING INDEX pair');
    await world.query(`INSERT INTO items VALUES (1, 'x', 1, 'n'), (2, 'y', 1, 'n'), (3, 'x', 2, 'n')`);
    const chunks = await open.chunks(1);
    expect(chunks.map(({ rows }) => rows[0]?.['id'])).toEqual([1, 2, 3]);
    const [deleted] = await eventsOf('DELETE FROM items WHERE id = 2');
    expect(summary(there(deleted))).toEqual(['delete', ['b', 'a'], { a: 1, b: 'y' }]);
    expect(deleted?.touched?.().keys).toEqual(chunks[1]?.keys);
  });

  it('leave out a long value that was not changed, unless the whole row before is there', async () => {
    const long = `(SELECT string_agg(md5(n::text), '') FROM generate_series(1, 1000) n)`;
    await create(
      'CREATE TABLE items (id integer PRIMARY KEY, long text, note text)',
      'CREATE TABLE whole (id integer PRIMARY KEY, long text, note text)',
      'ALTER TABLE whole REPLICA IDENTITY FULL',
    );
    await world.query(`INSERT INTO items VALUES (1, ${long}, 'a'); INSERT INTO whole VALUES (1, ${long}, 'a')`);
    const [part, whole] = await eventsOf(`UPDATE items SET note = 'b'`, `UPDATE whole SET note = 'b'`);
    expect(summary(there(part))).toEqual(['update', ['id', 'note'], { id: 1, note: 'b' }]);
    expect(whole?.event?.fields).toEqual(['id', 'long', 'note']);
    expect(whole?.event?.rows[0]?.['long']).toHaveLength(32_000);
  });

  it('tell of TRUNCATE as a deletion without rows, which touches all of the table', async () => {
    await create('CREATE TABLE items (id integer PRIMARY KEY); INSERT INTO items VALUES (1), (2)');
    const [chunk] = await open.chunks();
    const [gone] = await eventsOf('TRUNCATE items');
    expect(gone?.event).toMatchObject({ event_type: 'delete', table: 'items', fields: [], rows: [] });
    const { prefixes = [] } = there(gone?.touched?.());
    expect(chunk?.keys.every((key) => prefixes.some((prefix) => key.startsWith(prefix)))).toBe(true);
  });

  it('come in the order of their commits, with a position at the end of each transaction only', async () => {
    await create('CREATE TABLE items (id integer PRIMARY KEY)');
    const slow = await world.clients.connect();
    const from = await read();
    try {
      await slow.query('BEGIN; INSERT INTO items VALUES (1), (2)');
      await world.query('INSERT INTO items VALUES (3)');
      await slow.query('INSERT INTO items VALUES (4)');
      await slow.query('COMMIT');
    } finally {
      slow.release(true);
    }
    await from.until((entries) => entries.some(({ event }) => event?.rows[0]?.['id'] === 4));
    const events = from.entries.filter(({ event }) => event !== undefined);
    expect(events.map(({ event }) => event?.rows[0]?.['id'])).toEqual([3, 1, 2, 4]);
    expect(events.map(({ position }) => position !== undefined)).toEqual([true, false, false, true]);
    expect(new Set(events.map(({ transaction }) => transaction)).size).toBe(2);
    for (const { committedMs = 0 } of events) expect(Math.abs(committedMs - Date.now())).toBeLessThan(60_000);
  });

  it('follow a table that is changed: new columns, other names, other types', async () => {
    await create('CREATE TABLE items (id integer PRIMARY KEY, n integer); INSERT INTO items VALUES (1, 1)');
    const events = await eventsOf(
      'UPDATE items SET n = 2',
      `ALTER TABLE items ADD COLUMN note text DEFAULT 'new'; ALTER TABLE items RENAME COLUMN n TO m`,
      'UPDATE items SET m = 3',
      'ALTER TABLE items ALTER COLUMN m TYPE text; ALTER TABLE items DROP COLUMN note',
      `UPDATE items SET m = '4'`,
    );
    expect(events.map(({ event }) => event?.rows[0])).toEqual([
      ...[
        { id: 1, n: 2 },
        { id: 1, m: 3, note: 'new' },
        { id: 1, m: '4' },
      ],
    ]);
  });

  it('of partitions are those of their table', async () => {
    await create(
      'CREATE TABLE items (id integer PRIMARY KEY, note text) PARTITION BY RANGE (id)',
      'CREATE TABLE low PARTITION OF items FOR VALUES FROM (0) TO (10)',
      'CREATE TABLE high PARTITION OF items FOR VALUES FROM (10) TO (20)',
    );
    const events = await eventsOf(`INSERT INTO items VALUES (1, 'a'), (11, 'b')`);
    expect(events.map(({ event }) => event?.table)).toEqual(['items', 'items']);
    const chunks = (await open.chunks()).filter(({ table }) => table !== 'ends');
    expect(chunks.flatMap(({ rows }) => rows)).toEqual(events.flatMap(({ event }) => event?.rows));
    expect(chunks.flatMap(({ keys }) => keys)).toEqual(events.flatMap(({ touched }) => touched?.().keys));
  });

  it('are those of a publication that is named, with its columns and conditions', async () => {
    await create('CREATE TABLE items (id integer PRIMARY KEY, shown text, hidden text)');
    await world.query('CREATE PUBLICATION chosen FOR TABLE items (id, shown) WHERE (id > 1), ends');
    await open.close();
    open = new OpenSource(world, { driverParams: { publication: 'chosen' } });
    const events = await eventsOf(`INSERT INTO items VALUES (1, 'a', 'b'), (2, 'a', 'b')`);
    expect(events.map(({ event }) => event?.rows[0])).toEqual([{ id: 2, shown: 'a' }]);
    const chunks = (await open.chunks()).filter(({ table }) => table !== 'ends');
    expect(chunks.flatMap(({ rows }) => rows)).toEqual([{ id: 2, shown: 'a' }]);
  });

  it('of rows that are their own identity are found by all that they hold, also after the table was written anew', async () => {
    await create('CREATE TABLE items (n integer, note text)');
    await world.query('ALTER TABLE items REPLICA IDENTITY FULL');
    await world.query(`INSERT INTO items SELECT n, repeat('long', 100) FROM generate_series(1, 50) n`);
    const [left, changed, deleted] = await eventsOf(
      'UPDATE items SET note = NULL WHERE n = 3',
      'DELETE FROM items WHERE n = 1',
    );
    expect(summary(there(left))).toEqual(['delete', ['n', 'note'], { n: 3, note: 'long'.repeat(100) }]);
    expect(summary(there(changed))).toEqual(['insert', ['n', 'note'], { n: 3, note: null }]);
    const { signal } = new AbortController();
    const snapshot = await open.source.openSnapshot({ wanted: ['items.n'], after: undefined }, signal);
    const first = there(await snapshot.next(undefined, 20, signal));
    const second = there(await snapshot.next(first.cursor, 20, signal));
    const third = there(await snapshot.next(second.cursor, 20, signal));
    const numbers = [first, second, third].flatMap(({ rows }) => rows.map(({ n }) => Number(n)));
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 49 }, (_, at) => at + 2));
    expect(await snapshot.next(third.cursor, 20, signal)).toBeUndefined();
    const keys = [first, second, third].flatMap((chunk) => chunk.keys);
    const [before = '', after = ''] = [left, changed].flatMap((entry) => entry?.touched?.().keys ?? []);
    expect([keys.includes(before), keys.includes(after)]).toEqual([false, true]);
    expect(deleted?.touched?.().keys.some((key) => keys.includes(key))).toBe(false);
    await world.query('VACUUM FULL items');
    const again = there(await snapshot.next(second.cursor, 100, signal));
    expect(again.rows).toHaveLength(49);
    await snapshot.close();
  });

  it('of tables without a key can still be made: such tables are not published', async () => {
    await create('CREATE TABLE keyless (n integer); INSERT INTO keyless VALUES (1)');
    expect(await eventsOf('UPDATE keyless SET n = 2', 'DELETE FROM keyless')).toEqual([]);
    expect((await open.chunks()).some(({ table }) => table === 'keyless')).toBe(false);
  });
});
