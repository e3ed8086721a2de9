import { describe, expect, it } from 'vitest';
import { shapeOf } from './statement-shape.ts';

/** `count` rows, so long that only their begin is read. */
function insert(count: number, row: (index: number) => string, end = ''): string {
  const rows = Array.from({ length: count }, (_, index) => row(index));
  return `INSERT INTO d.t (a, b) VALUES ${rows.join(', ')}${end}`;
}

describe('a long list of rows', () => {
  it.each([
    ['plain ones', insert(3000, (index) => `(${index}, 'name ${index}')`), 3000],
    ['quotes that hold brackets', insert(2000, () => `('a)(', "b''\\")", \`x(\`)`), 2000],
    ['rows named so', insert(2000, (index) => `ROW(${index}, UPPER('x'))`), 2000],
    ['an update of duplicates', insert(4000, () => '(1, 2)', ' ON DUPLICATE KEY UPDATE a = VALUES(a), b = (1)'), 4000],
    ['a query among them', insert(2000, () => '(1, (SELECT 2 FROM s))'), 2000],
    ['a comment among them', insert(2000, () => '(1, 2) /* (3, 4), */'), 2000],
  ])('is counted: %s', (_, text, count) => {
    const { listed, tables } = shapeOf(text);
    expect(text.length).toBeGreaterThan(20_000);
    expect(listed).toBe(count);
    expect(tables[0]).toEqual({ schema: 'd', name: 't', use: 'change' });
  });

  it('is no list when a query comes behind much text', () => {
    const text = `INSERT INTO t SELECT '${'x'.repeat(20_000)}' FROM s`;
    expect(shapeOf(text).listed).toBeUndefined();
    expect(shapeOf(text).tables.map(({ name }) => name)).toEqual(['t', 's']);
  });
});
