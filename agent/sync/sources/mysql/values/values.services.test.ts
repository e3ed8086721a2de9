import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../../../test/kubernetes/free-port.ts';
import { hasServices, ownService } from '../../../../../test/services/service.ts';
import type { OwnService } from '../../../../../test/services/service.ts';
import { columnTypes } from '../../../../executors/mysql/binlog/testing/column-types.ts';
import { SourceReader } from '../../../conformance/source-reader.ts';
import { SourceUnderTest } from '../../../conformance/source-under-test.ts';
import type { Row } from '../../../sync-event.ts';
import { MysqlWorld } from '../testing/mysql-world.ts';

const { signal } = new AbortController();
const RUNS = 25;
/** Fewer runs on a busy machine. */
const ENOUGH_MS = 20_000;

// On servers of their own: any table of others that is altered may be this one, to a stream that asks the server for columns.
describe.each(['mysql', 'mariadb'] as const)('values of %s', (name) => {
  describe.skipIf(!hasServices(name))('real', () => {
    let server: OwnService;
    let world: MysqlWorld;
    let test: SourceUnderTest;
    let reader: SourceReader | undefined;
    const run = async (...statements: readonly string[]): Promise<void> => {
      const connection = await world.pool.getConnection();
      try {
        // Whatever a column can hold, also zero dates.
        await connection.query(`USE ${world.database}`);
        await connection.query("SET sql_mode = '', time_zone = '+00:00'");
        for (const statement of statements) await connection.query(statement);
      } finally {
        connection.destroy();
      }
    };
    beforeAll(async () => {
      server = await ownService(name, await freePort());
    });
    afterAll(() => server?.remove());
    beforeEach(async () => {
      world = await MysqlWorld.create(server);
      test = new SourceUnderTest(world);
    });
    afterEach(async () => {
      await reader?.stop();
      reader = undefined;
      await test?.close();
    });

    /** The rows of a table as the stream brings them from now on, until there are so many. */
    const streamed = async (table: string, count: number, work: () => Promise<void>): Promise<Row[]> => {
      const stream = (reader ??= await SourceReader.open(test.open()));
      const from = stream.entries.length;
      const rows = (): Row[] =>
        stream.entries
          .slice(from)
          .flatMap(({ event }) => (event?.table === table && event.event_type === 'insert' ? event.rows : []));
      await work();
      await stream.until(() => rows().length >= count);
      return rows();
    };
    const snapshot = async (table: string): Promise<Row[]> => {
      const snapshots = await test.open().openSnapshot({ wanted: undefined, after: undefined }, signal);
      const rows: Row[] = [];
      for (let chunk = await snapshots.next(undefined, 1000, signal); chunk;) {
        if (chunk.table === table) rows.push(...chunk.rows);
        chunk = await snapshots.next(chunk.cursor, 1000, signal);
      }
      await snapshots.close();
      return rows;
    };

    /** MariaDB's log does not tell them from BINARY, so that the server is asked what the columns are now. */
    const vague = columnTypes(name).filter(({ type }) => /^(?:uuid|inet)/.test(type));
    const told = columnTypes(name).filter((type) => !vague.some((other) => other.type === type.type));
    const tables = [
      ['that the log tells', told] as const,
      ['that the server is asked for', [...vague, ...told]] as const,
    ];

    it.each(tables)('are the same in the stream and in a snapshot, of all types %s', async (_, types) => {
      await run(`CREATE TABLE c (id INT PRIMARY KEY, ${types.map(({ type }, at) => `c${at} ${type}`).join(', ')})`);
      const row = fc.tuple(...types.map(({ values }) => fc.option(values, { nil: 'NULL', freq: 8 })));
      const enough = performance.now() + ENOUGH_MS;
      await fc.assert(
        fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 10 }), async (literals) => {
          if (performance.now() > enough) return;
          const rows = literals.map((values, id) => `(${id}, ${values.join(', ')})`);
          const insert = `INSERT INTO c VALUES ${rows.join(', ')}`;
          const found = await streamed('c', literals.length, () => run('DELETE FROM c', insert));
          const read = await snapshot('c');
          for (const [at, { type }] of types.entries())
            expect(
              read.map((values) => values[`c${at}`]),
              type,
            ).toEqual(found.map((values) => values[`c${at}`]));
          expect(read).toEqual(found);
          expect(JSON.parse(JSON.stringify(found))).toEqual(found);
        }),
        { numRuns: RUNS },
      );
    });
  });
});
