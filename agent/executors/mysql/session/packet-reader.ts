/** What the driver gives of a packet: only for as long as the call lasts. */
export interface Packet {
  readonly buffer: Buffer;
  /** Where the payload begins. */
  readonly offset: number;
  readonly end: number;
}

/** A server's packet says something that it cannot say. */
export class MalformedPacket extends Error {
  override readonly name = 'MalformedPacket';

  constructor() {
    super("the server's answer cannot be read: it does not follow MySQL's protocol");
  }
}

const NULL_MARK = 0xfb;

/** Reads the fields of a packet one after the other. Throws `MalformedPacket` beyond its end. */
export class PacketReader {
  readonly #buffer: Buffer;
  readonly end: number;
  #pos: number;

  constructor({ buffer, offset, end }: Packet) {
    this.#buffer = buffer;
    this.#pos = offset;
    this.end = end;
  }

  get atEnd(): boolean {
    return this.#pos >= this.end;
  }

  /** The next byte, which stays. */
  peek(): number {
    return this.#pos < this.end ? (this.#buffer[this.#pos] ?? 0) : 0;
  }

  skip(bytes: number): void {
    this.#take(bytes);
  }

  uint(bytes: 1 | 2 | 3 | 4): number {
    return this.#buffer.readUIntLE(this.#take(bytes), bytes);
  }

  /** A number of one to nine bytes; beyond 2^53 it is rounded. */
  length(): number {
    const first = this.uint(1);
    if (first < NULL_MARK) return first;
    if (first === 0xfc) return this.uint(2);
    if (first === 0xfd) return this.uint(3);
    if (first === 0xfe) return Number(this.#buffer.readBigUInt64LE(this.#take(8)));
    throw new MalformedPacket();
  }

  /** A text that its length stands before; null where there is none. */
  text<T>(read: (buffer: Buffer, from: number, to: number) => T): T | null {
    if (this.peek() === NULL_MARK && !this.atEnd) {
      this.#pos += 1;
      return null;
    }
    const length = this.length();
    const from = this.#take(length);
    return read(this.#buffer, from, from + length);
  }

  string(): string {
    return this.text(utf8) ?? '';
  }

  /** All that is left. */
  rest(): string {
    const from = this.#pos;
    this.#pos = this.end;
    return utf8(this.#buffer, from, this.end);
  }

  /** What begins here and has this many bytes. */
  part(bytes: number): PacketReader {
    const offset = this.#take(bytes);
    return new PacketReader({ buffer: this.#buffer, offset, end: offset + bytes });
  }

  #take(bytes: number): number {
    const at = this.#pos;
    if (at + bytes > this.end) throw new MalformedPacket();
    this.#pos = at + bytes;
    return at;
  }
}

const utf8 = (buffer: Buffer, from: number, to: number): string => buffer.toString('utf8', from, to);
