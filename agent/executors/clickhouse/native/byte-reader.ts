import { bytesText } from '../bytes-text.ts';
import { ConnectionError, ProtocolError } from './native-error.ts';
import { MAX_PACKET_BYTES, MAX_TEXT_BYTES } from './protocol.ts';

/** What decoders put in place of bytes that are no UTF-8. */
const REPLACEMENT = '\ufffd';

/**
 * Reads what a connection brings, chunk by chunk, and asks for the next chunk only when it is needed: a server that
 * sends faster than its answers are taken is held back by TCP.
 *
 * One call at a time. Every method rejects with a `ConnectionError` when the stream ends first and with a
 * `ProtocolError` when the packet grows beyond its limit; memory is taken only for bytes that have arrived.
 */
export class ByteReader {
  readonly #source: AsyncIterator<Buffer>;
  readonly #packetBytes: number;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  #left: number;

  constructor(source: AsyncIterable<Buffer>, packetBytes = MAX_PACKET_BYTES) {
    this.#source = source[Symbol.asyncIterator]();
    this.#packetBytes = packetBytes;
    this.#left = packetBytes;
  }

  /** Whether bytes have arrived that nobody has read. */
  get hasBuffered(): boolean {
    return this.#at < this.#chunk.length;
  }

  /** A packet begins: the limit counts from here. */
  beginPacket(): void {
    this.#left = this.#packetBytes;
  }

  async byte(): Promise<number> {
    while (this.#at === this.#chunk.length) await this.#more();
    this.#spend(1);
    const value = this.#chunk[this.#at] ?? 0;
    this.#at += 1;
    return value;
  }

  /** Exactly `count` bytes, which stay valid. */
  async bytes(count: number): Promise<Buffer> {
    this.#spend(count);
    const end = this.#at + count;
    if (end <= this.#chunk.length) {
      const found = this.#chunk.subarray(this.#at, end);
      this.#at = end;
      return found;
    }
    const pieces: Buffer[] = [];
    let missing = count;
    for (;;) {
      const piece = this.#chunk.subarray(this.#at, this.#at + missing);
      pieces.push(piece);
      this.#at += piece.length;
      missing -= piece.length;
      if (missing === 0) return Buffer.concat(pieces, count);
      await this.#more();
    }
  }

  /** A number of seven bits a byte, low ones first, below 2⁵³. */
  async varUint(): Promise<number> {
    const now = this.#varUintNow();
    if (now !== undefined) return now;
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = await this.byte();
      value += varUintPart(byte, shift);
      if (byte < 0x80) return checkedVarUint(value);
    }
  }

  /** Text that describes, such as a name: at most 1 MiB. */
  async text(): Promise<string> {
    const length = await this.varUint();
    if (length > MAX_TEXT_BYTES) throw new ProtocolError(`the server sent a name or message of ${length} bytes`);
    return (await this.bytes(length)).toString();
  }

  /** `count` values of the type String; those that are no UTF-8 as the text that shows their bytes. */
  async strings(count: number): Promise<string[]> {
    const values: string[] = [];
    while (values.length < count) {
      const now = this.#stringNow();
      // Waiting costs more than most strings: it is done only where one is not whole in the chunk.
      values.push(now ?? bytesText(await this.bytes(await this.varUint())));
    }
    return values;
  }

  #stringNow(): string | undefined {
    const start = this.#at;
    const length = this.#varUintNow();
    if (length === undefined) return undefined;
    const end = this.#at + length;
    if (end > this.#chunk.length) {
      this.#left += this.#at - start;
      this.#at = start;
      return undefined;
    }
    this.#spend(length);
    let value = length === 0 ? '' : this.#chunk.toString('utf8', this.#at, end);
    // Cheaper than to look at the bytes of each.
    if (value.includes(REPLACEMENT)) value = bytesText(this.#chunk.subarray(this.#at, end));
    this.#at = end;
    return value;
  }

  #varUintNow(): number | undefined {
    let value = 0;
    for (let at = this.#at, shift = 0; at < this.#chunk.length; at += 1, shift += 7) {
      const byte = this.#chunk[at] ?? 0;
      value += varUintPart(byte, shift);
      if (byte >= 0x80) continue;
      this.#spend(at + 1 - this.#at);
      this.#at = at + 1;
      return checkedVarUint(value);
    }
    return undefined;
  }

  #spend(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0) throw new ProtocolError(`the server sent a packet of more than ${this.#packetBytes} bytes`);
  }

  async #more(): Promise<void> {
    const next = await this.#source.next();
    if (next.done === true) throw new ConnectionError('the server closed the connection');
    this.#chunk = next.value;
    this.#at = 0;
  }
}

function varUintPart(byte: number, shift: number): number {
  if (shift > 56) throw new ProtocolError('the server sent a number of too many bytes');
  return (byte & 0x7f) * 2 ** shift;
}

function checkedVarUint(value: number): number {
  if (!Number.isSafeInteger(value)) throw new ProtocolError('the server sent a number that is too large');
  return value;
}
