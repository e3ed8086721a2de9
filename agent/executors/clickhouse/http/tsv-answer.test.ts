import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConnectionError, ServerException } from '../native/native-error.ts';
import { inChunks } from '../native/testing/chunks.ts';
import { TsvAnswer } from './tsv-answer.ts';
import { cellReader } from './tsv-cell.ts';

async function read(
  text: string | Buffer,
  { withTotals = false, chunks = [] as readonly number[], broken = false } = {},
): Promise<{ columns: string[]; rows: string[][]; extra: string[][] }> {
  const got = { columns: [] as string[], rows: [] as string[][], extra: [] as string[][] };
  const answer = new TsvAnswer(
    {
      columns: (columns) => got.columns.push(...columns.map(({ name, type }) => `${name} ${type}`)),
      row: (fields) => void got.rows.push([...fields]),
      extra: (fields) => void got.extra.push([...fields]),
    },
    withTotals,
  );
  async function* body(): AsyncGenerator<Buffer> {
    yield* inChunks(Buffer.from(text), chunks);
    if (broken) throw new ConnectionError('aborted');
  }
  await answer.read(body());
  return got;
}

describe('TsvAnswer', () => {
  it('reads columns and rows, wherever the chunks end', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 5 }));
    const field = fc.string({ unit: fc.constantFrom('a', '天', '\\t', '🛠', ' ') });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(field, field)), sizes, async (rows, chunks) => {
        const lines = ['a\tb\\n', "UInt8\tEnum8(\\'x\\' = 1)", ...rows.map((row) => row.join('\t'))];
        const got = await read(`${lines.join('\n')}\n`, { chunks });
        expect(got).toEqual({ columns: ['a UInt8', "b\n Enum8('x' = 1)"], rows, extra: [] });
      }),
    );
  });

  it('shows bytes that are no text, wherever the chunks end', async () => {
    const line = Buffer.concat([
      ...[Buffer.from('天\t'), Buffer.from([0xff, 0x5c, 0x74, 0xe5]), Buffer.from("\t['天','")],
      ...[Buffer.from([0xfe]), Buffer.from("','\\'']\n")],
    ]);
    const bytes = Buffer.concat([Buffer.from('a\tb\tc\nString\tString\tArray(String)\n'), line, line]);
    const row = ['天', '\\\\xff09e5', "['天','\\\\xfe','\\'']"];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 90 })), async (chunks) => {
        expect((await read(bytes, { chunks })).rows).toEqual([row, row]);
      }),
    );
  });

  it('tells totals from rows', async () => {
    const text = 'k\tn\nUInt8\tUInt8\n0\t3\n\n0\t5\n';
    expect(await read(text)).toMatchObject({ rows: [['0', '3']], extra: [['0', '5']] });
    expect((await read('a\nString\n\nx\n')).rows).toEqual([[''], ['x']]);
    expect(await read('a\nUInt8\n1\n\n9\n', { withTotals: true })).toMatchObject({ rows: [['1']], extra: [['9']] });
  });

  it.each([
    'Code: 395, e.displayText() = DB::Exception: bang\nand more, e.what() = DB::Exception\n',
    'Code: 395. DB::Exception: bang\nand more. (SOME_NAME) (version 24.8.1)',
    '__exception__\r\nabcdef\r\nCode: 395. DB::Exception: bang\nand more. (SOME_NAME)\r\n45 abcdef\r\n__exception__\r\n',
  ])('throws an exception at the end of an answer: %j', async (text) => {
    for (const broken of [false, true])
      await expect(read(`a\nUInt8\n1\n${text}`, { broken })).rejects.toMatchObject({
        name: 'ServerException',
        code: 395,
        message: expect.stringMatching(/^DB::Exception: bang\nand more/) as string,
      });
  });

  it('throws what broke the answer off when the server said nothing of it', async () => {
    await expect(read('a\nUInt8\n1\n', { broken: true })).rejects.toThrow(ConnectionError);
    await expect(read('a\tb\nUInt8\tUInt8\n1\n')).rejects.toThrow('a row of 1 fields instead of 2');
  });

  it('shows rows that only begin like an exception', async () => {
    const lines = ['Code: 1, e.displayText() = nothing', 'Code: 5'];
    expect((await read(`a\nString\n${lines.join('\n')}\n`)).rows.flat()).toEqual(lines);
    expect(ServerException).toBeDefined();
  });
});

describe('cellReader', () => {
  it.each([
    ['Nullable(UInt8)', '\\N', null, null],
    ['LowCardinality(Nullable(String))', 'a\\tb', 'a\tb', 'a\tb'],
    ['UInt64', '18446744073709551615', '18446744073709551615', 18446744073709551615n],
    ['Float64', 'nan', 'nan', NaN],
    ['Bool', 'true', 'true', true],
    ['Array(String)', "['a\\'b',NULL]", "['a\\'b',NULL]", ["a'b", null]],
    ['Tuple(Int8, Array(Float64))', '(1,[0.5])', '(1,[0.5])', [1n, [0.5]]],
    ['Map(String, UInt8)', "{'a':1}", "{'a':1}", "{'a':1}"],
    ['Array(Map(String, UInt8))', "[{'a':1}]", "[{'a':1}]", "[{'a':1}]"],
    ['Decimal(9, 2)', '1.50', '1.50', '1.50'],
  ])('reads %s %s', (type, field, text, json) => {
    expect(cellReader(type, 'text')(field)).toEqual(text);
    expect(cellReader(type, 'json')(field)).toEqual(json);
  });
});
