const HIGH = 2 ** 32;

/** Reads the bytes of a message from front to back. Throws a RangeError past their end. */
export class MessageCursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  letter(): string {
    return String.fromCharCode(this.uint8());
  }

  uint8(): number {
    return this.#bytes.readUInt8(this.#skip(1));
  }

  uint16(): number {
    return this.#bytes.readUInt16BE(this.#skip(2));
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#skip(4));
  }

  /** Exact up to 2⁵³, which is more than a count of microseconds needs. */
  int64(): number {
    return this.#bytes.readInt32BE(this.#skip(4)) * HIGH + this.uint32();
  }

  /** A place in the log; past 8 PiB it is not exact any more, and refused. */
  lsn(): number {
    const lsn = this.uint32() * HIGH + this.uint32();
    if (!Number.isSafeInteger(lsn)) throw new RangeError('the log is longer than 8 PiB');
    return lsn;
  }

  /** Up to a byte of 0. */
  text(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end < 0) throw new RangeError('a text has no end');
    const text = this.#bytes.toString('utf8', this.#at, end);
    this.#at = end + 1;
    return text;
  }

  /** A text with its length before it. */
  sized(): string {
    const length = this.uint32();
    const from = this.#skip(length);
    if (this.#at > this.#bytes.length) throw new RangeError('a value is longer than its message');
    return this.#bytes.toString('utf8', from, this.#at);
  }

  rest(): Buffer {
    return this.#bytes.subarray(this.#skip(0));
  }

  #skip(bytes: number): number {
    const at = this.#at;
    this.#at += bytes;
    return at;
  }
}
