import { describe, expect, it } from 'vitest';
import type { SqlStatement } from '../../sql/split-statements.ts';
import { lookAhead } from './look-ahead.ts';

async function* statements(texts: readonly string[], failure?: Error): AsyncGenerator<SqlStatement> {
  for (const [index, text] of texts.entries()) yield { number: index + 1, text, line: 1 };
  if (failure !== undefined) throw failure;
}

const isWanted = ({ text }: SqlStatement): boolean => text === 'wanted';

async function read(source: AsyncIterable<SqlStatement>): Promise<string[]> {
  const found: string[] = [];
  for await (const { text } of source) found.push(text);
  return found;
}

describe('lookAhead', () => {
  it('gives all statements back, whether one is wanted or not', async () => {
    for (const [texts, found] of [
      [['a', 'wanted', 'b', 'wanted'], true],
      [['a', 'b'], false],
      [[], false],
    ] as const) {
      const looked = await lookAhead(statements(texts), isWanted);
      expect([looked.found, await read(looked.statements)]).toEqual([found, texts]);
    }
  });

  it('looks at the first part only', async () => {
    const texts = [...Array.from({ length: 20 }, () => 'x'.repeat(100_000)), 'wanted'];
    const looked = await lookAhead(statements(texts), isWanted);
    expect(looked.found).toBeUndefined();
    expect(await read(looked.statements)).toEqual(texts);
  });

  it('fails where the text does', async () => {
    const looked = await lookAhead(statements(['a'], new Error('damaged')), isWanted);
    const found: string[] = [];
    await expect(
      (async () => {
        for await (const { text } of looked.statements) found.push(text);
      })(),
    ).rejects.toThrow('damaged');
    expect(found).toEqual(['a']);
  });
});
