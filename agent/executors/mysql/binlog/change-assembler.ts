import { BinlogError } from './binlog-error.ts';
import type { ColumnLookup } from './column-fact.ts';
import { EventType } from './events/event-type.ts';
import { isIgnorable } from './events/log-event.ts';
import type { LogEvent } from './events/log-event.ts';
import { isRowsEvent, parseRowsEvent } from './events/rows-event.ts';
import type { RowsEvent } from './events/rows-event.ts';
import { parseTableMap } from './events/table-map.ts';
import type { LoggedChange, RowChange } from './row-change.ts';
import { rowsOf } from './rows/row-image.ts';
import type { RowImages } from './rows/row-image.ts';
import { tableCodecs } from './rows/table-codecs.ts';
import type { LogServer, TableCodecs } from './rows/table-codecs.ts';

/** Takes changes in order; a promise holds the reading back. */
export type ChangeHandler = (change: LoggedChange) => Promise<void> | undefined;

interface Table {
  readonly schema: string;
  readonly table: string;
  readonly codecs: TableCodecs;
}

/** Events within a transaction that change no row: what statements were, and what they were computed with. */
const SILENT: ReadonlySet<number> = new Set([
  EventType.IntVar,
  EventType.Rand,
  EventType.UserVar,
  EventType.RowsQuery,
  EventType.AnnotateRows,
  EventType.Ignorable,
  EventType.TransactionContext,
  EventType.ViewChange,
  EventType.Query,
  EventType.CompressedQuery,
]);
/** Rows of no table: they only say that a statement has ended. */
const NO_TABLE = 0xffffff;

/** Makes changes of the events of one transaction. Holds one change back until it is known whether it is a statement's last. */
export class ChangeAssembler {
  readonly #columnsOf: ColumnLookup;
  readonly #server: LogServer;
  readonly #take: ChangeHandler;
  readonly #tables = new Map<number, Table>();
  #held: LoggedChange | undefined;
  /** How many changes there were. */
  count = 0;

  constructor(columnsOf: ColumnLookup, server: LogServer, take: ChangeHandler) {
    this.#columnsOf = columnsOf;
    this.#server = server;
    this.#take = take;
  }

  /** Takes an event within the transaction. Rejects with `Malformed`, or as the lookup and the handler do. */
  async add(event: LogEvent): Promise<void> {
    if (event.type === EventType.TableMap) await this.#addTable(event);
    else if (isRowsEvent(event)) await this.#addRows(parseRowsEvent(event));
    else if (event.type === EventType.PartialUpdateRows)
      await this.unreadable('rows are logged without the whole of their JSON (binlog_row_value_options)');
    else if (!SILENT.has(event.type) && !isIgnorable(event))
      await this.unreadable(`the log has an event of the type ${event.type}, which is not known`);
  }

  /** Something of no known table changed that is not told row by row. */
  async unreadable(why: string, schema = ''): Promise<void> {
    await this.#emit({ kind: 'unreadable', schema, table: '', why, statementEnd: false });
  }

  /** The statement, or the transaction, has ended. */
  async end(): Promise<void> {
    await this.#flush(true);
  }

  async #addTable(event: LogEvent): Promise<void> {
    const map = parseTableMap(event.body);
    const { schema, table } = map;
    const known = this.#tables.get(map.tableId);
    // A number is of one table in one form: another form gets another number.
    if (known?.schema === schema && known.table === table) return;
    const facts = typeof map.columns === 'string' ? [] : await this.#columnsOf(schema, table, map.columnCount);
    this.#tables.set(map.tableId, { schema, table, codecs: tableCodecs(map, facts, this.#server) });
  }

  async #addRows(event: RowsEvent): Promise<void> {
    if (event.columnCount === 0 || event.tableId === NO_TABLE) {
      if (event.statementEnd) await this.#flush(true);
      return;
    }
    const found = this.#tables.get(event.tableId);
    if (found === undefined) throw new BinlogError('Malformed', `rows of a table ${event.tableId} that has no name`);
    const { schema, table, codecs } = found;
    const why = whyUnreadable(event, codecs);
    if (typeof codecs === 'string' || why !== undefined)
      await this.#emit({ kind: 'unreadable', schema, table, why: why ?? '', statementEnd: false });
    else
      for (const images of rowsOf(event, codecs)) {
        const emitted = this.#emit(changeOf(event.kind, schema, table, images));
        // Waiting costs more than most rows.
        if (emitted !== undefined) await emitted;
      }
    if (event.statementEnd) await this.#flush(true);
  }

  #emit(change: LoggedChange): Promise<void> | undefined {
    const flushed = this.#flush(false);
    this.#held = change;
    this.count += 1;
    return flushed;
  }

  #flush(statementEnd: boolean): Promise<void> | undefined {
    const held = this.#held;
    this.#held = undefined;
    return held === undefined ? undefined : this.#take(statementEnd ? { ...held, statementEnd } : held);
  }
}

function whyUnreadable(event: RowsEvent, codecs: TableCodecs): string | undefined {
  if (typeof codecs === 'string') return codecs;
  if (event.columnCount !== codecs.length) return 'its rows have another number of columns than the log says of it';
  return event.complete ? undefined : 'its rows are logged without all of their columns (binlog_row_image)';
}

function changeOf(kind: RowChange['kind'], schema: string, table: string, { before, after }: RowImages): RowChange {
  const head = { schema, table, statementEnd: false };
  if (kind === 'insert') return { ...head, kind, after };
  return kind === 'delete' ? { ...head, kind, before } : { ...head, kind, before, after };
}
