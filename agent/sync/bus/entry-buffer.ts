import { isDeepStrictEqual } from 'node:util';
import type { SourcePosition, StreamEntry } from '../stream-entry.ts';
import { entryBytes } from './entry-bytes.ts';

/** A place in a stream that it can begin at again: behind the entry of this index. */
export interface StreamPoint {
  readonly index: number;
  readonly position: SourcePosition;
}

interface Slot {
  readonly entry: StreamEntry;
  readonly bytes: number;
}

/** Trimmed slots are cut off when there are so many: shifting an array each time would copy it each time. */
const MAX_TRIMMED = 1024;
/** A push of what one read brings must get through in its time, and its JSON must be no longer than a text can be. */
const MAX_READ_BYTES = 8 * 1024 * 1024;
const TRIMMED: Slot = { entry: { index: -1 }, bytes: 0 };

/** The entries of a stream that some reader has not committed yet, found by their indexes. */
export class EntryBuffer {
  #slots: Slot[] = [];
  /** Slots before it are trimmed. */
  #head = 0;
  #events = 0;
  #bytes = 0;
  /** Of the newest entry. */
  #lastIndex: number;
  /** All entries with a higher index are held. */
  #floor: number;
  #floorPosition: SourcePosition | undefined;
  /** The newest place that the stream can begin at again. */
  #lastPoint: StreamPoint | undefined;

  /** `start`: where the stream begins; entries up to its index are no news. */
  constructor(start: { readonly index: number; readonly position: SourcePosition | undefined }) {
    this.#lastIndex = this.#floor = start.index;
    this.#floorPosition = start.position;
    if (start.position !== undefined) this.#lastPoint = { index: start.index, position: start.position };
  }

  /** How many of the entries have events. */
  get events(): number {
    return this.#events;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get lastIndex(): number {
    return this.#lastIndex;
  }

  get lastPoint(): StreamPoint | undefined {
    return this.#lastPoint;
  }

  /** Adds an entry unless its index is known already; whether it was added. */
  append(entry: StreamEntry): boolean {
    const { index, position } = entry;
    if (index <= this.#lastIndex) return false;
    this.#lastIndex = index;
    if (position !== undefined) this.#lastPoint = { index, position };
    if (isQuiet(entry)) {
      if (position === undefined) return true;
      // Positions that only moved take one place: a reader that stalls must not pile them up.
      const tail = this.#slots.length > this.#head ? this.#slots.at(-1) : undefined;
      if (tail !== undefined && isQuiet(tail.entry)) this.#drop(this.#slots.pop());
    }
    const slot = { entry, bytes: entryBytes(entry) };
    this.#slots.push(slot);
    this.#bytes += slot.bytes;
    if (entry.event !== undefined) this.#events += 1;
    return true;
  }

  /** The entries behind an index, with `rows` rows and 8 MiB at most but one entry at least. */
  after(index: number, rows: number): StreamEntry[] {
    const found: StreamEntry[] = [];
    let left = rows;
    let room = MAX_READ_BYTES;
    for (let at = this.#slotAfter(index); at < this.#slots.length; at += 1) {
      const { entry, bytes } = this.#slot(at);
      // So that what has no rows does not pass for nothing either.
      left -= Math.max(entry.event?.rows.length ?? 0, 1);
      room -= bytes;
      if ((left < 0 || room < 0) && found.length > 0) break;
      found.push(entry);
    }
    return found;
  }

  /** The last place to begin at again among the entries behind `after` and up to `index`. */
  pointWithin(after: number, index: number): StreamPoint | undefined {
    for (let at = this.#slotAfter(index) - 1; at >= this.#head; at -= 1) {
      const { entry } = this.#slot(at);
      if (entry.index <= after) return undefined;
      if (entry.position !== undefined) return { index: entry.index, position: entry.position };
    }
    return undefined;
  }

  /** Forgets the entries up to an index. */
  trim(index: number): void {
    const end = this.#slotAfter(index);
    for (let at = this.#head; at < end; at += 1) {
      const slot = this.#slot(at);
      this.#drop(slot);
      this.#floor = slot.entry.index;
      this.#floorPosition = slot.entry.position;
      this.#slots[at] = TRIMMED;
    }
    this.#head = end;
    if (this.#head > MAX_TRIMMED && this.#head * 2 > this.#slots.length) {
      this.#slots = this.#slots.slice(this.#head);
      this.#head = 0;
    }
  }

  /**
   * Where a checkpoint stands in this stream, if all that came behind it is held: what is wanted has higher indexes than this.
   * A checkpoint has the index of the last event before it; where nothing but the position moved, this one's is higher.
   */
  find({ index, position }: StreamPoint): number | undefined {
    if (this.#floor >= index && isDeepStrictEqual(this.#floorPosition, position)) return this.#floor;
    for (let at = this.#slotAfter(index - 1); at < this.#slots.length; at += 1) {
      const { entry } = this.#slot(at);
      if (entry.event !== undefined && entry.index > index) return undefined;
      if (isDeepStrictEqual(entry.position, position)) return entry.index;
    }
    return undefined;
  }

  /** The first slot whose index is higher. */
  #slotAfter(index: number): number {
    let low = this.#head;
    let high = this.#slots.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#slot(middle).entry.index <= index) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #slot(at: number): Slot {
    return this.#slots[at] ?? TRIMMED;
  }

  #drop(slot: Slot | undefined): void {
    if (slot === undefined) return;
    this.#bytes -= slot.bytes;
    if (slot.entry.event !== undefined) this.#events -= 1;
  }
}

const isQuiet = ({ event, touched }: StreamEntry): boolean => event === undefined && touched === undefined;
