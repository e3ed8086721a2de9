import { connect, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { networkReason } from '../network-reason.ts';
import type { BlockColumn } from './block.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import type { Value } from './codecs/codec.ts';
import { ServerDates } from './codecs/server-dates.ts';
import { ConnectionError, ProtocolError } from './native-error.ts';
import { ASK_HTTP, readAnswer, readHello, writeData, writeHello, writeQuery } from './packets.ts';
import type { Answer, Login, ServerHello } from './packets.ts';
import { ClientPacket, MAX_REVISION, MIN_REVISION } from './protocol.ts';

export interface ConnectionOptions extends Login {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte on, with these options; plain unless set. */
  readonly tls?: TlsOptions;
  /** For connecting and the server's hello together, in milliseconds. */
  readonly connectTimeoutMs?: number;
  /** The revision to ask for; the newest that this client speaks unless set. */
  readonly revision?: number;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** A server that is gone without a word is noticed after some minutes of silence. */
const KEEP_ALIVE_MS = 30_000;

/**
 * One connection to a server: one query at a time, one caller.
 *
 * After anything but the regular end of a query (`isIdle` is false) it cannot be used again, only destroyed. Errors:
 * `ServerException` (the server's own), `ConnectionError`, `ProtocolError`, `UnsupportedType`.
 */
export class NativeConnection {
  readonly server: ServerHello;
  readonly #socket: Socket;
  readonly #reader: ByteReader;
  readonly #writer = new ByteWriter();
  readonly #dates: ServerDates;
  readonly #revision: number;
  #idle = true;

  private constructor(socket: Socket, reader: ByteReader, server: ServerHello, asked: number) {
    this.server = server;
    this.#socket = socket;
    this.#reader = reader;
    this.#dates = new ServerDates(server);
    this.#revision = Math.min(asked, server.revision);
  }

  /** Connects and logs in. Rejects with the signal's reason when that aborts first. */
  static async open(options: ConnectionOptions, signal?: AbortSignal): Promise<NativeConnection> {
    signal?.throwIfAborted();
    const socket = openSocket(options);
    const stop = (): void => void socket.destroy(signal?.reason as Error);
    signal?.addEventListener('abort', stop, { once: true });
    const timeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
    let connected = false;
    socket.once(options.tls === undefined ? 'connect' : 'secureConnect', () => (connected = true));
    const giveUp = (): void => {
      // An HTTP interface waits for the rest of what it takes for a request.
      const hint = connected ? `; ${ASK_HTTP}` : '';
      socket.destroy(new Error(`no answer within ${timeoutMs} ms${hint}`));
    };
    const timer = setTimeout(giveUp, timeoutMs);
    try {
      // What goes wrong while nobody reads is told to whoever reads next.
      socket.on('error', () => undefined);
      const asked = options.revision ?? MAX_REVISION;
      const writer = new ByteWriter();
      writeHello(writer, options, asked);
      socket.write(writer.take());
      const reader = new ByteReader(chunksOf(socket));
      const server = await readHello(reader);
      if (server.revision < MIN_REVISION)
        throw new ProtocolError(
          `the server is too old: its revision is ${server.revision}, not ${MIN_REVISION} or later`,
        );
      return new NativeConnection(socket, reader, server, asked);
    } catch (err) {
      socket.destroy();
      signal?.throwIfAborted();
      throw err;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    }
  }

  /** Whether a further query may be sent. */
  get isIdle(): boolean {
    return this.#idle && !this.#socket.destroyed && this.#socket.readable && !this.#reader.hasBuffered;
  }

  /** While it waits to be used again it keeps no process alive. */
  setWaiting(waiting: boolean): void {
    if (waiting) this.#socket.unref();
    else this.#socket.ref();
  }

  /** Whether the server answers within this time. */
  async ping(timeoutMs: number): Promise<boolean> {
    const timer = setTimeout(() => this.destroy(), timeoutMs);
    try {
      await this.#send(this.#writer.varUint(ClientPacket.Ping));
      return (await readAnswer(this.#reader, this.#dates)).kind === 'pong';
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends a query. Its answers must be read until `answer` gives the end or throws. */
  async query(queryId: string, text: string): Promise<void> {
    if (!this.isIdle) throw new Error('the connection is busy or closed');
    this.#idle = false;
    writeQuery(this.#writer, queryId, text, this.#revision);
    await this.#send(this.#writer);
  }

  /** The next answer to the query; after `end` a further query may be sent. */
  async answer(): Promise<Answer> {
    const answer = await readAnswer(this.#reader, this.#dates);
    if (answer.kind === 'end') this.#idle = true;
    return answer;
  }

  /**
   * Sends rows for an INSERT whose columns the server has told in an empty block; without arguments, the end of the rows.
   * Resolves when the connection takes more.
   */
  async sendRows(columns: readonly BlockColumn[] = [], rows: readonly (readonly Value[])[] = []): Promise<void> {
    writeData(this.#writer, columns, rows);
    await this.#send(this.#writer);
  }

  /** Asks the server to end the query, which it says by its end or an exception. */
  cancel(): void {
    if (this.#socket.writable) this.#socket.write(this.#writer.varUint(ClientPacket.Cancel).take());
  }

  /** Closes it at once; whoever reads or sends gets the error. */
  destroy(err?: Error): void {
    this.#socket.destroy(err);
  }

  async #send(writer: ByteWriter): Promise<void> {
    const socket = this.#socket;
    if (!socket.writable) throw new ConnectionError('the server closed the connection');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.write(writer.take(), (err) => {
      if (err) reject(new ConnectionError(err.message, { cause: err }));
      else resolve();
    });
    await promise;
  }
}

function openSocket({ host, port, tls }: ConnectionOptions): Socket {
  const name = isIP(host) === 0 ? { servername: host } : {};
  const socket = tls === undefined ? connect({ host, port }) : connectTls({ host, port, ...name, ...tls });
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  return socket;
}

async function* chunksOf(socket: Socket): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of socket) yield chunk as Buffer;
  } catch (err) {
    throw new ConnectionError(networkReason(err), { cause: err });
  }
}
