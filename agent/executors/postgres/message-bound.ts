import type { Connection } from 'pg';

const MIB = 1024 * 1024;
/** Login, parameters and key have some kilobytes; the rest is for long notices. */
const MAX_GREETING_BYTES = MIB;
/** A message is in memory as a whole, and more than once while it is read. */
const MAX_MESSAGE_BYTES = 64 * MIB;
/** PostgreSQL's documentation, "Message Formats": one byte says what it is, four how long the rest is, themselves included. */
const HEADER_BYTES = 5;
const LENGTH_BYTES = 4;
const NAMES: Readonly<Record<string, string>> = { D: 'a row', d: 'a line of COPY', E: 'an error', N: 'a notice' };
const STRANGE = "what answers there does not speak PostgreSQL's protocol";

/** The part of a stream that the driver's parser uses. */
interface Source {
  on(event: 'data', listener: (chunk: Buffer) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
}

/** What is in fact behind the type: by this the driver begins to read a stream, before TLS and after it. */
interface DriverConnection extends Connection {
  attachListeners(stream: Source): void;
}

/**
 * Ends a connection before a message that is longer than the agent takes is read: the driver believes any length that a
 * message claims, and what it cannot read it throws where nobody could catch it. Until the login has ended less is taken
 * altogether. To be called before the client connects; returns what tells that the login has ended.
 */
export function boundMessages(connection: Connection): () => void {
  const driver = connection as DriverConnection;
  const attach = driver.attachListeners.bind(driver);
  const bound = new MessageBound();
  driver.attachListeners = (stream) => {
    const fail = (why: string): void => {
      connection.stream.destroy(new Error(why));
    };
    const onData = (listener: (chunk: Buffer) => void): void => {
      stream.on('data', (chunk) => {
        const refusal = bound.take(chunk);
        try {
          listener(refusal === undefined ? chunk : chunk.subarray(0, refusal.at));
        } catch (err) {
          fail(`the server's answer cannot be read: ${err instanceof Error ? err.message : String(err)}`);
        }
        if (refusal !== undefined) fail(refusal.why);
      });
    };
    attach({
      on: (event: string, listener: (chunk: Buffer) => void) =>
        event === 'data' ? onData(listener) : stream.on('end', listener as () => void),
    });
  };
  return () => bound.endGreeting();
}

/** Why a connection is to end. */
export interface Refusal {
  readonly why: string;
  /** Where in the chunk the message begins that must not be read. */
  readonly at: number;
}

/** Looks at the lengths of messages in a stream of bytes. */
export class MessageBound {
  readonly #header = Buffer.alloc(HEADER_BYTES);
  /** Bytes of the header that have come. */
  #have = 0;
  /** Bytes of the message that have not come yet. */
  #rest = 0;
  #greeting: number | undefined = 0;

  endGreeting(): void {
    this.#greeting = undefined;
  }

  /** Undefined: the chunk may be read. */
  take(chunk: Buffer): Refusal | undefined {
    if (this.#greeting !== undefined) {
      this.#greeting += chunk.length;
      if (this.#greeting > MAX_GREETING_BYTES) return { why: STRANGE, at: 0 };
    }
    for (let at = 0; at < chunk.length;) {
      const skipped = Math.min(this.#rest, chunk.length - at);
      this.#rest -= skipped;
      const copied = chunk.copy(this.#header, this.#have, at + skipped, at + skipped + HEADER_BYTES - this.#have);
      at += skipped + copied;
      this.#have += copied;
      if (this.#have < HEADER_BYTES) continue;
      this.#have = 0;
      const length = this.#header.readUInt32BE(1);
      const why = this.#refuse(length);
      if (why !== undefined) return { why, at: Math.max(0, at - HEADER_BYTES) };
      this.#rest = length - LENGTH_BYTES;
    }
    return undefined;
  }

  #refuse(length: number): string | undefined {
    const most = this.#greeting === undefined ? MAX_MESSAGE_BYTES : MAX_GREETING_BYTES;
    if (length >= LENGTH_BYTES && length <= most) return undefined;
    if (this.#greeting !== undefined || length < LENGTH_BYTES) return STRANGE;
    const name = NAMES[String.fromCharCode(this.#header[0] ?? 0)] ?? 'a message';
    return `${name} of ${Math.ceil(length / MIB)} MiB is more than the agent takes (${MAX_MESSAGE_BYTES / MIB} MiB)`;
  }
}
