import { BinlogError } from '../binlog-error.ts';

const NULL_LENGTH = 0xfb;

/** Reads an event from front to back. Everything throws `Malformed` where the bytes end first. */
export class ByteCursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  uint8(): number {
    return this.uint(1);
  }

  /** Little-endian, of at most six bytes. */
  uint(bytes: number): number {
    const at = this.#take(bytes);
    return this.#bytes.readUIntLE(at, bytes);
  }

  uint64(): bigint {
    return this.#bytes.readBigUInt64LE(this.#take(8));
  }

  /** A part of the event's own bytes, not a copy. */
  bytes(count: number): Buffer {
    const at = this.#take(count);
    return this.#bytes.subarray(at, at + count);
  }

  rest(): Buffer {
    return this.bytes(this.left);
  }

  text(count: number): string {
    return this.bytes(count).toString('utf8');
  }

  /** A number in the protocol's form of one to nine bytes; below 2⁵³. */
  length(): number {
    const first = this.uint8();
    if (first < NULL_LENGTH) return first;
    if (first === 0xfc) return this.uint(2);
    if (first === 0xfd) return this.uint(3);
    const value = first === 0xfe ? this.uint64() : -1n;
    if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER))
      throw new BinlogError('Malformed', `an event has a length that starts with the byte ${first}`);
    return Number(value);
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.left)
      throw new BinlogError('Malformed', `an event ends ${count - this.left} bytes before what it announces`);
    this.#at += count;
    return at;
  }
}
