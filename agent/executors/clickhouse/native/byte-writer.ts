/** Collects bytes for the server. Grows by doubling; `take` gives them and begins anew. */
export class ByteWriter {
  #buffer = Buffer.allocUnsafe(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  byte(value: number): this {
    this.reserve(1)[0] = value;
    return this;
  }

  bytes(value: Uint8Array): this {
    this.reserve(value.length).set(value);
    return this;
  }

  varUint(value: number): this {
    let rest = value;
    while (rest >= 0x80) {
      this.byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    return this.byte(rest);
  }

  string(value: string): this {
    const length = Buffer.byteLength(value);
    this.varUint(length);
    this.reserve(length).write(value);
    return this;
  }

  /** The next `count` bytes, to be filled by the caller at once. Their old content is left. */
  reserve(count: number): Buffer {
    const end = this.#length + count;
    if (end > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(end, this.#buffer.length * 2));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    const reserved = this.#buffer.subarray(this.#length, end);
    this.#length = end;
    return reserved;
  }

  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#length);
    this.#buffer = Buffer.allocUnsafe(1024);
    this.#length = 0;
    return taken;
  }
}
