import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PositionLostError, SourceError } from '../source.ts';
import type { SourceConfig } from '../source.ts';
import type { SnapshotChunk, SnapshotCursor, SnapshotReader } from '../snapshot.ts';
import type { StreamEntry } from '../stream-entry.ts';
import { SnapshotRace } from './snapshot-race.ts';
import { SourceReader } from './source-reader.ts';
import { SourceUnderTest } from './source-under-test.ts';
import type { SourceWorld } from './source-under-test.ts';

const WRITERS = 8;
const POLL_BYTES = 16 * 1024;
const CURSOR_BYTES = 4 * 1024;

/** What every source does, whatever it reads. `create` makes a new, empty place for each test. */
export function describeSource(name: string, create: () => Promise<SourceWorld>): void {
  describe(`the source ${name}`, () => {
    let test: SourceUnderTest;
    let world: SourceWorld;
    const { signal } = new AbortController();

    beforeEach(async () => {
      world = await create();
      test = new SourceUnderTest(world);
    });
    afterEach(() => test?.close());

    /** The events of a key, in order. */
    const eventsOf = (entries: readonly StreamEntry[], key: number): StreamEntry[] =>
      entries.filter(({ event }) => event?.rows.some((row) => world.keyOf(row) === key));
    const has =
      (key: number, version: number) =>
      (entries: readonly StreamEntry[]): boolean =>
        entries.some(
          ({ event }) =>
            event !== undefined &&
            event.event_type !== 'delete' &&
            event.rows.some((row) => world.keyOf(row) === key && world.versionOf(row) === version),
        );
    const hasDeletion =
      (key: number) =>
      (entries: readonly StreamEntry[]): boolean =>
        eventsOf(entries, key).some(({ event }) => event?.event_type === 'delete');
    const putAll = async (keys: readonly number[], version: number): Promise<void> => {
      for (const key of keys) await world.put(key, version);
    };
    const chunksOf = async (reader: SnapshotReader, rows: number, from?: SnapshotCursor): Promise<SnapshotChunk[]> => {
      const chunks: SnapshotChunk[] = [];
      for (let cursor = from; ;) {
        const chunk = await reader.next(cursor, rows, signal);
        if (chunk === undefined) return chunks;
        chunks.push(chunk);
        // As it is kept in a status.
        cursor = JSON.parse(JSON.stringify(chunk.cursor)) as SnapshotCursor;
      }
    };
    const rowsOf = (chunks: readonly SnapshotChunk[]): [number, number][] =>
      chunks
        .flatMap(({ rows }) => rows)
        .filter((row) => Number.isInteger(world.keyOf(row)))
        .map((row): [number, number] => [world.keyOf(row), world.versionOf(row)])
        .sort(([a], [b]) => a - b);

    it('brings what changes after its first start, in order', async () => {
      await world.put(1, 0);
      const reader = await SourceReader.open(test.open());
      for (const version of [1, 2, 3]) await world.put(1, version);
      await world.put(2, 1);
      await reader.until((entries) => has(1, 3)(entries) && has(2, 1)(entries));
      const versions = eventsOf(reader.entries, 1).map(({ event }) => world.versionOf(event!.rows[0]!));
      expect(versions).toEqual(versions.toSorted((a, b) => a - b));
      if (!world.coalesces) expect(versions).toEqual([1, 2, 3]);
      await reader.stop();
    });

    it('gives events that consumers can take: growing safe indexes, JSON rows of the named fields', async () => {
      const reader = await SourceReader.open(test.open());
      await putAll([1, 2, 3], 1);
      await reader.until((entries) => [1, 2, 3].every((key) => has(key, 1)(entries)));
      await reader.stop();
      const indexes = reader.entries.map(({ index }) => index);
      expect(indexes.every((index) => Number.isSafeInteger(index) && index >= 0)).toBe(true);
      expect(indexes).toEqual([...new Set(indexes)].toSorted((a, b) => a - b));
      for (const { event, index, position } of reader.entries) {
        if (event !== undefined) expect(event.index).toBe(index);
        for (const row of event?.rows ?? []) {
          expect(JSON.parse(JSON.stringify(row))).toEqual(row);
          expect(event?.fields).toEqual(expect.arrayContaining(Object.keys(row)));
        }
        expect(JSON.stringify(position ?? {}).length).toBeLessThanOrEqual(POLL_BYTES);
      }
    });

    it('begins above the index that it is given', async () => {
      const afterIndex = 2 ** 52;
      const reader = await SourceReader.open(test.open(), { afterIndex });
      await world.put(1, 1);
      await reader.until(has(1, 1));
      await reader.stop();
      expect(reader.entries.every(({ index }) => index > afterIndex)).toBe(true);
    });

    it('goes on behind a checkpoint with what has happened since, also while nobody read', async () => {
      const first = await SourceReader.open(test.open());
      await world.put(1, 1);
      await first.until(has(1, 1));
      await first.until(() => (first.checkpoint?.index ?? -1) >= eventsOf(first.entries, 1).at(-1)!.index);
      const checkpoint = await first.commit();
      await first.stop();
      await putAll([2, 3], 1);
      await world.remove?.(2);
      const second = await SourceReader.open(test.open(), { checkpoint });
      await second.until(has(3, 1));
      if (world.remove !== undefined && !world.coalesces) await second.until(hasDeletion(2));
      expect(has(1, 1)(second.entries.filter(({ index }) => index > checkpoint.index))).toBe(false);
      await second.stop();
    });

    it('begins again from a checkpoint as often as it is asked, until a later one is released', async () => {
      const first = await SourceReader.open(test.open());
      const checkpoint = await first.commit();
      await putAll([1, 2, 3, 4], 1);
      await first.until((entries) => [1, 2, 3, 4].every((key) => has(key, 1)(entries)));
      await first.stop();
      const second = await SourceReader.open(test.open(), { checkpoint });
      await second.until((entries) => [1, 2, 3, 4].every((key) => has(key, 1)(entries)));
      await second.stop();
      if (!world.indexesRepeat) return;
      const indexesOf = ({ entries }: SourceReader): number[] =>
        entries.filter(({ event }) => event !== undefined).map(({ index }) => index);
      expect(indexesOf(second)).toEqual(indexesOf(first));
    });

    it('tells of deletions, with the key of the row at least', async () => {
      if (world.remove === undefined) return;
      await world.put(1, 1);
      const reader = await SourceReader.open(test.open());
      await world.remove(1);
      await reader.until(hasDeletion(1));
      await reader.stop();
    });

    it('says so when the position is lost', async () => {
      if (world.losePositions === undefined) return;
      const first = await SourceReader.open(test.open());
      await world.put(1, 1);
      await first.until(has(1, 1));
      const checkpoint = await first.commit();
      await first.stop();
      await world.losePositions(test.tools);
      const second = await SourceReader.open(test.open(), { checkpoint });
      await expect.poll(() => second.failure).toBeInstanceOf(PositionLostError);
      const third = await SourceReader.open(test.open(), { afterIndex: checkpoint.index });
      await world.put(2, 1);
      await third.until(has(2, 1));
      await third.stop();
    });

    it('reads all rows in chunks of the asked size, and goes on behind any of them', async () => {
      const keys = Array.from({ length: 25 }, (_, key) => key);
      await putAll(keys, 1);
      const source = test.open();
      const reader = await source.openSnapshot({ wanted: undefined, after: undefined }, signal);
      const chunks = await chunksOf(reader, 10);
      expect(rowsOf(chunks)).toEqual(keys.map((key) => [key, 1]));
      expect(chunks.every(({ rows }) => rows.length <= 10)).toBe(true);
      expect(chunks.every(({ cursor }) => JSON.stringify(cursor).length <= CURSOR_BYTES)).toBe(true);
      const all = chunks.flatMap((chunk) => chunk.keys);
      expect(new Set(all).size).toBe(all.length);
      expect(chunks.every((chunk) => chunk.keys.length === chunk.rows.length)).toBe(true);
      await reader.close();
      const later = await test.open().openSnapshot({ wanted: undefined, after: undefined }, signal);
      const cursor = JSON.parse(JSON.stringify(chunks[0]!.cursor)) as SnapshotCursor;
      expect(rowsOf([chunks[0]!, ...(await chunksOf(later, 7, cursor))])).toEqual(rowsOf(chunks));
      await later.close();
    });

    it('reads a chunk anew when its cursor is asked for again', async () => {
      await putAll([1, 2, 3, 4], 1);
      const reader = await test.open().openSnapshot({ wanted: undefined, after: undefined }, signal);
      const first = await reader.next(undefined, 2, signal);
      await reader.next(first?.cursor, 2, signal);
      await world.put(1, 2);
      await world.put(4, 2);
      expect(rowsOf((await chunksOf(reader, 100)).slice(0))).toEqual(
        [1, 2, 3, 4].map((key) => [key, key % 3 === 1 ? 2 : 1]),
      );
      await reader.close();
    });

    it('gives the same row, fields and key in the stream and in a snapshot', async () => {
      const source = test.open();
      const reader = await SourceReader.open(source);
      await world.put(7, 1);
      await reader.until(has(7, 1));
      const { event, touched } = eventsOf(reader.entries, 7).at(-1)!;
      const snapshot = await source.openSnapshot({ wanted: undefined, after: reader.checkpoint?.position }, signal);
      const chunk = (await chunksOf(snapshot, 100)).find(({ rows }) => rows.some((row) => world.keyOf(row) === 7))!;
      const at = chunk.rows.findIndex((row) => world.keyOf(row) === 7);
      expect(chunk.rows[at]).toEqual(event!.rows[0]);
      expect([chunk.event_schema, chunk.table, [...chunk.fields]]).toEqual([
        ...[event!.event_schema, event!.table, [...event!.fields]],
      ]);
      const { keys, prefixes = [] } = touched!();
      const key = chunk.keys[at]!;
      expect(keys.includes(key) || prefixes.some((prefix) => key.startsWith(prefix))).toBe(true);
      await snapshot.close();
      await reader.stop();
    });

    it('knows which transactions a chunk saw, and is covered in the end on an idle source too', async () => {
      const source = test.open();
      const reader = await SourceReader.open(source);
      await world.put(1, 1);
      await reader.until(has(1, 1));
      const snapshot = await source.openSnapshot({ wanted: undefined, after: reader.checkpoint?.position }, signal);
      const chunk = (await snapshot.next(undefined, 100, signal))!;
      await world.put(1, 2);
      await reader.until(has(1, 2));
      const transactionOf = (version: number): unknown =>
        reader.entries.find((entry) => has(1, version)([entry]))?.transaction;
      expect(chunk.sees(transactionOf(1))).toBe(true);
      expect(chunk.sees(transactionOf(2))).toBe(false);
      const later = (await snapshot.next(undefined, 100, signal))!;
      expect(later.sees(transactionOf(2))).toBe(true);
      await expect.poll(() => later.isCoveredBy(reader.checkpoint!.position)).toBe(true);
      await snapshot.close();
      await reader.stop();
    });

    it('lets a snapshot among changes end with what the source has, and no version go back', async () => {
      const keys = Array.from({ length: 64 }, (_, key) => key);
      await putAll(keys, 0);
      const source = test.open();
      const reader = await SourceReader.open(source);
      const race = new SnapshotRace(world, reader);
      const truth = new Map(keys.map((key) => [key, 0]));
      let writing = true;
      const writers = Array.from({ length: WRITERS }, async (_, writer) => {
        const own = keys.filter((key) => key % WRITERS === writer);
        for (let version = 1; writing; version += 1)
          for (const key of own) {
            if (!writing) break;
            if (world.remove !== undefined && (version + key) % 3 === 0 && truth.delete(key)) await world.remove(key);
            else {
              truth.set(key, version);
              await world.put(key, version);
            }
            await delay(1);
          }
      });
      race.record();
      for (let round = 0; round < 3; round += 1) {
        race.takeChanges();
        const snapshot = await source.openSnapshot({ wanted: undefined, after: reader.checkpoint?.position }, signal);
        await race.snapshot(snapshot, 10);
        await snapshot.close();
      }
      writing = false;
      await Promise.all(writers);
      const sorted = (rows: ReadonlyMap<number, number>): [number, number][] => [...rows].sort(([a], [b]) => a - b);
      await expect
        .poll(() => {
          race.takeChanges();
          return sorted(race.rows);
        })
        .toEqual(sorted(truth));
      await reader.stop();
    });

    it('ends its stream when it is told to, and closes twice', async () => {
      const source = test.open();
      const reader = await SourceReader.open(source);
      await reader.stop();
      expect(reader.failure).toBeUndefined();
      await source.close();
      await source.close();
    });

    it('tells in plain words of a login that is refused and of a server that does not answer', async () => {
      const failureWith = async (config: SourceConfig): Promise<SourceError> => {
        const { failure } = await SourceReader.open(test.open(config));
        expect(failure).toBeInstanceOf(SourceError);
        return failure as SourceError;
      };
      if (world.refused !== undefined) {
        const refused = await failureWith(world.refused);
        expect([refused.reason, refused.retryable]).toEqual(['AuthenticationFailed', false]);
        for (const secret of Object.values(world.refused.credential?.data ?? {}).slice(1))
          expect(refused.message).not.toContain(secret);
      }
      if (world.unreachable !== undefined) {
        const unreachable = await failureWith(world.unreachable);
        expect([unreachable.reason, unreachable.retryable]).toEqual(['ConnectionFailed', true]);
      }
    });

    it('has the same signature for the same place and another for another, without secrets', () => {
      const { driver, config } = world;
      expect(driver.signature(config, 'uid')).toBe(driver.signature({ ...config, id: 'other' }, 'uid'));
      expect(driver.signature(config, 'uid')).not.toBe(driver.signature({ ...config, uri: `${config.uri}1` }, 'uid'));
      const secrets = [config.credential?.data['passwd'], config.credential?.data['key']].filter(Boolean);
      for (const secret of secrets) expect(driver.signature(config, 'uid')).not.toContain(secret);
    });

    it('has a wizard whose validations are its actions, and all of them succeed', async () => {
      const { wizard, actions } = world.driver;
      const steps = wizard.steps.flatMap(({ validations }) => validations);
      expect(Object.keys(actions)).toEqual(expect.arrayContaining(steps));
      if (world.actionInput === undefined) return;
      for (const step of steps) {
        const result = await actions[step as keyof typeof actions]!(world.actionInput, signal);
        expect(result, step).toMatchObject({ success: true, message: expect.any(String) });
      }
    });
  });
}
