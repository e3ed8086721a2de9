import { isEof, isError, readColumn, readEof, readError, readOk, STATUS } from './answer-packets.ts';
import type { ResultEnd } from './answer-packets.ts';
import { valueReader } from './column-types.ts';
import type { Field } from './column-types.ts';
import type { DriverConnection } from './driver-connection.ts';
import { PacketReader } from './packet-reader.ts';
import type { Packet } from './packet-reader.ts';
import { ConnectionLost } from './server-error.ts';

/** Takes the rows of a statement, in order. */
export interface RowHandler<V = string> {
  /** Rows come next; more than once of a statement with several results, such as CALL. */
  columns(fields: readonly Field[]): void;
  /** The values as text: as the server writes them, bytes as `0x1F`. A promise holds the server back. */
  row(values: readonly (V | null)[]): Promise<void> | undefined;
  /** How to read values that are not NULL, by column, in place of as text: then `row` takes whatever they give. */
  readonly readers?: readonly Reader[];
}

/** Makes a value of its bytes in a packet. */
export type Reader<V = unknown> = (buffer: Buffer, from: number, to: number) => V;

/** How one statement of a query ended. */
export interface StatementEnd extends ResultEnd {
  /** How many rows it gave; undefined: it is none that gives rows. */
  readonly rows: number | undefined;
}

export interface QueryOptions {
  readonly handler: RowHandler;
  /** The server sends text in UTF-8. */
  readonly isUtf8Sent: boolean;
  /** Called at the end of each result, in order. */
  readonly ended: (end: StatementEnd) => void;
}

type State = 'header' | 'columns' | 'columnsEnd' | 'rows';

const COM_QUERY = 3;
const MAX_PAYLOAD = 0xffffff;
const LOCAL_FILE = 0xfb;

/**
 * One COM_QUERY, of one statement or of several. Rows are read as they come and as fast as they are taken: meanwhile the connection is not read.
 *
 * It has the methods that the driver calls on its commands.
 */
export class QueryCommand {
  readonly #text: string;
  readonly #options: QueryOptions;
  readonly #done = Promise.withResolvers<void>();
  #connection: DriverConnection | undefined;
  #state: State = 'header';
  #columns: Field[] = [];
  #expected = 0;
  #readers: readonly Reader[] = [];
  #rows = 0;
  #holding = 0;
  #tail: Promise<void> = Promise.resolve();
  #failure: unknown;
  #discarding = false;

  constructor(text: string, options: QueryOptions) {
    this.#text = text;
    this.#options = options;
    this.#done.promise.catch(() => undefined);
  }

  /**
   * Resolves when the server has executed it and is ready for more, and the handler has taken all. Rejects with the
   * server's error, with the handler's, or with that of the connection.
   */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** Drops whatever rows still come. */
  discard(): void {
    this.#discarding = true;
    this.#connection?.stream.resume();
  }

  /** Called when a handler failed: nobody needs the rest. */
  onFailure: () => void = () => undefined;

  /** Called by the driver: first without a packet, then with each one. Whether it has ended. */
  execute(packet: Packet | undefined, connection: DriverConnection): boolean {
    if (packet === undefined) {
      this.#connection = connection;
      this.#send(connection);
      return false;
    }
    if (isError(packet)) {
      this.#finish(readError(packet));
      return true;
    }
    return this.#take(packet, connection);
  }

  /** Called by the driver when the connection is lost. */
  onResult(err: Error | null): void {
    this.#finish(err ?? new ConnectionLost('the connection was closed'));
  }

  #take(packet: Packet, connection: DriverConnection): boolean {
    switch (this.#state) {
      case 'header':
        return this.#takeHeader(packet, connection);
      case 'columns':
        this.#columns.push(readColumn(packet, connection._mariadbExtendedMetadata));
        if (this.#columns.length === this.#expected) this.#state = 'columnsEnd';
        return false;
      case 'columnsEnd':
        this.#startRows();
        return false;
      case 'rows':
        if (isEof(packet)) return this.#end(readEof(packet), this.#rows);
        this.#takeRow(packet);
        return false;
    }
  }

  #takeHeader(packet: Packet, connection: DriverConnection): boolean {
    const first = packet.buffer[packet.offset];
    if (first === 0) return this.#end(readOk(packet, connection.tracksSession), undefined);
    if (first === LOCAL_FILE) {
      // Never asked for: the flag is off. An empty packet says that there is no file.
      connection.stream.write(Buffer.from([0, 0, 0, connection.sequenceId]));
      connection._bumpSequenceId(1);
      this.#failure ??= new Error('the server asks for a local file, which tasks cannot give');
      return false;
    }
    this.#expected = new PacketReader(packet).length();
    this.#columns = [];
    this.#rows = 0;
    this.#state = 'columns';
    return false;
  }

  #startRows(): void {
    this.#state = 'rows';
    const { handler, isUtf8Sent } = this.#options;
    this.#readers = handler.readers ?? this.#columns.map((field) => valueReader(field, isUtf8Sent));
    if (!this.#discarding) this.#options.handler.columns(this.#columns);
  }

  #takeRow(packet: Packet): void {
    this.#rows += 1;
    if (this.#discarding) return;
    const reader = new PacketReader(packet);
    const values: unknown[] = [];
    for (const read of this.#readers) values.push(reader.text(read));
    // As texts, or as the handler's own readers make them.
    this.#hold(this.#options.handler.row(values as readonly (string | null)[]));
  }

  #end(end: ResultEnd, rows: number | undefined): boolean {
    this.#state = 'header';
    this.#options.ended({ ...end, rows });
    if ((end.status & STATUS.moreResults) !== 0) return false;
    this.#finish();
    return true;
  }

  #finish(err?: unknown): void {
    this.#discarding = true;
    // What the handler still does belongs to the query.
    void this.#tail.then(() => {
      const failure = this.#failure ?? err;
      if (failure === undefined) this.#done.resolve();
      else this.#done.reject(failure);
    });
  }

  /** Nothing more is read until the work is done. */
  #hold(work: Promise<void> | undefined): void {
    if (work === undefined) return;
    this.#holding += 1;
    this.#connection?.stream.pause();
    const taken = work
      .catch((err: unknown) => {
        this.#failure ??= err;
        this.discard();
        this.onFailure();
      })
      .finally(() => {
        this.#holding -= 1;
        if (this.#holding === 0) this.#connection?.stream.resume();
      });
    this.#tail = this.#tail.then(() => taken);
  }

  #send(connection: DriverConnection): void {
    const length = 1 + Buffer.byteLength(this.#text);
    if (length < MAX_PAYLOAD) {
      const packet = Buffer.allocUnsafe(4 + length);
      packet[4] = COM_QUERY;
      packet.write(this.#text, 5);
      sendPacket(connection, packet);
      return;
    }
    connection._resetSequenceId();
    const payload = Buffer.allocUnsafe(length);
    payload[0] = COM_QUERY;
    payload.write(this.#text, 1);
    // A payload of the greatest length is always followed by another, if need be an empty one.
    for (let from = 0; from <= length; from += MAX_PAYLOAD) {
      const part = payload.subarray(from, from + MAX_PAYLOAD);
      const header = Buffer.allocUnsafe(4);
      writeHeader(header, part.length, connection.sequenceId);
      connection._bumpSequenceId(1);
      connection.stream.write(header);
      connection.stream.write(part);
    }
  }
}

/** Sends a command that is shorter than a packet may be; its first four bytes are for the header. */
export function sendPacket(connection: DriverConnection, packet: Buffer): void {
  writeHeader(packet, packet.length - 4, 0);
  connection._resetSequenceId();
  connection._bumpSequenceId(1);
  connection.stream.write(packet);
}

function writeHeader(packet: Buffer, length: number, sequence: number): void {
  packet.writeUIntLE(length, 0, 3);
  packet[3] = sequence;
}
