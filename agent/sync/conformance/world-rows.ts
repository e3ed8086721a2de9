import type { SnapshotChunk, SnapshotCursor, SnapshotReader } from '../snapshot.ts';
import type { StreamEntry } from '../stream-entry.ts';
import type { SourceWorld } from './source-under-test.ts';

type IsSo = (entries: readonly StreamEntry[]) => boolean;

/** Looks for rows of a world in what its source gave. */
export class WorldRows {
  readonly #world: SourceWorld;

  constructor(world: SourceWorld) {
    this.#world = world;
  }

  /** The entries about a key, in order. */
  entriesOf(entries: readonly StreamEntry[], key: number): StreamEntry[] {
    return entries.filter(({ event }) => event?.rows.some((row) => this.#world.keyOf(row) === key));
  }

  /** The versions that changes of a key brought, in order. */
  versionsOf(entries: readonly StreamEntry[], key: number): number[] {
    return entries.flatMap(({ event }) =>
      event === undefined || event.event_type === 'delete'
        ? []
        : event.rows.filter((row) => this.#world.keyOf(row) === key).map((row) => this.#world.versionOf(row)),
    );
  }

  has(key: number, version: number): IsSo {
    return (entries) => this.versionsOf(entries, key).includes(version);
  }

  hasAll(keys: readonly number[], version: number): IsSo {
    return (entries) => keys.every((key) => this.has(key, version)(entries));
  }

  hasDeletion(key: number): IsSo {
    return (entries) => this.entriesOf(entries, key).some(({ event }) => event?.event_type === 'delete');
  }

  async putAll(keys: readonly number[], version: number): Promise<void> {
    for (const key of keys) await this.#world.put(key, version);
  }

  /** Key and version of each row of chunks, by key. */
  inChunks(chunks: readonly SnapshotChunk[]): [key: number, version: number][] {
    return chunks
      .flatMap(({ rows }) => rows)
      .filter((row) => Number.isInteger(this.#world.keyOf(row)))
      .map((row): [number, number] => [this.#world.keyOf(row), this.#world.versionOf(row)])
      .sort(([a], [b]) => a - b);
  }
}

/** The chunks behind a cursor. */
export async function readChunks(
  reader: SnapshotReader,
  rows: number,
  after?: SnapshotCursor,
): Promise<SnapshotChunk[]> {
  const chunks: SnapshotChunk[] = [];
  for (let cursor = after; ;) {
    const chunk = await reader.next(cursor, rows, new AbortController().signal);
    if (chunk === undefined) return chunks;
    chunks.push(chunk);
    cursor = asKept(chunk.cursor);
  }
}

/** As it comes back from a status. */
export const asKept = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** What a test has made sure of. */
export function there<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('it should be there');
  return value;
}
