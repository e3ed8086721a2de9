import type { Target } from '../../../../connections/target.ts';
import { Session } from '../../../../executors/postgres/session.ts';
import { ConnectionLost } from '../../../../executors/postgres/statement-error.ts';
import { formatLsn, parseLsn } from './lsn.ts';
import { MessageCursor } from './message-cursor.ts';
import { readLogMessage } from './pgoutput.ts';
import type { LogMessage } from './pgoutput.ts';
import { ReplicationQuery } from './replication-query.ts';
import { SESSION_SETTINGS } from '../server/session-settings.ts';
import { contains, readTimelineHistory } from './timeline.ts';

/** All that was committed before `walEnd` has been sent. */
export interface Alive {
  readonly kind: 'alive';
  readonly walEnd: number;
}

export interface ServerIdentity {
  /** The same for a primary and its standbys. */
  readonly system: string;
  /** One more after each promotion. */
  readonly timeline: number;
  readonly end: number;
}

/** So much of the log waits here before the server is not listened to for a while. */
const MAX_WAITING_BYTES = 1024 * 1024;
/** How often the server is asked how far it has got: that moves positions on an idle server, and shows that it lives. */
const ASK_MS = 250;
/** The same while a snapshot waits for the answer. */
const ASK_SOON_MS = 10;
const SILENCE_MS = 30_000;
const STATEMENT_MS = 30_000;
/** Of what is written out only when it is long. */
const HEADER_BYTES = 25;
const EPOCH_MICROS = BigInt(Date.UTC(2000, 0, 1)) * 1000n;

/** A connection that a server sends its log over. */
export class ReplicationLink {
  readonly session: Session;
  #query: ReplicationQuery | undefined;
  #waiting: (LogMessage | Alive)[] = [];
  #waitingBytes = 0;
  #paused = false;
  #failure: Error | undefined;
  #wake = Promise.withResolvers<void>();
  #timer: NodeJS.Timeout | undefined;
  #heardAt = performance.now();
  #received = 0;
  #released = 0;
  #expected = 0;

  private constructor(session: Session) {
    this.session = session;
  }

  /** Logs in. Rejects with the server's error or the network's. */
  static async open(target: Target): Promise<ReplicationLink> {
    const link = new ReplicationLink(await Session.connect(target, { replication: true }));
    try {
      await link.session.execute(SESSION_SETTINGS, STATEMENT_MS);
      return link;
    } catch (err) {
      link.session.destroy();
      throw err;
    }
  }

  /** Which server it is, and the end of its log. */
  async identify(): Promise<ServerIdentity> {
    const [row] = await this.session.rows('IDENTIFY_SYSTEM', STATEMENT_MS);
    return { system: row?.[0] ?? '', timeline: Number(row?.[1]), end: parseLsn(row?.[2] ?? '') };
  }

  /** Whether the server's log has all that a log of the same system had on another timeline up to a place. */
  async contains(timeline: number, lsn: number, present: number): Promise<boolean> {
    if (timeline === present) return true;
    if (timeline > present) return false;
    const [row] = await this.session.rows(`TIMELINE_HISTORY ${present}`, STATEMENT_MS);
    return contains(readTimelineHistory(row?.[1] ?? ''), timeline, lsn);
  }

  /** Resolves when the server begins to send what was committed from `lsn` on. */
  async start(slot: string, lsn: number, publication: string): Promise<void> {
    const started = Promise.withResolvers<void>();
    const names = publication.replaceAll('"', '""').replaceAll("'", "''");
    this.#query = new ReplicationQuery(
      `START_REPLICATION SLOT "${slot}" LOGICAL ${formatLsn(lsn)} (proto_version '1', publication_names '"${names}"')`,
      {
        started: () => started.resolve(),
        data: (chunk) => this.#take(chunk),
        ended: (reason) => {
          started.reject(reason);
          this.#fail(reason);
        },
      },
    );
    this.#received = lsn;
    this.session.send(this.#query);
    await started.promise;
    this.#heardAt = performance.now();
    this.#ask();
  }

  /** What has come since, one message at least. Rejects with what ended the connection, or with the signal's reason. */
  async next(signal: AbortSignal): Promise<readonly (LogMessage | Alive)[]> {
    while (this.#waiting.length === 0) {
      signal.throwIfAborted();
      if (this.#failure !== undefined) throw this.#failure;
      this.#wake = Promise.withResolvers<void>();
      const abort = (): void => this.#wake.resolve();
      signal.addEventListener('abort', abort, { once: true });
      await this.#wake.promise;
      signal.removeEventListener('abort', abort);
    }
    signal.throwIfAborted();
    const messages = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (this.#paused) {
      this.#paused = false;
      this.#heardAt = performance.now();
      this.#query?.resume();
    }
    return messages;
  }

  /** Somebody waits for the stream to come this far. */
  expect(lsn: number): void {
    this.#expected = Math.max(this.#expected, lsn);
    if (this.#query !== undefined && this.#expected > this.#received) this.#ask();
  }

  /** Whether somebody waits for a place between these two. */
  isExpected(after: number, until: number): boolean {
    return this.#expected > after && this.#expected <= until;
  }

  /** The server may forget what was committed before. */
  release(lsn: number): void {
    this.#released = Math.max(this.#released, lsn);
    this.#tell(false);
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#fail(new ConnectionLost('the connection was closed'));
    // A paused connection would not hear that the other side has closed it.
    this.#query?.resume();
    await this.session.end();
  }

  #take(chunk: Buffer): void {
    this.#heardAt = performance.now();
    const cursor = new MessageCursor(chunk);
    const kind = cursor.letter();
    if (kind === 'k') return this.#alive(cursor);
    if (kind !== 'w') throw new Error(`the server has sent a message '${kind}', which this agent does not know`);
    const message = readLogMessage(chunk.subarray(HEADER_BYTES));
    if (message.kind === 'commit') this.#received = message.endLsn;
    this.#add(message, chunk.length);
  }

  #alive(cursor: MessageCursor): void {
    const walEnd = cursor.lsn();
    cursor.int64();
    this.#received = Math.max(this.#received, walEnd);
    if (cursor.uint8() === 1) this.#tell(false);
    if (this.#waiting.at(-1)?.kind === 'alive') this.#waiting.pop();
    this.#add({ kind: 'alive', walEnd }, 0);
  }

  #add(message: LogMessage | Alive, bytes: number): void {
    this.#waiting.push(message);
    this.#waitingBytes += bytes;
    if (!this.#paused && this.#waitingBytes > MAX_WAITING_BYTES) {
      this.#paused = true;
      this.#query?.pause();
    }
    this.#wake.resolve();
  }

  #ask(): void {
    clearTimeout(this.#timer);
    if (this.#failure !== undefined) return;
    const silentMs = this.#paused ? 0 : performance.now() - this.#heardAt;
    if (silentMs > SILENCE_MS) {
      this.#fail(new ConnectionLost(`the server has not answered for ${SILENCE_MS / 1000} seconds`));
      this.session.destroy();
      return;
    }
    this.#tell(!this.#paused);
    this.#timer = setTimeout(() => this.#ask(), this.#expected > this.#received ? ASK_SOON_MS : ASK_MS);
  }

  /** Standby status update: what has been written, flushed and applied; a byte of 1 asks for an answer. */
  #tell(ask: boolean): void {
    const message = Buffer.alloc(34);
    message.write('r');
    [this.#received, this.#released, this.#released].forEach((lsn, at) => {
      message.writeBigUInt64BE(BigInt(lsn), 1 + at * 8);
    });
    message.writeBigInt64BE(BigInt(Date.now()) * 1000n - EPOCH_MICROS, HEADER_BYTES);
    message.writeUInt8(ask ? 1 : 0, 33);
    this.#query?.send(message);
  }

  #fail(reason: Error): void {
    this.#failure ??= reason;
    this.#wake.resolve();
  }
}
