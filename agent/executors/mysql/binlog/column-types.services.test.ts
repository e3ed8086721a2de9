import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../../test/services/service.ts';
import { columnTypes } from './testing/column-types.ts';
import { LoggedDatabase } from './testing/logged-database.ts';
import { normalised, shownBy, shownValue } from './testing/shown-value.ts';
import { writtenValue } from './testing/written-value.ts';

describe.each(['mysql', 'mariadb'] as const)('values in the log of %s', (name) => {
  describe.skipIf(!hasServices(name))('real', () => {
    let db: LoggedDatabase;
    beforeAll(async () => {
      db = await LoggedDatabase.create(await service(name));
      // Whatever a column can hold, also zero dates.
      await db.session.query("SET sql_mode = '', time_zone = '+00:00'");
    });
    afterAll(() => db.drop());

    it.each(columnTypes(name).map((column) => [column.type, column] as const))(
      'are those that the server shows of %s, and are written back as they were',
      async (_, column) => {
        await db.session.query('DROP TABLE IF EXISTS c');
        await db.session.query(`CREATE TABLE c (id INT PRIMARY KEY, c ${column.type})`);
        try {
          await fc.assert(
            fc.asyncProperty(fc.array(column.values, { minLength: 1, maxLength: 40 }), async (literals) => {
              await db.session.query('DELETE FROM c');
              const rows = literals.map((literal, id) => `(${id}, ${literal})`);
              const inserted = (await db.changes(`INSERT INTO c VALUES ${rows.join(', ')}, (-1, NULL)`)).map(
                ({ after }) => after?.[1],
              );
              const server = await db.session.rows(
                `SELECT ${shownBy(column, 'c')} AS v FROM c WHERE id >= 0 ORDER BY id`,
              );
              expect(inserted.pop()).toBeNull();
              expect(inserted.map((value) => value?.kind)).toEqual(literals.map(() => column.kind));
              expect(inserted.map(shownValue)).toEqual(server.map(({ v }) => normalised(column, v)));
              const moved = await db.changes('UPDATE c SET id = id + 100 WHERE id >= 0 ORDER BY id');
              expect(moved.map(({ before }) => before?.[1])).toEqual(inserted);
              expect(moved.map(({ after }) => after?.[1])).toEqual(inserted);
              await db.session.query('DELETE FROM c');
              const again = inserted.map((value, id) => `(${id}, ${writtenValue(value ?? null)})`);
              const written = await db.changes(`INSERT INTO c VALUES ${again.join(', ')}`);
              expect(written.map(({ after }) => after?.[1])).toEqual(inserted);
            }),
            { numRuns: 10 },
          );
        } finally {
          await db.session.query('DROP TABLE c');
        }
      },
    );

    it('are found in rows of all types, with NULLs anywhere', async () => {
      const types = columnTypes(name);
      const columns = types.map(({ type }, index) => `c${index} ${type}`);
      await db.session.query('DROP TABLE IF EXISTS wide');
      await db.session.query(`CREATE TABLE wide (${columns.join(', ')})`);
      const row = fc.tuple(...types.map(({ values }) => fc.option(values, { nil: 'NULL' })));
      const shown = types.map((type, index) => `${shownBy(type, `c${index}`)} AS c${index}`);
      await fc.assert(
        fc.asyncProperty(row, async (literals) => {
          await db.session.query('DELETE FROM wide');
          const [change] = await db.changes(`INSERT INTO wide VALUES (${literals.join(', ')})`);
          const [server = {}] = await db.session.rows(`SELECT ${shown.join(', ')} FROM wide`);
          expect(change?.after?.map(shownValue)).toEqual(
            types.map((type, index) => normalised(type, server[`c${index}`])),
          );
        }),
        { numRuns: 25 },
      );
    });
  });
});
