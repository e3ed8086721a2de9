import type { Connection } from 'pg';
import type { SessionQuery } from '../../../../executors/postgres/session.ts';
import { ConnectionLost } from '../../../../executors/postgres/statement-error.ts';

/** What is in fact behind the type: it holds the calls that only drivers make. */
interface DriverConnection extends Connection {
  sendCopyFromChunk(chunk: Buffer): void;
}

export interface ReplicationHandler {
  /** The server sends its log from here on. */
  started(): void;
  /** The bytes are the driver's own and change when this has returned. Throws for what cannot be read. */
  data(chunk: Buffer): void;
  /** Called once; nothing comes after it. */
  ended(reason: Error): void;
}

/** START_REPLICATION: from its answer on both sides send until one of them closes the connection. */
export class ReplicationQuery implements SessionQuery {
  readonly #text: string;
  readonly #handler: ReplicationHandler;
  #connection: DriverConnection | undefined;
  #ended = false;

  constructor(text: string, handler: ReplicationHandler) {
    this.#text = text;
    this.#handler = handler;
  }

  send(chunk: Buffer): void {
    if (!this.#ended) this.#connection?.sendCopyFromChunk(chunk);
  }

  /** The server is not listened to until `resume`. */
  pause(): void {
    this.#connection?.stream.pause();
  }

  resume(): void {
    this.#connection?.stream.resume();
  }

  submit(connection: Connection): void {
    this.#connection = connection as DriverConnection;
    connection.once('replicationStart', () => this.#handler.started());
    connection.query(this.#text);
  }

  handleCopyData({ chunk }: { readonly chunk: Buffer }): void {
    if (this.#ended) return;
    try {
      this.#handler.data(chunk);
    } catch (err) {
      this.#end(err);
    }
  }

  handleError(err: unknown): void {
    this.#end(err);
  }

  handleReadyForQuery(): void {
    this.#end(new ConnectionLost('the server has ended the stream of its log'));
  }

  /** Before it is ready again the server says how the command ended. */
  handleCommandComplete(): void {
    this.#end(new ConnectionLost('the server has ended the stream of its log'));
  }

  /** Notices need no answer. */
  hold(): void {
    return undefined;
  }

  #end(reason: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#handler.ended(reason instanceof Error ? reason : new Error(String(reason)));
  }
}
