import type { SnapshotChunk } from '../snapshot.ts';
import type { StreamEntry } from '../stream-entry.ts';
import { PrefixSet } from './prefix-set.ts';

/** What one transaction did to rows. */
interface ChangeRecord {
  readonly transaction: unknown;
  readonly keys: string[];
  readonly prefixes: string[];
}

/** About 100 bytes each. */
const MAX_KEYS = 500_000;

/**
 * Knows which rows of a chunk are older than what the consumer has, or will have before them: those that a transaction touched
 * which the chunk's read did not see. Hears of every entry from the moment on when a snapshot begins, sent or not.
 */
export class SnapshotGuard {
  /** Of transactions that the newest chunk did not see, in the order of the stream. */
  #records: ChangeRecord[] = [];
  #size = 0;
  #chunk: SnapshotChunk | undefined;
  /** Of the chunk that is being sent. */
  #staleKeys = new Set<string>();
  #staleBeginnings = new PrefixSet();
  /** What the chunk said of the last transaction that it was asked about. */
  #asked: { readonly transaction: unknown; readonly sees: boolean } | undefined;
  readonly #maxKeys: number;

  constructor(maxKeys = MAX_KEYS) {
    this.#maxKeys = maxKeys;
  }

  /** It has been told of more than it may hold in memory: the snapshot must begin to record anew. */
  get isFull(): boolean {
    return this.#size > this.#maxKeys;
  }

  /** How many keys it holds. */
  get size(): number {
    return this.#size;
  }

  record({ transaction, touched }: StreamEntry): void {
    if (touched === undefined || this.isFull) return;
    if (this.#chunk !== undefined && this.#seenBy(this.#chunk, transaction)) return;
    const { keys, prefixes = [] } = touched();
    const last = this.#records.at(-1);
    const same = last !== undefined && last.transaction === transaction;
    const record = same ? last : { transaction, keys: [], prefixes: [] };
    if (!same) this.#records.push(record);
    for (const key of keys) record.keys.push(key);
    for (const prefix of prefixes) record.prefixes.push(prefix);
    this.#size += keys.length + prefixes.length + (same ? 0 : 1);
    if (this.#chunk !== undefined) this.#condemn(keys, prefixes);
  }

  /** This chunk is sent from now on. It was read after all that were entered before: what it saw is forgotten. */
  enter(chunk: SnapshotChunk): void {
    this.leave();
    this.#chunk = chunk;
    const unseen: ChangeRecord[] = [];
    this.#size = 0;
    for (const record of this.#records) {
      if (this.#seenBy(chunk, record.transaction)) continue;
      unseen.push(record);
      this.#size += record.keys.length + record.prefixes.length + 1;
      this.#condemn(record.keys, record.prefixes);
    }
    this.#records = unseen;
  }

  /** No chunk is sent. */
  leave(): void {
    this.#chunk = undefined;
    this.#asked = undefined;
    this.#staleKeys = new Set();
    this.#staleBeginnings = new PrefixSet();
  }

  /** Whether a row of the chunk that is being sent must not be sent. */
  isStale(key: string): boolean {
    if (key === '') return false;
    return this.#staleKeys.has(key) || (this.#staleBeginnings.size > 0 && this.#staleBeginnings.covers(key));
  }

  #condemn(keys: readonly string[], prefixes: readonly string[]): void {
    for (const key of keys) this.#staleKeys.add(key);
    for (const prefix of prefixes) this.#staleBeginnings.add(prefix);
  }

  /** Entries of one transaction follow each other: it is asked about once. */
  #seenBy(chunk: SnapshotChunk, transaction: unknown): boolean {
    if (this.#asked?.transaction !== transaction || this.#asked === undefined)
      this.#asked = { transaction, sees: chunk.sees(transaction) };
    return this.#asked.sees;
  }
}
