import type { SourcePosition } from '../../../stream-entry.ts';
import { formatLsn, parseLsn } from './lsn.ts';

/**
 * Between the events of two transactions there is room for so many positions without an event. A transaction with an event takes
 * more bytes of the log than that, so indexes that have run ahead of the log come back to it.
 */
const GAP = 64;

/** What a position of this source says. */
export interface LogPlace {
  /** All that was committed before has been brought. */
  readonly lsn: number;
  /** The index of the last event before it, or what stood for it at the start. */
  readonly event: number;
  /** What indexes are above places in the log: a consumer may have come from another log, that was farther. */
  readonly base: number;
  /** Which server's log it is, and how often it has been promoted. */
  readonly system: string;
  readonly timeline: number;
}

export function toPosition({ lsn, event, base, system, timeline }: LogPlace): SourcePosition {
  return { lsn: formatLsn(lsn), event, base, system, timeline };
}

/** Undefined: it is none of this source's. */
export function fromPosition({ lsn, event, base, system, timeline }: SourcePosition): LogPlace | undefined {
  if (typeof lsn !== 'string' || typeof system !== 'string') return undefined;
  if (!isWhole(event) || !isWhole(base) || !isWhole(timeline)) return undefined;
  try {
    return { lsn: parseLsn(lsn), event, base, system, timeline };
  } catch {
    return undefined;
  }
}

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value);

/**
 * Gives the indexes of a stream: the place in the log where a transaction was committed, then one more for each change in it; more
 * where the log is not that far. What an event is given depends on the events before it alone, never on positions without one,
 * which come at times that nothing repeats: else a new beginning would give a lower index than a consumer has, and lose events.
 */
export class LogIndex {
  readonly base: number;
  #event: number;
  #last: number;

  /** `last`: the index of the last entry. */
  constructor({ base, event }: Pick<LogPlace, 'base' | 'event'>, last: number) {
    this.base = base;
    this.#event = event;
    this.#last = Math.max(last, event);
  }

  /** Of the last event. */
  get event(): number {
    return this.#event;
  }

  /** For the first event of a transaction. */
  first(commitLsn: number): number {
    return this.#give(Math.max(this.#event + GAP, this.base + commitLsn));
  }

  /** For the next event of the same transaction. */
  next(): number {
    return this.#give(this.#event + 1);
  }

  /**
   * For a position without an event behind the last. Undefined: there is no room for one, or little while indexes are ahead of the
   * log, and nobody waits for it.
   */
  between(lsn: number, isAwaited: boolean): number | undefined {
    const place = this.base + lsn;
    if (place <= this.#last + 1 && !isAwaited) return undefined;
    const index = Math.max(this.#last + 1, place - 1);
    // What the first event behind it will have at least.
    if (index >= Math.max(this.#event + GAP, place)) return undefined;
    this.#last = index;
    return index;
  }

  #give(index: number): number {
    if (!Number.isSafeInteger(index)) throw new RangeError(`the index ${String(index)} is no safe integer`);
    this.#event = index;
    this.#last = index;
    return index;
  }
}
