import { describe, expect, it } from 'vitest';
import { splitStatements } from '../../sql/split-statements.ts';
import { blockText, InceptionCommand, readAhead, scriptParts } from './script-parts.ts';
import { chunksOf } from './testing/text-chunks.ts';

async function* pieces(text: string): AsyncGenerator<string> {
  yield text;
}

async function partsOf(text: string, maxBytes?: number): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const part of scriptParts(splitStatements(pieces(text), 'mysql'), 'first', maxBytes))
    found.push(
      part.kind === 'read'
        ? [part.kind, part.database, part.statement.number]
        : [part.kind, part.database, ...part.statements.map(({ number }) => number)],
    );
  return found;
}

describe('scriptParts', () => {
  it('puts neighbours together, and what only reads by itself', async () => {
    const text = 'INSERT INTO t VALUES (1); UPDATE t SET a = 2; SELECT * FROM t; SHOW TABLES; DELETE FROM t';
    expect(await partsOf(text)).toEqual([
      ['block', 'first', 1, 2],
      ['read', 'first', 3],
      ['read', 'first', 4],
      ['block', 'first', 5],
    ]);
  });

  it('keeps the database of the text', async () => {
    const text = 'USE `se``cond`; SELECT 1; INSERT INTO t VALUES (1); /* then */ use third; SELECT 2';
    expect(await partsOf(text)).toEqual([
      ['block', 'first', 1],
      ['read', 'se`cond', 2],
      ['block', 'se`cond', 3, 4],
      ['read', 'third', 5],
    ]);
  });

  it('begins another part where one would be too long', async () => {
    const text = 'DELETE FROM a; DELETE FROM b; DELETE FROM c';
    expect(await partsOf(text, 40)).toEqual([
      ['block', 'first', 1, 2],
      ['block', 'first', 3],
    ]);
    expect(await partsOf(text, 5)).toEqual([
      ['block', 'first', 1],
      ['block', 'first', 2],
      ['block', 'first', 3],
    ]);
  });

  it.each([
    'INCEPTION_MAGIC_COMMIT',
    'inception set osc_on = 1',
    '/* x */ inception_magic_start',
    'DELIMITER //\nDELETE FROM t; inception_magic_commit; //',
  ])('refuses orders to goInception: %s', async (text) => {
    await expect(partsOf(text)).rejects.toThrow(InceptionCommand);
  });

  it('takes the same words in names and texts', async () => {
    const text = "INSERT INTO t (inception_x) VALUES ('a; inception_magic_commit;')";
    expect(await partsOf(text)).toEqual([['block', 'first', 1]]);
  });
});

describe('readAhead', () => {
  it('gives a short text whole, and of a long one the beginning', async () => {
    const text = 'DELETE FROM a; DELETE FROM b; DELETE FROM c';
    expect(await readAhead(splitStatements(pieces(text), 'mysql'))).toMatchObject({
      head: [{ number: 1 }, { number: 2 }, { number: 3 }],
      rest: undefined,
    });
    const { head, rest } = await readAhead(splitStatements(pieces(text), 'mysql'), 10);
    const numbers = head.map(({ number }) => number);
    if (rest !== undefined) for await (const { number } of rest) numbers.push(number);
    expect([head.length, numbers]).toEqual([1, [1, 2, 3]]);
  });
});

describe('blockText', () => {
  const statements = (...texts: string[]): Parameters<typeof blockText>[2] =>
    texts.map((text, index) => ({ text, number: index + 1, line: 1 }));

  it('ends every statement at the end of a line', () => {
    expect(blockText('/*--execute=1;*/', 'a`b', statements('DELETE FROM t', 'INSERT INTO t VALUES (1)'))).toBe(
      '/*--execute=1;*/\ninception_magic_start;\nuse `a``b`;\nDELETE FROM t;\nINSERT INTO t VALUES (1);\ninception_magic_commit;',
    );
  });

  it.each([
    'DELETE FROM t -- all',
    'DELETE FROM t # all',
    "INSERT INTO t VALUES ('a--b')",
    "INSERT INTO t\nVALUES ('#')",
  ])('lets no remark hide the semicolon: %j', (text) => {
    const chunks = chunksOf(blockText('/*--execute=1;*/', '', statements(text, 'DELETE FROM u')));
    const first = chunks.flatMap((chunk) => chunk.statements)[1];
    expect(first?.replace(/ (?:-- all|# all)$/, '')).toBe(text.replace(/ (?:-- all|# all)$/, ''));
    expect(chunks.flatMap((chunk) => chunk.statements).slice(2)).toEqual(['DELETE FROM u', 'inception_magic_commit']);
  });

  it('keeps strings whole in which a line ends with a semicolon', () => {
    const text = "INSERT INTO t VALUES (\"a;\nb\\\nc\", 'it\\'s;\n\\n', ''';\n')";
    const chunks = chunksOf(blockText('/*--execute=1;*/', '', statements(text, 'DELETE FROM u')));
    expect(chunks.flatMap((chunk) => chunk.statements.map((statement) => statement.trim()))).toContain(
      String.raw`INSERT INTO t VALUES ("a;\nb\nc", 'it\'s;\n\n', ''';\n')`,
    );
  });

  it('leaves line ends where no line of a string ends with a semicolon', () => {
    const text = "INSERT INTO t VALUES ('a\nb;c')";
    expect(blockText('/*--execute=1;*/', '', statements(text))).toContain(`${text};\n`);
  });
});
