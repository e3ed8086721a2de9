import { EventStream, isHeartbeat } from '../../../../executors/mysql/binlog/event-stream.ts';
import type { BinlogPosition } from '../../../../executors/mysql/binlog/binlog-position.ts';
import { GroupTracker } from '../../../../executors/mysql/binlog/group-tracker.ts';
import type { LogConnection } from '../../../../executors/mysql/binlog/transport/log-connection.ts';
import { isBehind } from './position.ts';

/** A statement that stands in the log by itself, such as one that alters a table. */
interface StatementAhead {
  readonly place: BinlogPosition;
  readonly schema: string;
  readonly text: string;
}

/** Longer statements are cut in the log's reader: nobody knows what they name. */
const CUT_LENGTH = 1024;
const OF_DATABASE = /^\s*(?:\/\*.*?\*\/\s*)*(?:DROP|ALTER|CREATE)\s+(?:DATABASE|SCHEMA)\b/is;

/** Reads ahead in a log for statements that alter tables, of which a log without names says nothing when rows come. */
export class StatementsAhead {
  readonly #connect: (from: BinlogPosition) => Promise<LogConnection>;
  readonly #signal: AbortSignal;
  #statements: StatementAhead[] = [];
  #until: BinlogPosition | undefined;

  constructor(connect: (from: BinlogPosition) => Promise<LogConnection>, signal: AbortSignal) {
    this.#connect = connect;
    this.#signal = signal;
  }

  /** The first statement between two places that may have altered the table. Rejects as the connection does. */
  async altering(
    { schema, table }: { readonly schema: string; readonly table: string },
    from: BinlogPosition,
    until: BinlogPosition,
  ): Promise<string | undefined> {
    await this.#readUntil(from, until);
    const names = [table.toLowerCase(), schema.toLowerCase()] as const;
    return this.#statements.find((statement) => {
      if (isBehind(statement.place, until)) return false;
      const text = statement.text.toLowerCase();
      // A name with backticks is written in another way.
      return (
        text.length >= CUT_LENGTH ||
        text.includes(names[0]) ||
        names[0].includes('`') ||
        (OF_DATABASE.test(text) && (text.includes(names[1]) || statement.schema.toLowerCase() === names[1]))
      );
    })?.text;
  }

  async #readUntil(from: BinlogPosition, until: BinlogPosition): Promise<void> {
    this.#statements = this.#statements.filter(({ place }) => isBehind(place, from));
    const start = this.#until !== undefined && isBehind(this.#until, from) ? this.#until : from;
    if (isBehind(start, until)) return;
    const connection = await this.#connect(start);
    try {
      const stream = new EventStream(connection, start);
      const tracker = new GroupTracker();
      let boundary = start;
      while (!isBehind(boundary, until)) {
        const event = stream.waiting() ?? (await stream.next(this.#signal));
        if (isHeartbeat(event)) boundary = stream.position;
        const step = tracker.take(event);
        if (step.kind === 'statement' && step.last)
          this.#statements.push({ place: boundary, schema: step.query.schema, text: step.query.text });
        if (step.kind === 'end' || step.kind === 'outside' || (step.kind === 'statement' && step.last))
          boundary = stream.position;
      }
      this.#until = boundary;
    } finally {
      connection.close();
    }
  }
}
