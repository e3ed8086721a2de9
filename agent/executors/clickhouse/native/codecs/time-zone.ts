/** How far a zone's clocks change within one step at most: no zone has changed off the quarter of an hour since 1970. */
const STEP_SECONDS = 900;
/** Offsets are asked for once a step; this many are kept. */
const MAX_KEPT = 100_000;

/** The clocks of a time zone: seconds since 1970 in UTC to what its clocks show, and back. */
export class TimeZone {
  readonly #format: Intl.DateTimeFormat;
  readonly #offsets = new Map<number, number>();

  /** Throws a RangeError when there is no such zone. */
  constructor(name: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  }

  /** How many seconds the zone's clocks are ahead of UTC at that moment. */
  offsetAt(seconds: number): number {
    const step = Math.floor(seconds / STEP_SECONDS);
    let offset = this.#offsets.get(step);
    if (offset === undefined) {
      if (this.#offsets.size >= MAX_KEPT) this.#offsets.clear();
      offset = this.#ask(step * STEP_SECONDS);
      this.#offsets.set(step, offset);
    }
    return offset;
  }

  /**
   * The moment at which the zone's clocks show this (given as if it were UTC). Of two such moments it is the first; where
   * clocks skip that time, it is as if they had not yet been put forward.
   */
  toUtc(shown: number): number {
    const before = this.offsetAt(shown - 86_400);
    const after = this.offsetAt(shown + 86_400);
    for (const offset of [before, after]) if (this.offsetAt(shown - offset) === offset) return shown - offset;
    return shown - before;
  }

  #ask(seconds: number): number {
    const parts: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
    for (const { type, value } of this.#format.formatToParts(seconds * 1000)) parts[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - seconds;
  }
}
