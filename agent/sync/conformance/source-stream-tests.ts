import { expect, it } from 'vitest';
import { PositionLostError } from '../source.ts';
import { SourceReader } from './source-reader.ts';
import type { SourceUnderTest } from './source-under-test.ts';
import { there } from './world-rows.ts';

/** JSON of a position; facts: stream-entry.ts. */
const POSITION_BYTES = 16 * 1024;

/** What every source's stream does, or its bus. */
export function streamTests(current: () => SourceUnderTest): void {
  it('brings what changes after its first start, in order', async () => {
    const { world, rows } = current();
    await world.put(1, 0);
    const reader = await SourceReader.open(current().open());
    for (const version of [1, 2, 3]) await world.put(1, version);
    await world.put(2, 1);
    await reader.until((entries) => rows.has(1, 3)(entries) && rows.has(2, 1)(entries));
    const versions = rows.versionsOf(reader.entries, 1);
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    if (!world.coalesces) expect(versions).toEqual([1, 2, 3]);
    await reader.stop();
  });

  it('gives events that consumers can take: growing safe indexes, JSON rows of the named fields', async () => {
    const { rows } = current();
    const reader = await SourceReader.open(current().open());
    await rows.putAll([1, 2, 3], 1);
    await reader.until(rows.hasAll([1, 2, 3], 1));
    await reader.stop();
    const indexes = reader.entries.map(({ index }) => index);
    expect(indexes.every((index) => Number.isSafeInteger(index) && index >= 0)).toBe(true);
    expect(indexes).toEqual([...new Set(indexes)].toSorted((a, b) => a - b));
    for (const { event, index, position = {} } of reader.entries) {
      if (event !== undefined) expect(event.index).toBe(index);
      for (const row of event?.rows ?? []) {
        expect(JSON.parse(JSON.stringify(row))).toEqual(row);
        expect(event?.fields).toEqual(expect.arrayContaining(Object.keys(row)));
      }
      expect(JSON.stringify(position).length).toBeLessThanOrEqual(POSITION_BYTES);
    }
  });

  it('begins above the index that it is given', async () => {
    const { world, rows } = current();
    const afterIndex = 2 ** 52;
    const reader = await SourceReader.open(current().open(), { afterIndex });
    await world.put(1, 1);
    await reader.until(rows.has(1, 1));
    const checkpoint = await reader.commit();
    await reader.stop();
    expect(reader.entries.every(({ index }) => index > afterIndex)).toBe(true);
    const second = await SourceReader.open(current().open(), { checkpoint });
    await world.put(1, 2);
    await second.until(rows.has(1, 2));
    await second.stop();
    expect(there(rows.entriesOf(second.entries, 1).at(-1)).index).toBeGreaterThan(checkpoint.index);
  });

  it('goes on behind a checkpoint with what has happened since, also while nobody read', async () => {
    const { world, rows } = current();
    const first = await SourceReader.open(current().open());
    await world.put(1, 1);
    await first.until(rows.has(1, 1));
    const last = there(rows.entriesOf(first.entries, 1).at(-1));
    await first.until(() => (first.checkpoint?.index ?? -1) >= last.index);
    const checkpoint = await first.commit();
    await first.stop();
    await rows.putAll([2, 3], 1);
    await world.remove?.(2);
    const second = await SourceReader.open(current().open(), { checkpoint });
    await second.until(rows.has(3, 1));
    if (world.remove !== undefined && !world.coalesces) await second.until(rows.hasDeletion(2));
    expect(rows.has(1, 1)(second.entries.filter(({ index }) => index > last.index))).toBe(false);
    await second.stop();
  });

  it('begins again from a checkpoint as often as it is asked, until a later one is released', async () => {
    const { world, rows } = current();
    const first = await SourceReader.open(current().open());
    const checkpoint = await first.commit();
    await rows.putAll([1, 2, 3, 4], 1);
    await first.until(rows.hasAll([1, 2, 3, 4], 1));
    await first.stop();
    const second = await SourceReader.open(current().open(), { checkpoint });
    await second.until(rows.hasAll([1, 2, 3, 4], 1));
    await second.stop();
    if (!world.indexesRepeat) return;
    const indexesOf = ({ entries }: SourceReader): number[] =>
      entries.filter(({ event }) => event !== undefined).map(({ index }) => index);
    expect(indexesOf(second)).toEqual(indexesOf(first));
  });

  it('tells of deletions, with the key of the row at least', async () => {
    const { world, rows } = current();
    if (world.remove === undefined) return;
    await world.put(1, 1);
    const reader = await SourceReader.open(current().open());
    await world.remove(1);
    await reader.until(rows.hasDeletion(1));
    await reader.stop();
  });

  it('says so when the position is lost, and begins anew then above the index of the consumer', async () => {
    const { world, rows, tools } = current();
    if (world.losePositions === undefined) return;
    const first = await SourceReader.open(current().open());
    await world.put(1, 1);
    await first.until(rows.has(1, 1));
    const checkpoint = await first.commit();
    await first.stop();
    await world.losePositions(tools);
    const second = await SourceReader.open(current().open(), { checkpoint });
    await expect.poll(() => second.failure).toBeInstanceOf(PositionLostError);
    const third = await SourceReader.open(current().open(), { afterIndex: checkpoint.index });
    await world.put(2, 1);
    await third.until(rows.has(2, 1));
    await third.stop();
    expect(there(rows.entriesOf(third.entries, 2).at(-1)).index).toBeGreaterThan(checkpoint.index);
  });

  it('leaves out what nobody wants, in the stream as in a snapshot', async () => {
    const { world, rows } = current();
    if (world.versionField === undefined) return;
    const source = current().open();
    const wanted = [world.versionField];
    const reader = await SourceReader.open(source, { wanted });
    await world.put(1, 1);
    await reader.until(rows.has(1, 1));
    const { event } = there(rows.entriesOf(reader.entries, 1).at(-1));
    const { signal } = new AbortController();
    const snapshot = await source.openSnapshot({ wanted, after: undefined }, signal);
    const chunk = there(await snapshot.next(undefined, 10, signal));
    expect(chunk.rows).toEqual(event?.rows);
    expect(chunk.fields).toEqual(event?.fields);
    await snapshot.close();
    await reader.stop();
    const none = await source.openSnapshot({ wanted: ['no.such.field'], after: undefined }, signal);
    expect(await none.next(undefined, 10, signal)).toBeUndefined();
    await none.close();
  });

  it('ends its stream when it is told to, and closes twice', async () => {
    const source = current().open();
    const reader = await SourceReader.open(source);
    await reader.stop();
    expect(reader.failure).toBeUndefined();
    await source.close();
    await source.close();
  });
}
