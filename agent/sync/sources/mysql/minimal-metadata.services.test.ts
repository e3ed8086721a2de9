import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../../test/kubernetes/free-port.ts';
import { hasServices, ownService } from '../../../../test/services/service.ts';
import type { OwnService } from '../../../../test/services/service.ts';
import { SourceReader } from '../../conformance/source-reader.ts';
import { SourceUnderTest } from '../../conformance/source-under-test.ts';
import { PositionLostError } from '../../source.ts';
import type { Row } from '../../sync-event.ts';
import { MysqlWorld } from './testing/mysql-world.ts';

const SERVERS = [
  ['mysql', ['--binlog-row-metadata=MINIMAL', '--binlog-transaction-compression=ON']],
  ['mariadb', ['--binlog-row-metadata=NO_LOG', '--log-bin-compress=1', '--log-bin-compress-min-len=10']],
] as const;

describe.each(SERVERS)('a log of %s that does not name columns', (name, options) => {
  describe.skipIf(!hasServices(name))('real', () => {
    let server: OwnService;
    let world: MysqlWorld;
    let test: SourceUnderTest;
    beforeAll(async () => {
      server = await ownService(name, await freePort(), options);
    });
    afterAll(() => server?.remove());
    beforeEach(async () => {
      world = await MysqlWorld.create(server);
      test = new SourceUnderTest(world);
    });
    afterEach(() => test?.close());

    const rowsOf = ({ entries }: SourceReader): Row[] => entries.flatMap(({ event }) => event?.rows ?? []);
    const insert = (id: number): string => `INSERT INTO rows_ (id, version, note) VALUES (${id}, 1, REPEAT('n', 300))`;
    const untilRow = (reader: SourceReader, id: number): Promise<void> =>
      reader.until(() => rowsOf(reader).some((row) => world.keyOf(row) === id));

    it('is read with the columns that the table has, also after it was altered', async () => {
      const reader = await SourceReader.open(test.open());
      await world.run(insert(1));
      await untilRow(reader, 1);
      await world.run('ALTER TABLE rows_ RENAME COLUMN note TO remark, ADD COLUMN first INT FIRST');
      await world.run("INSERT INTO rows_ (id, version, remark, first) VALUES (2, 1, 'r', 7)");
      await untilRow(reader, 2);
      expect(rowsOf(reader)).toEqual([
        { id: 1, version: 1, note: 'n'.repeat(300) },
        { first: 7, id: 2, version: 1, remark: 'r' },
      ]);
      await reader.stop();
    });

    it('is caught up with when only other tables were altered', async () => {
      const first = await SourceReader.open(test.open());
      const checkpoint = await first.commit();
      await first.stop();
      await world.run('CREATE TABLE other (id INT)', insert(1), 'ALTER TABLE other ADD COLUMN x INT', insert(2));
      const second = await SourceReader.open(test.open(), { checkpoint });
      await untilRow(second, 2);
      expect(rowsOf(second).map((row) => world.keyOf(row))).toEqual([1, 2]);
      await second.stop();
    });

    it('is lost where the table was altered before its rows were read: no value gets a wrong name', async () => {
      const first = await SourceReader.open(test.open());
      const checkpoint = await first.commit();
      await first.stop();
      await world.run(
        insert(1),
        'ALTER TABLE rows_ RENAME COLUMN note TO swapped',
        'ALTER TABLE rows_ ADD COLUMN note TEXT',
        'ALTER TABLE rows_ DROP COLUMN swapped',
      );
      const second = await SourceReader.open(test.open(), { checkpoint });
      await expect.poll(() => second.failure).toBeInstanceOf(PositionLostError);
      expect((second.failure as Error).message).toContain('binlog_row_metadata=FULL');
      expect(rowsOf(second)).toEqual([]);
    });
  });
});
