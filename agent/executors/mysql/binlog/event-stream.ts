import type { BinlogPosition } from './binlog-position.ts';
import { ByteCursor } from './events/byte-cursor.ts';
import { EventType } from './events/event-type.ts';
import { hasChecksums, looksChecksummed } from './events/format-description.ts';
import { isArtificial, parseEvent } from './events/log-event.ts';
import type { LogEvent } from './events/log-event.ts';
import type { LogConnection } from './transport/log-connection.ts';

const TYPE_AT = 4;
const SPAN = 2 ** 32;

/** The events of a connection in their order, and where in the log they stand. */
export class EventStream {
  readonly #connection: LogConnection;
  #checksums: boolean;
  #position: BinlogPosition;

  constructor(connection: LogConnection, from: BinlogPosition) {
    this.#connection = connection;
    this.#checksums = connection.hasChecksums;
    this.#position = from;
  }

  /** Behind the last event; within a transaction of MariaDB where that began. */
  get position(): BinlogPosition {
    return this.#position;
  }

  /** The next event. Rejects as `LogConnection.next`, and with `Malformed`. */
  async next(signal: AbortSignal): Promise<LogEvent> {
    return this.#take(await this.#connection.next(signal));
  }

  /** The next event if it has come already. Throws `Malformed`. */
  waiting(): LogEvent | undefined {
    const bytes = this.#connection.waiting();
    return bytes === undefined ? undefined : this.#take(bytes);
  }

  #take(bytes: Buffer): LogEvent {
    const type = bytes[TYPE_AT];
    // Neither depends on what was said of checksums before.
    if (type === EventType.FormatDescription) this.#checksums = hasChecksums(bytes);
    const checksum = type === EventType.Rotate ? looksChecksummed(bytes) : this.#checksums;
    const event = parseEvent(bytes, checksum);
    if (event.type === EventType.Rotate) {
      const cursor = new ByteCursor(event.body);
      const position = Number(cursor.uint64());
      this.#position = { position, file: cursor.rest().toString() };
    } else if (event.nextPosition > 0 && (!isArtificial(event) || isHeartbeat(event)))
      this.#advance(event.nextPosition);
    return event;
  }

  /** Headers have the lower half only of positions beyond 4 GiB. */
  #advance(low: number): void {
    const { file, position } = this.#position;
    const near = position - (position % SPAN) + low;
    if (near >= position) this.#position = { file, position: near };
    // What stands before is repeated for the stream, such as the description of the log.
    else if (position - near > SPAN / 2) this.#position = { file, position: near + SPAN };
  }
}

/** Nothing new for some seconds: the stream has come to the log's end. */
export const isHeartbeat = ({ type }: LogEvent): boolean =>
  type === EventType.Heartbeat || type === EventType.HeartbeatV2;
