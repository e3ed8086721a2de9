import fc from 'fast-check';
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import type { OutputSink } from '../executor.ts';
import { ResultWriter } from './result-writer.ts';
import type { Column } from './result-writer.ts';

class Output implements OutputSink {
  readonly chunks: Buffer[] = [];
  /** Held back until it resolves. */
  gate: Promise<void> | undefined;

  write(bytes: Buffer): Promise<void> | undefined {
    this.chunks.push(bytes);
    return this.gate;
  }

  log(): undefined {
    return undefined;
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }
}

const writer = (output: Output, format: 'text' | 'json' = 'text'): ResultWriter =>
  new ResultWriter(output, format, { separator: '\n\n', spoolFolder: temporaryFolder() });

async function table(columns: readonly Column[], rows: readonly (readonly unknown[])[]): Promise<string> {
  const output = new Output();
  const result = writer(output);
  const sink = result.rows(columns);
  for (const row of rows) await sink.add(row);
  await result.finish(['H'], {}, sink);
  await result.end({});
  return output.text;
}

async function json(columns: readonly Column[], rows: readonly (readonly unknown[])[]): Promise<string> {
  const output = new Output();
  const result = writer(output, 'json');
  const sink = result.rows(columns);
  for (const row of rows) await sink.add(row);
  await result.finish(['H'], { statement: 1 }, sink);
  await result.end({ success: true });
  return output.text;
}

describe('ResultWriter for text', () => {
  it("writes the manual's text, statements apart by an empty line", async () => {
    const output = new Output();
    const result = writer(output);
    await result.finish(['Statement 1: SUCCESS (Affected rows: 0)', 'SQL: CREATE TABLE t (a int)'], {});
    await result.finish(['Statement 2: SUCCESS (Affected rows: 1)', 'SQL: INSERT INTO t VALUES (1)'], {});
    await result.end({ success: true });
    expect(output.text).toBe(
      'Statement 1: SUCCESS (Affected rows: 0)\nSQL: CREATE TABLE t (a int)\n\nStatement 2: SUCCESS (Affected rows: 1)\nSQL: INSERT INTO t VALUES (1)',
    );
  });

  it('aligns rows as psql does', async () => {
    expect(
      await table(
        [{ name: 'id', numeric: true }, { name: 'name' }, { name: 'amount', numeric: true }],
        [
          [1, 'Ann', '10.50'],
          [200, null, '-7.25'],
        ],
      ),
    ).toBe(
      [
        'H',
        ' id  | name | amount',
        '-----+------+--------',
        '   1 | Ann  |  10.50',
        ' 200 | NULL |  -7.25',
        '(2 rows)',
      ].join('\n'),
    );
  });

  it('counts wide characters as two cells and marks upon others as none', async () => {
    expect(
      await table(
        [{ name: '名前' }, { name: 'x' }],
        [
          ['漢字', 1],
          ['abc', 2],
          ['e\u0301', 3],
        ],
      ),
    ).toBe(['H', ' 名前 | x', '------+---', ' 漢字 | 1', ' abc  | 2', ' e\u0301    | 3', '(3 rows)'].join('\n'));
  });

  it('keeps every row in one line', async () => {
    expect(await table([{ name: 'a\nb' }], [['x\ty\r\nz\x1b[31m\u2028']])).toBe(
      ['H', '          a\\nb', '-------------------------', ' x\\ty\\r\\nz\\x1b[31m\\u2028', '(1 row)'].join('\n'),
    );
  });

  it('does not fill rows with spaces for one long cell, and cuts none', async () => {
    const long = 'x'.repeat(5000);
    const text = await table(
      [{ name: 'a' }, { name: 'b' }],
      [
        [long, 1],
        ['y', 2],
      ],
    );
    expect(text).toContain(` ${long} | 1`);
    expect(text).toContain(` y${' '.repeat(99)} | 2`);
  });

  it('shows a statement without rows or columns', async () => {
    expect(await table([{ name: 'a' }], [])).toBe('H\n a\n---\n(0 rows)');
    expect(await table([], [[], []])).toBe('H\n\n\n(2 rows)');
  });

  it('shows bytes, times, objects and big numbers', async () => {
    expect(
      await table([{ name: 'v' }], [[Buffer.from('ab')], [new Date(0)], [{ a: 1n }], [2n ** 70n], [true]]),
    ).toContain([' \\x6162', ' 1970-01-01T00:00:00.000Z', ' {"a":1}', ' 1180591620717411303424', ' true'].join('\n'));
  });

  it('makes columns of the keys of documents, as they appear', async () => {
    const output = new Output();
    const result = writer(output);
    const sink = result.documents();
    await sink.add({ _id: 1, name: 'a' });
    await sink.add({ _id: 2, tags: ['x'], name: null });
    await sink.add({});
    await result.finish(['H'], {}, sink);
    await result.end({});
    expect(output.text).toBe(
      [
        'H',
        ' _id | name | tags',
        '-----+------+-------',
        '   1 | a    |',
        '   2 | NULL | ["x"]',
        '     |      |',
        '(3 rows)',
      ].join('\n'),
    );
  });

  it('puts keys beyond 200 into one column', async () => {
    const output = new Output();
    const result = writer(output);
    const sink = result.documents();
    await sink.add(Object.fromEntries(Array.from({ length: 203 }, (_, index) => [`k${index}`, index])));
    await result.finish(['H'], {}, sink);
    await result.end({});
    expect(output.text).toContain('| {"k200":200,"k201":201,"k202":202}\n');
  });
});

describe('ResultWriter for JSON', () => {
  it('is one document', async () => {
    const text = await json(
      [
        { name: 'id', type: 'int4' },
        { name: 'doc', type: 'jsonb', json: true },
      ],
      [
        [1, '{"a":\n 12345678901234567890}'],
        [null, null],
      ],
    );
    expect(JSON.parse(text)).toEqual({
      statements: [
        {
          statement: 1,
          columns: [
            { name: 'id', type: 'int4' },
            { name: 'doc', type: 'jsonb' },
          ],
          rows: [
            { id: 1, doc: { a: 12345678901234567890 } },
            { id: null, doc: null },
          ],
        },
      ],
      success: true,
    });
    expect(text).toContain('12345678901234567890');
  });

  it('loses no digit', async () => {
    const rows = [
      [2n ** 53n],
      [42n],
      ['0.1000'],
      [Number.NaN],
      [{ n: 2n ** 64n }],
      [Buffer.from([0, 255])],
      [-0],
      [[-0]],
    ];
    expect(JSON.parse(await json([{ name: 'v' }], rows)).statements[0].rows.map(({ v }: { v: unknown }) => v)).toEqual([
      '9007199254740992',
      42,
      '0.1000',
      'NaN',
      { n: '18446744073709551616' },
      '\\x00ff',
      -0,
      [-0],
    ]);
  });

  it('numbers columns of the same name', async () => {
    expect(
      JSON.parse(await json([{ name: 'a' }, { name: 'a' }, { name: 'a_2' }], [[1, 2, 3]])).statements[0].rows,
    ).toEqual([{ a: 1, a_2: 2, a_2_2: 3 }]);
  });

  it('is whole without any statement, and after an error in the middle of one', async () => {
    const empty = new Output();
    await writer(empty, 'json').end({ success: false });
    expect(JSON.parse(empty.text)).toEqual({ statements: [], success: false });

    const output = new Output();
    const result = writer(output, 'json');
    await result.finish([], { statement: 1 });
    await result.rows([{ name: 'a' }]).add([1]);
    await result.end({ success: false, error: 'x' });
    await result.end({});
    expect(JSON.parse(output.text)).toEqual({ statements: [{ statement: 1 }], success: false, error: 'x' });
  });

  it('can be parsed whatever the values are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.jsonValue(), fc.bigInt()), { maxLength: 5 }),
        async (rows) => {
          const parsed = JSON.parse(await json([{ name: '__proto__' }, { name: 'b' }, { name: 'c' }], rows));
          const given = rows.map(([a, b, c]) => [a.toWellFormed(), b, String(c)]);
          const seen = parsed.statements[0].rows.map((row: object) => {
            const [a, b, c] = Object.values(row) as unknown[];
            return [a, b, String(c)];
          });
          // A value of JSON may be -0, which is written as it is, but not by JSON.stringify.
          expect(JSON.parse(JSON.stringify(seen))).toEqual(JSON.parse(JSON.stringify(given)));
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('ResultWriter with many rows', () => {
  it.each(['text', 'json'] as const)('keeps them in a file that has no name, as %s', async (format) => {
    const folder = temporaryFolder();
    const output = new Output();
    const result = new ResultWriter(output, format, { separator: '\n', spoolFolder: folder });
    const sink = result.rows([{ name: 'n', numeric: true }, { name: 't' }]);
    for (let row = 0; row < 100_000; row += 1) await sink.add([row, `漢${row}`]);
    expect([sink.count, readdirSync(folder)]).toEqual([100_000, []]);
    await result.finish(['H'], {}, sink);
    await result.end({});
    const lines = output.text.split('\n').filter((line) => line.includes('漢'));
    expect(lines).toHaveLength(100_000);
    expect(lines[99_999]).toContain('漢99999');
    if (format === 'json')
      expect(JSON.parse(output.text).statements[0].rows[77_777]).toEqual({ n: 77_777, t: '漢77777' });
    else expect(lines[7]).toBe('     7 | 漢7');
  });

  it('gives no more to an output than it takes', async () => {
    const output = new Output();
    const result = writer(output);
    const sink = result.rows([{ name: 't' }]);
    for (let row = 0; row < 2000; row += 1) await sink.add(['x'.repeat(1000)]);
    const gate = Promise.withResolvers<void>();
    output.gate = gate.promise;
    const finished = result.finish(['H'], {}, sink);
    await expect.poll(() => output.chunks.length).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(output.chunks).toHaveLength(1);
    gate.resolve();
    await finished;
    expect(output.chunks.length).toBeGreaterThan(5);
    await result.end({});
  });

  it('says that the disk is full', async () => {
    const options = { separator: '\n', spoolFolder: temporaryFolder(), freeBytes: () => 1000 } as const;
    const result = new ResultWriter(new Output(), 'text', options);
    const sink = result.rows([{ name: 't' }]);
    const fill = async (): Promise<void> => {
      for (;;) await sink.add(['x'.repeat(10_000)]);
    };
    await expect(fill()).rejects.toMatchObject({ name: 'SpoolError', message: expect.stringContaining('almost full') });
    await result.end({});
  });

  it('says that its folder cannot be written', async () => {
    const result = new ResultWriter(new Output(), 'text', { separator: '\n', spoolFolder: '/dev/null/rows' });
    const sink = result.rows([{ name: 't' }]);
    await expect(sink.add(['x'.repeat(2_000_000)])).rejects.toThrow('rows cannot be kept in /dev/null/rows');
    await result.end({});
  });
});
