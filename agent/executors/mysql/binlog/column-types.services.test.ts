import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../../test/services/service.ts';
import type { CellValue } from './cell-value.ts';
import { columnTypes } from './testing/column-types.ts';
import { LoggedDatabase } from './testing/logged-database.ts';
import { writtenValue } from './testing/written-value.ts';

/** What makes the server show a value in the way in which `shown` does. */
const SHOWN_BY: Readonly<Record<string, string>> = {
  number: 'CAST(c AS CHAR)',
  float: 'CAST(c AS DOUBLE)',
  text: 'HEX(c)',
  bytes: 'HEX(c)',
  bit: 'HEX(c)',
  temporal: 'CAST(c AS CHAR)',
  json: 'CAST(c AS CHAR)',
  enum: 'c + 0',
  set: 'c + 0',
  geometry: 'HEX(c)',
  name: 'CAST(c AS CHAR)',
};

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
      async (_, { type, kind, values, show, writes }) => {
        await db.session.query(`CREATE TABLE c (id INT PRIMARY KEY, c ${type})`);
        try {
          await fc.assert(
            fc.asyncProperty(fc.array(values, { minLength: 1, maxLength: 40 }), async (literals) => {
              await db.session.query('DELETE FROM c');
              const rows = literals.map((literal, id) => `(${id}, ${literal})`);
              const inserted = (await db.changes(`INSERT INTO c VALUES ${rows.join(', ')}, (-1, NULL)`)).map(
                ({ after }) => after?.[1],
              );
              const server = await db.session.rows(
                `SELECT ${show ?? SHOWN_BY[kind]} AS v FROM c WHERE id >= 0 ORDER BY id`,
              );
              expect(inserted.pop()).toBeNull();
              expect(inserted.map((value) => value?.kind)).toEqual(literals.map(() => kind));
              expect(inserted.map(shown)).toEqual(server.map(({ v }) => normalised(kind, v ?? '')));
              if (writes === false) return;
              await db.session.query('DELETE FROM c');
              const again = inserted.map((value, id) => `(${id}, ${writtenValue(value ?? null)})`);
              const written = await db.changes(`INSERT INTO c VALUES ${again.join(', ')}`);
              expect(written.map(({ after }) => after?.[1])).toEqual(inserted);
            }),
            { numRuns: 15 },
          );
        } finally {
          await db.session.query('DROP TABLE c');
        }
      },
    );
  });
});

function shown(value: CellValue | undefined): string {
  if (value === undefined || value === null) return 'NULL';
  switch (value.kind) {
    case 'float':
      return String(Number(value.text));
    case 'text':
    case 'bytes':
    case 'bit':
    case 'geometry':
      return value.bytes
        .toString('hex')
        .toUpperCase()
        .replace(value.kind === 'bit' ? /^0+(?=.)/ : /^$/, '');
    case 'enum':
      return String(value.index);
    case 'set':
      return String(value.bits);
    case 'undecoded':
      return value.why;
    default:
      return value.text;
  }
}

const normalised = (kind: string, text: string): string => (kind === 'float' ? String(Number(text)) : text);
