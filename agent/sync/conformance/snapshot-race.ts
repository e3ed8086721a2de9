import { expect } from 'vitest';
import type { SnapshotChunk, SnapshotCursor, SnapshotReader } from '../snapshot.ts';
import type { SourcePosition, StreamEntry } from '../stream-entry.ts';
import type { SourceReader } from './source-reader.ts';
import type { SourceWorld } from './source-under-test.ts';

/**
 * Brings the changes and a snapshot of one world together as a pipeline must: each chunk waits until the changes cover it,
 * and rows of it that a transaction touched which it does not see are dropped. Keeps what a consumer would have.
 */
export class SnapshotRace {
  readonly rows = new Map<number, number>();
  readonly #world: SourceWorld;
  readonly #reader: SourceReader;
  readonly #newest = new Map<number, number>();
  #taken = 0;
  #cursor: SourcePosition | undefined;
  #recorded: StreamEntry[] | undefined;

  constructor(world: SourceWorld, reader: SourceReader) {
    this.#world = world;
    this.#reader = reader;
  }

  /** Sends changes that have come: all, or a part of them. */
  takeChanges(part = 1): void {
    const waiting = this.#reader.entries.length - this.#taken;
    const entries = this.#reader.entries.slice(this.#taken, this.#taken + Math.ceil(waiting * part));
    this.#taken += entries.length;
    this.#cursor = entries.findLast(({ position }) => position !== undefined)?.position ?? this.#cursor;
    for (const { event } of entries)
      for (const row of event?.rows ?? [])
        if (event?.event_type === 'delete') this.rows.delete(this.#world.keyOf(row));
        else this.#set(this.#world.keyOf(row), this.#world.versionOf(row));
    this.#recorded?.push(...entries);
  }

  /** From here on what entries touched is kept for `snapshot`. */
  record(): void {
    this.#recorded = [];
  }

  async snapshot(reader: SnapshotReader, rows: number): Promise<void> {
    let cursor: SnapshotCursor | undefined;
    for (;;) {
      const chunk = await reader.next(cursor, rows, new AbortController().signal);
      if (chunk === undefined) return;
      await this.#covered(chunk);
      this.#send(chunk);
      ({ cursor } = chunk);
    }
  }

  async #covered(chunk: SnapshotChunk): Promise<void> {
    await expect
      .poll(
        () => {
          if (this.#reader.failure !== undefined) throw this.#reader.failure as Error;
          // Behind the source, as a pipeline is whose consumer takes its time.
          this.takeChanges(0.2);
          return this.#cursor !== undefined && chunk.isCoveredBy(this.#cursor);
        },
        { interval: 5 },
      )
      .toBe(true);
  }

  #send(chunk: SnapshotChunk): void {
    const touched = (this.#recorded ?? [])
      .filter(({ transaction, touched: of }) => of !== undefined && !chunk.sees(transaction))
      .map(({ touched: of }) => of?.() ?? { keys: [] });
    const keys = new Set(touched.flatMap((one) => one.keys));
    const prefixes = touched.flatMap((one) => one.prefixes ?? []);
    chunk.rows.forEach((row, at) => {
      const key = chunk.keys[at] ?? '';
      if (!keys.has(key) && !prefixes.some((prefix) => key.startsWith(prefix)))
        this.#set(this.#world.keyOf(row), this.#world.versionOf(row));
    });
  }

  /** No consumer may see an older version after a newer one. */
  #set(key: number, version: number): void {
    // What is no row of the world's own, such as a folder that files stand in.
    if (!Number.isInteger(key)) return;
    const newest = this.#newest.get(key) ?? -1;
    expect(version, `the version of row ${key} after ${newest}`).toBeGreaterThanOrEqual(newest);
    this.#newest.set(key, version);
    this.rows.set(key, version);
  }
}
