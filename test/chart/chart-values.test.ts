import { describe, expect, it } from 'vitest';
import { readChartValues } from '../../scripts/chart-values.ts';

describe('readChartValues', () => {
  it('reads what a value means, its default and its schema', () => {
    const text = [
      '# Not about a value.',
      '',
      'a:',
      '  # -- How many.',
      '  # More of it.',
      '  # @schema {minimum: 1,',
      '  # @schema maximum: 3}',
      '  count: 2',
      '# -- A map as a whole.',
      'map:',
      '  # Within it nothing is a value of its own.',
      '  key: {b: c}',
      '# -- Nothing yet.',
      'list: []',
      '',
    ].join('\n');
    expect(readChartValues(text)).toEqual([
      {
        path: ['a', 'count'],
        defaultValue: 2,
        description: 'How many.\nMore of it.',
        schema: { minimum: 1, maximum: 3 },
      },
      { path: ['map'], defaultValue: { key: { b: 'c' } }, description: 'A map as a whole.', schema: {} },
      { path: ['list'], defaultValue: [], description: 'Nothing yet.', schema: {} },
    ]);
  });

  it('refuses a value that nothing is said about', () => {
    expect(() => readChartValues('a:\n  # Just a comment.\n  b: 1\n')).toThrow(
      /a\.b has no comment that begins with # --/,
    );
  });
});
