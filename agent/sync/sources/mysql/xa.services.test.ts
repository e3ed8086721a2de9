import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RowDataPacket } from 'mysql2/promise';
import { freePort } from '../../../../test/kubernetes/free-port.ts';
import { hasServices, ownService } from '../../../../test/services/service.ts';
import type { OwnService } from '../../../../test/services/service.ts';
import { SourceReader } from '../../conformance/source-reader.ts';
import { SourceUnderTest } from '../../conformance/source-under-test.ts';
import { PositionLostError } from '../../source.ts';
import type { SyncEvent } from '../../sync-event.ts';
import { MysqlWorld } from './testing/mysql-world.ts';

// On servers of their own: whoever begins to read a log while something is prepared has lost it at the commit.
describe.each(['mysql', 'mariadb'] as const)('XA in the stream of %s', (name) => {
  describe.skipIf(!hasServices(name))('real', () => {
    let server: OwnService;
    let world: MysqlWorld;
    let test: SourceUnderTest;
    beforeAll(async () => {
      server = await ownService(name, await freePort());
    });
    afterAll(() => server?.remove());
    beforeEach(async () => {
      world = await MysqlWorld.create(server);
      test = new SourceUnderTest(world);
    });
    afterEach(async () => {
      // It would hold its locks, and its name.
      const [prepared] = await world.pool.query<RowDataPacket[]>('XA RECOVER');
      for (const { data } of prepared) await decide('ROLLBACK', String(data));
      await test?.close();
    });

    const run = (...statements: readonly string[]): Promise<void> => world.run(...statements);
    /** The server takes a moment to see that the connection is gone that prepared it. */
    const decide = (verb: 'COMMIT' | 'ROLLBACK', xid: string): Promise<void> =>
      vi.waitFor(() => run(`XA ${verb} '${xid}'`));
    const eventsOf = ({ entries }: SourceReader): SyncEvent[] =>
      entries.flatMap(({ event }) => (event === undefined ? [] : [event]));
    const shown = (reader: SourceReader): unknown[] =>
      eventsOf(reader).map(({ event_type, rows }) => [event_type, ...rows.map(({ id, version }) => [id, version])]);

    it('tells nothing of what XA prepares until it is committed, and nothing of what it rolls back', async () => {
      const reader = await SourceReader.open(test.open());
      await run("XA START 'a'", 'INSERT INTO rows_ (id, version) VALUES (1, 1)', "XA END 'a'", "XA PREPARE 'a'");
      await run("XA START 'b'", 'INSERT INTO rows_ (id, version) VALUES (2, 1)', "XA END 'b'", "XA PREPARE 'b'");
      await run(
        "XA START 'c'",
        'INSERT INTO rows_ (id, version) VALUES (3, 1)',
        "XA END 'c'",
        "XA COMMIT 'c' ONE PHASE",
      );
      await run('INSERT INTO rows_ (id, version) VALUES (4, 1)');
      await reader.until((entries) => entries.some(({ event }) => event?.rows.some(({ id }) => id === 4)));
      const between = await reader.commit();
      const second = await SourceReader.open(test.open(), { checkpoint: between });
      await decide('COMMIT', 'a');
      await decide('ROLLBACK', 'b');
      for (const each of [reader, second])
        await each.until((entries) => entries.some(({ event }) => event?.rows.some(({ id }) => id === 1)));
      expect(shown(reader)).toEqual([
        ['insert', [3, 1]],
        ['insert', [4, 1]],
        ['insert', [1, 1]],
      ]);
      expect(shown(second)).toEqual([['insert', [1, 1]]]);
      const indexOf = (each: SourceReader): number | undefined => eventsOf(each).at(-1)?.index;
      expect(indexOf(second)).toBe(indexOf(reader));
      await second.stop();
      await reader.stop();
    });

    it('gives what XA commits at once the same indexes after any beginning, and what comes behind it too', async () => {
      const reader = await SourceReader.open(test.open());
      const many = Array.from({ length: 400 }, (_, id) => `INSERT INTO rows_ (id, version) VALUES (${id}, 1)`);
      await run("XA START 'e'", ...many, "XA END 'e'", "XA PREPARE 'e'");
      await decide('COMMIT', 'e');
      await run('CREATE TABLE a (id INT)', 'DROP TABLE a', 'CREATE TABLE b (id INT)');
      await run('UPDATE rows_ SET id = id + 1000', 'INSERT INTO rows_ (id, version) VALUES (9999, 1)');
      const untilLast = (each: SourceReader): Promise<void> =>
        each.until((entries) => entries.some(({ event }) => event?.rows.some(({ id }) => id === 9999)));
      await untilLast(reader);
      const all = eventsOf(reader).map(({ index }) => index);
      expect(all.length).toBeGreaterThan(400);
      const positions = reader.entries.filter(({ position }) => position !== undefined);
      for (const { index, position } of [positions[1]!, ...positions.slice(-6)]) {
        // As pipelines keep it: with the index of the last event before.
        const before = all.findLast((event) => event <= index) ?? -1;
        const again = await SourceReader.open(test.open(), {
          checkpoint: { index: before, position: position!, time: '' },
        });
        if (index < all.at(-1)!) await untilLast(again);
        const shown = eventsOf(again).map((event) => event.index);
        expect(shown.filter((event) => event > index)).toEqual(all.filter((event) => event > index));
        await again.stop();
      }
      await reader.stop();
    });

    it('says that its position is lost when XA commits what was prepared before it began', async () => {
      await run("XA START 'd'", 'INSERT INTO rows_ (id, version) VALUES (1, 1)', "XA END 'd'", "XA PREPARE 'd'");
      const reader = await SourceReader.open(test.open());
      await decide('COMMIT', 'd');
      await expect.poll(() => reader.failure).toBeInstanceOf(PositionLostError);
    });
  });
});
