import { describe, expect, it } from 'vitest';
import type { SnapshotChunk } from '../snapshot.ts';
import type { StreamEntry } from '../stream-entry.ts';
import { SnapshotGuard } from './snapshot-guard.ts';

const chunk = (...seen: number[]): SnapshotChunk => ({
  event_schema: 's',
  table: 't',
  fields: [],
  rows: [],
  keys: [],
  cursor: {},
  progress: { tablesDone: 0, tablesTotal: 1 },
  sees: (transaction) => seen.includes(transaction as number),
  isCoveredBy: () => true,
});

const entry = (transaction: number, keys: string[], prefixes?: string[]): StreamEntry => ({
  index: transaction,
  transaction,
  touched: () => ({ keys, ...(prefixes && { prefixes }) }),
});

describe('SnapshotGuard', () => {
  it('holds back rows that were touched by what the chunk did not see, before and after the chunk was read', () => {
    const guard = new SnapshotGuard();
    guard.record(entry(1, ['a']));
    guard.record(entry(2, ['b']));
    guard.enter(chunk(1));
    guard.record(entry(3, ['c', 'd']));
    expect(['a', 'b', 'c', 'd', 'e'].filter((key) => guard.isStale(key))).toEqual(['b', 'c', 'd']);
  });

  it('asks a later chunk anew about what an earlier one did not see', () => {
    const guard = new SnapshotGuard();
    guard.enter(chunk());
    guard.record(entry(1, ['a']));
    guard.record(entry(2, ['b']));
    guard.leave();
    expect(guard.isStale('a')).toBe(false);
    guard.enter(chunk(1));
    expect(['a', 'b'].filter((key) => guard.isStale(key))).toEqual(['b']);
  });

  it('holds back all that lies under a folder that was moved', () => {
    const guard = new SnapshotGuard();
    guard.enter(chunk());
    guard.record(entry(1, [], ['/data/old/']));
    expect(['/data/old/x', '/data/old/y/z', '/data/older'].map((key) => guard.isStale(key))).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('lets rows through that have no key', () => {
    const guard = new SnapshotGuard();
    guard.enter(chunk());
    guard.record(entry(1, ['']));
    guard.record(entry(2, [], ['']));
    expect(guard.isStale('')).toBe(false);
  });

  it('forgets what a chunk has seen, and is full when it would hold too much', () => {
    const guard = new SnapshotGuard(10);
    for (let n = 0; n < 5; n += 1) guard.record(entry(n, ['a']));
    expect([guard.size, guard.isFull]).toEqual([10, false]);
    guard.enter(chunk(0, 1, 2, 3));
    expect(guard.size).toBe(2);
    guard.record(entry(3, ['b']));
    expect(guard.size).toBe(2);
    for (let n = 5; n < 1000; n += 1) guard.record(entry(n, ['a', 'b', 'c']));
    expect(guard.isFull).toBe(true);
    expect(guard.size).toBeLessThan(20);
  });

  it('does not ask an entry what it touched that the chunk has seen', () => {
    const guard = new SnapshotGuard();
    guard.enter(chunk(1));
    guard.record({
      index: 1,
      transaction: 1,
      touched: () => {
        throw new Error('asked');
      },
    });
    expect(guard.size).toBe(0);
  });
});
