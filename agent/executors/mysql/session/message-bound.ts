const MIB = 1024 * 1024;
/** A greeting has some hundred bytes; the rest is for keys and errors. */
const MAX_GREETING_BYTES = MIB;
/** A message is in memory as a whole, and more than once while it is read. */
const MAX_MESSAGE_BYTES = 64 * MIB;
/** MySQL's documentation, "MySQL Packets": three bytes say how long the payload is, one counts. */
const HEADER_BYTES = 4;
/** A payload of this length goes on in the next packet. */
const FULL = 0xffffff;

/** Why a connection is to end. */
export interface Refusal {
  readonly why: string;
  /** Where in the chunk the packet begins that must not be read. */
  readonly at: number;
}

/** Looks at the lengths of messages in a stream of bytes: the driver would keep whatever is sent. */
export class MessageBound {
  readonly #header = Buffer.alloc(HEADER_BYTES);
  /** Bytes of the header that have come. */
  #have = 0;
  /** Bytes of the packet that have not come yet. */
  #rest = 0;
  /** Of the message that goes on over several packets. */
  #message = 0;
  #greeting: number | undefined = 0;

  endGreeting(): void {
    this.#greeting = undefined;
  }

  /** Undefined: the chunk may be read. */
  take(chunk: Buffer): Refusal | undefined {
    if (this.#greeting !== undefined) {
      this.#greeting += chunk.length;
      if (this.#greeting > MAX_GREETING_BYTES)
        return { why: "what answers there does not speak MySQL's protocol", at: 0 };
    }
    for (let at = 0; at < chunk.length;) {
      const skipped = Math.min(this.#rest, chunk.length - at);
      this.#rest -= skipped;
      at += skipped;
      if (at === chunk.length) break;
      const copied = chunk.copy(this.#header, this.#have, at, at + HEADER_BYTES - this.#have);
      at += copied;
      this.#have += copied;
      if (this.#have < HEADER_BYTES) break;
      this.#have = 0;
      this.#rest = this.#header.readUIntLE(0, 3);
      this.#message += this.#rest;
      if (this.#message > MAX_MESSAGE_BYTES)
        return {
          why: `a row of more than ${MAX_MESSAGE_BYTES / MIB} MiB is more than the agent takes`,
          at: Math.max(0, at - HEADER_BYTES),
        };
      if (this.#rest < FULL) this.#message = 0;
    }
    return undefined;
  }
}
