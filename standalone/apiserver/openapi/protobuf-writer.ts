const VARINT = 0;
const LENGTH_DELIMITED = 2;

/** Writes one message in the wire format of protocol buffers. Absent values are left out, as proto3 does. */
export class ProtobufWriter {
  readonly #parts: Uint8Array[] = [];

  text(field: number, value: string | undefined): this {
    return value === undefined || value === '' ? this : this.#bytes(field, Buffer.from(value, 'utf8'));
  }

  flag(field: number, value: boolean | undefined): this {
    if (value === true) this.#parts.push(varint((field << 3) | VARINT), varint(1));
    return this;
  }

  message(field: number, value: ProtobufWriter | undefined): this {
    return value === undefined ? this : this.#bytes(field, value.finish());
  }

  finish(): Uint8Array {
    return Buffer.concat(this.#parts);
  }

  #bytes(field: number, bytes: Uint8Array): this {
    this.#parts.push(varint((field << 3) | LENGTH_DELIMITED), varint(bytes.length), bytes);
    return this;
  }
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
