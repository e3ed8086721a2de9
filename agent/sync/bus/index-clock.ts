/** Where MySQL's index begins to count in files: 2³² bytes to a file. */
const FILE_SPAN = 2 ** 32;

/** Gives entries of a stream their indexes: strictly growing, and close to what they stand for. */
export class IndexClock {
  #last: number;

  /** `last`: of the checkpoint that the stream begins at, else the consumer's position; −1: none. */
  constructor(last: number) {
    this.#last = Math.max(last, -1);
  }

  /** The index given last. */
  get last(): number {
    return this.#last;
  }

  /**
   * The next index: `at` (epoch milliseconds, a place in a log), or one more than the last when that is not past it.
   * Throws a RangeError past 2⁵³ − 1: no double tells such indexes apart.
   */
  next(at: number): number {
    const index = Math.max(this.#last + 1, Math.floor(at));
    if (!Number.isSafeInteger(index)) throw new RangeError(`the index ${String(index)} is no safe integer`);
    this.#last = index;
    return index;
  }
}

/** The place of a log event as a number: `file` is the number of the log file, `position` the offset within it. */
export function logIndex(file: number, position: number): number {
  return file * FILE_SPAN + position;
}
