import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { SnapshotReader } from '../snapshot.ts';
import type { Source } from '../source.ts';
import type { SourcePosition } from '../stream-entry.ts';
import { SnapshotRace } from './snapshot-race.ts';
import { SourceReader } from './source-reader.ts';
import type { SourceUnderTest } from './source-under-test.ts';
import { asKept, readChunks, there } from './world-rows.ts';

const WRITERS = 8;
const ROWS = 64;
const ROUNDS = 3;
/** JSON of a cursor; facts: snapshot.ts. */
const CURSOR_BYTES = 4 * 1024;

/** What every source's snapshots do. */
export function snapshotTests(current: () => SourceUnderTest): void {
  const { signal } = new AbortController();
  const openSnapshot = (source: Source, after?: SourcePosition): Promise<SnapshotReader> =>
    source.openSnapshot({ wanted: undefined, after }, signal);

  it('reads all rows in chunks of the asked size, and goes on behind any of them', async () => {
    const { rows } = current();
    const keys = Array.from({ length: 25 }, (_, key) => key);
    await rows.putAll(keys, 1);
    const reader = await openSnapshot(current().open());
    const chunks = await readChunks(reader, 10);
    expect(rows.inChunks(chunks)).toEqual(keys.map((key) => [key, 1]));
    expect(chunks.every((chunk) => chunk.rows.length <= 10)).toBe(true);
    expect(chunks.every(({ cursor }) => JSON.stringify(cursor).length <= CURSOR_BYTES)).toBe(true);
    const all = chunks.flatMap((chunk) => chunk.keys);
    expect(new Set(all).size).toBe(all.length);
    expect(chunks.map((chunk) => chunk.keys.length)).toEqual(chunks.map((chunk) => chunk.rows.length));
    await reader.close();
    const later = await openSnapshot(current().open());
    const first = there(chunks[0]);
    expect(rows.inChunks([first, ...(await readChunks(later, 7, asKept(first.cursor)))])).toEqual(
      rows.inChunks(chunks),
    );
    await later.close();
  });

  it('finds nothing where there is nothing', async () => {
    const { rows } = current();
    const reader = await openSnapshot(current().open());
    expect(rows.inChunks(await readChunks(reader, 10))).toEqual([]);
    await reader.close();
  });

  it('reads a chunk anew when its cursor is asked for again', async () => {
    const { world, rows } = current();
    await rows.putAll([1, 2, 3, 4], 1);
    const reader = await openSnapshot(current().open());
    const first = await reader.next(undefined, 2, signal);
    await reader.next(first?.cursor, 2, signal);
    await world.put(1, 2);
    await world.put(4, 2);
    const again = rows.inChunks(await readChunks(reader, 100));
    expect(again).toEqual([1, 2, 3, 4].map((key) => [key, key % 3 === 1 ? 2 : 1]));
    await reader.close();
  });

  it('gives the same row, fields and key in the stream and in a snapshot', async () => {
    const { world, rows } = current();
    const source = current().open();
    const reader = await SourceReader.open(source);
    await world.put(7, 1);
    await reader.until(rows.has(7, 1));
    const { event, touched } = there(rows.entriesOf(reader.entries, 7).at(-1));
    const snapshot = await openSnapshot(source, reader.checkpoint?.position);
    const isIt = (row: Readonly<Record<string, unknown>>): boolean => world.keyOf(row) === 7;
    const chunk = there((await readChunks(snapshot, 100)).find((one) => one.rows.some(isIt)));
    const at = chunk.rows.findIndex(isIt);
    expect(chunk.rows[at]).toEqual(event?.rows.find(isIt));
    expect([chunk.event_schema, chunk.table]).toEqual([event?.event_schema, event?.table]);
    expect(chunk.fields).toEqual(event?.fields);
    const { keys, prefixes = [] } = there(touched)();
    const key = there(chunk.keys[at]);
    expect(keys.includes(key) || prefixes.some((prefix) => key.startsWith(prefix))).toBe(true);
    await snapshot.close();
    await reader.stop();
  });

  it('knows which transactions a chunk saw, and is covered in the end on an idle source too', async () => {
    const { world, rows } = current();
    const source = current().open();
    const reader = await SourceReader.open(source);
    await world.put(1, 1);
    await reader.until(rows.has(1, 1));
    const snapshot = await openSnapshot(source, reader.checkpoint?.position);
    const chunk = there(await snapshot.next(undefined, 100, signal));
    const { position } = there(reader.checkpoint);
    await world.put(1, 2);
    await reader.until(rows.has(1, 2));
    const transactionOf = (version: number): unknown =>
      reader.entries.find((entry) => rows.has(1, version)([entry]))?.transaction;
    expect(chunk.sees(transactionOf(1))).toBe(true);
    expect(chunk.sees(transactionOf(2))).toBe(false);
    const later = there(await snapshot.next(undefined, 100, signal));
    expect(later.sees(transactionOf(2))).toBe(true);
    expect(later.isCoveredBy(position)).toBe(false);
    await expect
      .poll(() => reader.checkpoint !== undefined && later.isCoveredBy(reader.checkpoint.position))
      .toBe(true);
    await snapshot.close();
    await reader.stop();
  });

  it('lets a snapshot among changes end with what the source has, and no version go back', async () => {
    const { world, rows } = current();
    const keys = Array.from({ length: ROWS }, (_, key) => key);
    await rows.putAll(keys, 0);
    const source = current().open();
    const reader = await SourceReader.open(source);
    const race = new SnapshotRace(world, reader);
    const truth = new Map(keys.map((key) => [key, 0]));
    let writing = true;
    const write = async (key: number, version: number): Promise<void> => {
      if (world.remove !== undefined && (version + key) % 3 === 0 && truth.delete(key)) return world.remove(key);
      truth.set(key, version);
      await world.put(key, version);
    };
    const writers = Array.from({ length: WRITERS }, async (_, writer) => {
      const own = keys.filter((key) => key % WRITERS === writer);
      for (let step = 0; writing; step += 1) {
        await write(there(own[step % own.length]), 1 + Math.floor(step / own.length));
        await delay(1);
      }
    });
    race.record();
    for (let round = 0; round < ROUNDS; round += 1) {
      race.takeChanges();
      const snapshot = await openSnapshot(source, reader.checkpoint?.position);
      await race.snapshot(snapshot, 10);
      await snapshot.close();
    }
    writing = false;
    await Promise.all(writers);
    const sorted = (of: ReadonlyMap<number, number>): [number, number][] => [...of].sort(([a], [b]) => a - b);
    await expect
      .poll(() => {
        race.takeChanges();
        return sorted(race.rows);
      })
      .toEqual(sorted(truth));
    await reader.stop();
  });
}
