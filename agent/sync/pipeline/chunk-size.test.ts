import { describe, expect, it } from 'vitest';
import type { SnapshotChunk } from '../snapshot.ts';
import { ChunkSize } from './chunk-size.ts';

const chunk = (table: string, rows: number, bytes: number): SnapshotChunk => ({
  event_schema: 's',
  table,
  fields: ['text'],
  rows: Array.from({ length: rows }, () => ({ text: 'x'.repeat(bytes) })),
  keys: [],
  cursor: {},
  progress: { tablesDone: 0, tablesTotal: 1 },
  sees: () => true,
  isCoveredBy: () => true,
});

describe('ChunkSize', () => {
  it('grows while rows are small, up to a bound', () => {
    const size = new ChunkSize();
    const sizes = Array.from({ length: 6 }, () => {
      const { rows } = size;
      size.learn(chunk('t', rows, 100));
      return rows;
    });
    expect(sizes).toEqual([16, 64, 256, 1024, 4000, 4000]);
  });

  it('falls to what fits into memory when rows are large, to one at least', () => {
    const size = new ChunkSize();
    size.learn(chunk('t', 16, 1_000_000));
    expect(size.rows).toBe(8);
    size.learn(chunk('t', 1, 20_000_000));
    expect(size.rows).toBe(1);
  });

  it('begins anew with each table, and learns nothing of a chunk without rows', () => {
    const size = new ChunkSize();
    size.learn(chunk('a', 16, 100));
    size.learn(chunk('b', 0, 0));
    expect(size.rows).toBe(16);
    size.learn(chunk('b', 16, 100));
    size.learn(chunk('b', 0, 0));
    expect(size.rows).toBe(64);
  });
});
