import { describe, expect, it } from 'vitest';
import { statementKind } from '../text/statement-kind.ts';
import { RunReview } from './run-review.ts';

/** What is logged of so many statements, each after the other; there is no server. */
async function logged(texts: readonly string[]): Promise<string[]> {
  const lines: string[] = [];
  const review = new RunReview({
    connect: () => Promise.reject(new Error('there is no server')),
    output: {
      write: () => undefined,
      log: (level, ...messages) => {
        lines.push(...messages.map((message) => `${level} ${message}`));
        return undefined;
      },
    },
    mask: (text) => text.replaceAll('pa55', '***'),
    signal: new AbortController().signal,
    graceMs: 1000,
  });
  for (const [index, text] of texts.entries())
    await review.before({ number: index + 1, line: 1, text }, statementKind(text));
  await review.end();
  return lines;
}

describe('RunReview', () => {
  it('goes on with the texts alone where it gets no connection', async () => {
    expect(await logged(['SELECT 1', 'DELETE FROM `pa55`', 'DELETE FROM t WHERE id = 1'])).toEqual([
      'warn [CHECKED] Audit Completed (Order ID: 2): NoWhere: DELETE without WHERE is for every row of ***',
    ]);
  });

  it('tells a code so many times, then how often it came', async () => {
    const lines = await logged(Array.from({ length: 300 }, () => 'DELETE FROM t'));
    expect(lines).toHaveLength(51);
    expect(lines.at(-1)).toBe('warn Review: NoWhere of 300 statements');
  });

  it('still sees what is dangerous behind thousands of plain changes', async () => {
    const plain = Array.from({ length: 3000 }, (_, index) => `UPDATE t SET a = 'x' WHERE id = ${index}`);
    const hidden = [
      "UPDATE t SET a = ' WHERE id = 5'",
      "UPDATE t SET a = 1 -- WHERE id = '5'",
      'UPDATE t SET a = 1 /* x */ WHERE 1 = 1 # WHERE id = 5',
      'DELETE FROM t WHERE 1 OR id = 5',
      'DELETE FROM t',
    ];
    const lines = await logged([...plain, ...hidden]);
    expect(lines.map((line) => /Order ID: (\d+)\): (\w+)/.exec(line)?.slice(1).join(' '))).toEqual([
      '3001 NoWhere',
      '3002 NoWhere',
      '3003 AlwaysTrueWhere',
      '3004 AlwaysTrueWhere',
      '3005 NoWhere',
    ]);
  });
});
