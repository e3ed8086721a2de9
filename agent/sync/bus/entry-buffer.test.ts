import { describe, expect, it } from 'vitest';
import type { StreamEntry } from '../stream-entry.ts';
import { EntryBuffer } from './entry-buffer.ts';

const MIB = 1024 * 1024;

/** An event of one row of so many bytes. */
const entry = (index: number, bytes: number): StreamEntry => ({
  index,
  event: {
    event_type: 'insert',
    fields: ['text'],
    rows: [{ text: 'x'.repeat(bytes) }],
    index,
    event_schema: 's',
    table: 't',
  },
});

describe('EntryBuffer', () => {
  const indexes = (entries: readonly StreamEntry[]): number[] => entries.map(({ index }) => index);

  it('gives no more at once than one push can carry, and always something', () => {
    const buffer = new EntryBuffer({ index: 0, position: undefined });
    for (const [at, size] of [3, 3, 3, 20, 1, 1].entries()) buffer.append(entry(at + 1, size * MIB));
    expect(indexes(buffer.after(0, 100))).toEqual([1, 2]);
    expect(indexes(buffer.after(2, 100))).toEqual([3]);
    expect(indexes(buffer.after(3, 100))).toEqual([4]);
    expect(indexes(buffer.after(4, 100))).toEqual([5, 6]);
    expect(indexes(buffer.after(4, 1))).toEqual([5]);
  });
});
