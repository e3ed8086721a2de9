import fc from 'fast-check';
import { Client } from 'pg';
import type { QueryResult } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import { splitStatements } from './split-statements.ts';

/** Values, each with what hides a semicolon in PostgreSQL; between them what may stand between words. */
const VALUES = [
  "'a;b'",
  "'it''s; /* '",
  "'back\\'",
  String.raw`E'it\'s; \\'`,
  String.raw`e'\''';''\''`,
  '$$a;b$$',
  "$t$ ; $$ ' $ta$ $t$",
  '$é1$;$é1$',
  "U&'d\\0061t;'",
  "B'1'",
  '1',
  '(2)',
  "'a'\n';b'",
  'current_user',
  '1e5',
];
const GAPS = [' ', '\n', " -- '; $$ \n", ' /* ; */ ', " /* a /* ; */ ' */ ", ' /*-- */ ', ' --\r'];
const ALIASES = ['', ' AS "a;""b"', ' AS x$y$z', ' AS é', ' AS "--"'];

describe.skipIf(!hasServices('postgres'))('splitStatements and PostgreSQL', () => {
  let client: Client;

  beforeAll(async () => {
    const { host, port, user, password } = await service('postgres');
    client = new Client({ host, port, user, password, database: 'postgres' });
    await client.connect();
  });
  afterAll(() => client?.end());

  it('see the same statements in a text', async () => {
    const value = fc
      .tuple(
        fc.constantFrom(...GAPS),
        fc.constantFrom(...VALUES),
        fc.constantFrom(...GAPS),
        fc.constantFrom(...ALIASES),
      )
      .map((parts) => parts.join(''));
    const statement = fc.array(value, { minLength: 1, maxLength: 4 }).map((values) => `SELECT${values.join(' ,')}`);
    const separator = fc.constantFrom(';', ' ; ', ';;\n', "; -- it's\n", ' /* ; */ ;');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(statement, separator), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 50 }),
        async (statements, length) => {
          const text = statements.flat().join('');
          // More than one statement brings an array.
          const results = [await client.query({ text, rowMode: 'array' })].flat() as QueryResult<unknown[]>[];
          const rows: unknown[] = [];
          const pieces = async function* (): AsyncGenerator<string> {
            for (let start = 0; start < text.length; start += length) yield text.slice(start, start + length);
          };
          for await (const found of splitStatements(pieces(), 'postgres'))
            rows.push((await client.query({ text: found.text, rowMode: 'array' })).rows);
          expect(rows).toEqual(results.map((result) => result.rows));
          expect(rows).toHaveLength(statements.length);
        },
      ),
      { numRuns: 300 },
    );
  });
});
