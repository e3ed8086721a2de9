import fc from 'fast-check';
import type { Arbitrary } from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../../test/services/service.ts';
import type { CellValue } from './cell-value.ts';
import { LoggedDatabase } from './testing/logged-database.ts';
import { writtenValue } from './testing/written-value.ts';

const quoted = (text: string): string => `'${text.replaceAll(/['\\]/g, (char) => `\\${char}`)}'`;
const texts: Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.string({ unit: fc.integer({ min: 1, max: 0x9f }).map((code) => String.fromCharCode(code)), maxLength: 12 }),
  fc.integer({ min: 0, max: 70_000 }).map((length) => 'x'.repeat(length)),
);
const doubles: Arbitrary<string> = fc
  .oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(0, -0, 1, 1e14, 1e15, 1e16, 123456789012345680, 1e20, 1e-5, 1.5e-15, 1e-15, 1e300, 5e-324),
    fc.tuple(fc.integer({ min: 1, max: 99_999 }), fc.integer({ min: -25, max: 25 })).map(([n, e]) => n * 10 ** e),
  )
  .map((value) => `CAST(${Object.is(value, -0) ? '-' : ''}${value.toExponential()} AS DOUBLE)`);
/** Values that JSON has. */
const plain: Arbitrary<string> = fc.oneof(
  fc.constantFrom('NULL', "CAST('true' AS JSON)", "CAST('false' AS JSON)"),
  fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map((value) => `CAST('${value}' AS SIGNED)`),
  fc.bigInt(0n, 2n ** 64n - 1n).map((value) => `CAST(${value} AS UNSIGNED)`),
  fc.integer({ min: -70_000, max: 70_000 }).map(String),
  doubles,
  texts.map(quoted),
);
/** Values that it has not. */
const foreign: Arbitrary<string> = fc.oneof(
  fc
    .tuple(fc.bigInt(-(10n ** 20n), 10n ** 20n), fc.integer({ min: 0, max: 30 }))
    .map(([value, scale]) => `CAST(${value} AS DECIMAL(60,${scale}))`),
  fc.constantFrom('-0.05', '0.00', '1.50', '-123456789.000000001').map((value) => `CAST(${value} AS DECIMAL(30,9))`),
  fc.constantFrom(
    "DATE'2024-02-29'",
    "DATE'0001-01-01'",
    "TIME'-838:59:59'",
    "TIME'-00:00:00.000001'",
    "TIME'101:02:03.5'",
  ),
  fc.constantFrom(
    "TIMESTAMP'2024-02-29 01:02:03.000004'",
    "TIMESTAMP'9999-12-31 23:59:59'",
    "TIMESTAMP'0000-00-00 00:00:00'",
  ),
  fc
    .uint8Array({ minLength: 1, maxLength: 200 })
    .map((bytes) => `CAST(0x${Buffer.from(bytes).toString('hex')} AS BINARY)`),
);

const keys: Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 6 }),
  fc.constantFrom('', 'a', '"', '\n'),
);

const documents = (leaf: Arbitrary<string>): Arbitrary<string> =>
  fc.letrec<{ node: string }>((tie) => ({
    node: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      fc.array(tie('node'), { maxLength: 5 }).map((items) => `JSON_ARRAY(${items.join(', ')})`),
      fc
        .array(fc.tuple(keys, tie('node')), { maxLength: 5 })
        .map((items) => `JSON_OBJECT(${items.map(([key, item]) => `${quoted(key)}, ${item}`).join(', ')})`),
    ),
  })).node;

describe.skipIf(!hasServices('mysql'))('JSON in the log of MySQL', () => {
  let db: LoggedDatabase;
  beforeAll(async () => {
    db = await LoggedDatabase.create(await service('mysql'));
    await db.session.query("SET sql_mode = '', time_zone = '+00:00'");
    await db.session.query('CREATE TABLE j (id INT PRIMARY KEY, c JSON)');
  });
  afterAll(() => db.drop());

  const written = async (expressions: readonly string[]): Promise<(CellValue | undefined)[]> => {
    await db.session.query('DELETE FROM j');
    const rows = expressions.map((expression, id) => `(${id}, ${expression})`);
    return (await db.changes(`INSERT INTO j VALUES ${rows.join(', ')}`)).map(({ after }) => after?.[1]);
  };
  const shown = async (): Promise<unknown[]> =>
    (await db.session.rows('SELECT CAST(c AS CHAR) AS v FROM j ORDER BY id')).map(({ v }) => v);

  it('is what the server prints of any document, and of what is read from its text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(documents(plain), { minLength: 1, maxLength: 10 }), async (expressions) => {
        const values = await written(expressions.map((expression) => `JSON_ARRAY(${expression})`));
        const texts = await shown();
        expect(values).toEqual(texts.map((text) => ({ kind: 'json', text, inexact: undefined })));
        expect(await written(values.map((value) => writtenValue(value ?? null)))).toEqual(values);
      }),
      { numRuns: 60 },
    );
  });

  it('is what the server prints of types that JSON does not have, which an expression gives and not their text', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(foreign, documents(plain)), { minLength: 1, maxLength: 10 }),
        async (pairs) => {
          const values = await written(pairs.map((pair) => `JSON_ARRAY(${pair.join(', ')})`));
          const texts = await shown();
          expect(values.map((value) => (value?.kind === 'json' ? value.text : value))).toEqual(texts);
          for (const value of values) expect(value).toHaveProperty('inexact', expect.stringContaining('of the type'));
          expect(values.map((value) => typeof (value as { sql?: string }).sql)).toEqual(values.map(() => 'string'));
          expect(await written(values.map((value) => writtenValue(value ?? null)))).toEqual(values);
        },
      ),
      { numRuns: 60 },
    );
  });
});
