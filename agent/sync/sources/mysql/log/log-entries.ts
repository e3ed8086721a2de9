import type { Logger } from 'pino';
import type { BinlogPosition } from '../../../../executors/mysql/binlog/binlog-position.ts';
import { EventType } from '../../../../executors/mysql/binlog/events/event-type.ts';
import { isIgnorable } from '../../../../executors/mysql/binlog/events/log-event.ts';
import type { LogEvent } from '../../../../executors/mysql/binlog/events/log-event.ts';
import { isQuery, parseQuery } from '../../../../executors/mysql/binlog/events/query-event.ts';
import type { LoggedQuery } from '../../../../executors/mysql/binlog/events/query-event.ts';
import { isRowsEvent, parseRowsEvent } from '../../../../executors/mysql/binlog/events/rows-event.ts';
import { GroupTracker } from '../../../../executors/mysql/binlog/group-tracker.ts';
import { PositionLostError } from '../../../source.ts';
import type { StreamEntry } from '../../../stream-entry.ts';
import type { SyncEvent } from '../../../sync-event.ts';
import { invalid } from '../failure.ts';
import { rowKey } from '../row-key.ts';
import type { TableFilter } from '../table-filter.ts';
import type { GtidSet } from './gtid-set.ts';
import { emptiedTables } from './emptied-tables.ts';
import { rowGroups } from './logged-rows.ts';
import type { RowGroup } from './logged-rows.ts';
import { indexOf, isBehind } from './position.ts';
import type { MysqlPosition, MysqlTransaction } from './position.ts';
import { beginsPrepared, parseXa, PreparedTransactions } from './prepared-transactions.ts';
import type { XaStatement } from './prepared-transactions.ts';
import type { TablePlan, TablePlans } from './table-plans.ts';

export interface LogEntriesOptions {
  readonly plans: TablePlans;
  readonly filter: TableFilter;
  /** Where the events stand. */
  readonly place: () => BinlogPosition;
  readonly server: string;
  /** What was brought before; it grows. Undefined: positions are places. */
  readonly gtids: GtidSet | undefined;
  /** See `ResolvedStart`. */
  readonly shift: number | undefined;
  /** What stands before was told already, and is read again for what was prepared there. */
  readonly skipUntil: BinlogPosition | undefined;
  /** All indexes are above. */
  readonly afterIndex: number;
  readonly logger: Logger;
}

/** Rows of one kind; undefined: of a table that is not read. */
export type LoggedChange = (RowGroup & { readonly plan: TablePlan }) | undefined;

/** A flag of XA_PREPARE. */
const ONE_PHASE = 1;
/** Rows of no table: they only say that a statement has ended. */
const NO_TABLE = 0xffffff;
const CHANGES_ROWS =
  /^\s*(?:\/\*.*?\*\/\s*)*(?:INSERT|UPDATE|DELETE|REPLACE|LOAD|WITH|CALL|BEGIN_LOAD|EXECUTE_LOAD)\b/is;
/** Whole tables or parts of them change places. */
const REPLACES =
  /^\s*(?:\/\*.*?\*\/\s*)*(?:RENAME\s+TABLE|ALTER\s+TABLE\b.*\b(?:RENAME\s+(?:TO|AS)|PARTITION|TABLESPACE))\b/is;
/** So much of a statement stands in a line of the log. */
const MAX_SHOWN = 500;
/** What is inside transactions and changes no rows. */
const SILENT: ReadonlySet<number> = new Set([
  ...[EventType.IntVar, EventType.Rand, EventType.UserVar, EventType.RowsQuery, EventType.AnnotateRows],
  ...[EventType.Ignorable, EventType.TransactionContext, EventType.ViewChange],
  ...[EventType.Query, EventType.CompressedQuery],
]);

/** Makes entries of the events of a log, taken in order. */
export class LogEntries {
  readonly #options: LogEntriesOptions;
  readonly #tracker = new GroupTracker();
  #ready: StreamEntry[] = [];
  /** The last of a transaction: its position is known when the transaction has ended. */
  #held: StreamEntry | undefined;
  #transaction: MysqlTransaction | undefined;
  /** Where the transaction after the last one begins. */
  #boundary: BinlogPosition;
  readonly #prepared = new PreparedTransactions();
  /** All before was told already. */
  #skipUntil: BinlogPosition | undefined;
  /** Where the present event begins. */
  #before: BinlogPosition;
  #last: number;
  #shift: number | undefined;

  constructor(options: LogEntriesOptions) {
    this.#options = options;
    this.#last = options.afterIndex;
    this.#shift = options.shift;
    this.#skipUntil = options.skipUntil;
    this.#boundary = options.place();
    this.#before = this.#boundary;
  }

  /** What is complete. */
  drain(): readonly StreamEntry[] {
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  /** Behind the last transaction that was taken whole. */
  get boundary(): BinlogPosition {
    return this.#boundary;
  }

  get count(): number {
    return this.#ready.length;
  }

  /** A promise is to be waited for. Throws or rejects with a `SourceError`, or with `Malformed`. */
  take(event: LogEvent): Promise<void> | undefined {
    const step = this.#tracker.take(event);
    const xa = isQuery(event) ? parseXa(parseQuery(event).text.trim()) : undefined;
    if (xa !== undefined) {
      this.#takeXa(xa, event);
      return undefined;
    }
    switch (step.kind) {
      case 'outside':
        if (event.type === EventType.FormatDescription) this.#options.plans.forget();
        this.#moved();
        return undefined;
      case 'start':
        this.#begin();
        return undefined;
      case 'begin':
        if (this.#transaction === undefined) this.#begin();
        if (beginsPrepared(event)) this.#prepared.start('');
        return undefined;
      case 'inside':
        return this.#takeChange(event);
      case 'statement':
        if (this.#transaction === undefined) this.#begin();
        this.#takeStatement(step.query);
        if (step.last) this.#end(event);
        return undefined;
      case 'end':
        if (event.type === EventType.XaPrepare) this.#endXa(event);
        else this.#end(event);
        return undefined;
    }
  }

  /** To be called when an event was taken, with all that it holds. */
  passed(): void {
    this.#before = this.#options.place();
  }

  /** There is nothing new: whoever waits for a place in the log is told that it is reached. */
  rest(): void {
    this.#moved();
  }

  #begin(): void {
    const { server } = this.#options;
    this.#transaction = { gtid: this.#tracker.gtid, begin: this.#boundary, server };
  }

  #takeChange(event: LogEvent): Promise<void> | undefined {
    if (event.type === EventType.TableMap) return this.#options.plans.name(event.body);
    if (isRowsEvent(event)) this.#takeRows(event);
    else if (event.type === EventType.PartialUpdateRows)
      throw invalid('rows are logged without the whole of their JSON: binlog_row_value_options must be empty');
    else if (!SILENT.has(event.type) && !isIgnorable(event))
      throw invalid(`the log has an event of the type ${event.type}, which is not known`);
    return undefined;
  }

  #takeRows(event: LogEvent): void {
    const rows = parseRowsEvent(event);
    if (rows.columnCount === 0 || rows.tableId === NO_TABLE) return;
    const { plans } = this.#options;
    if (!plans.isKnown(rows.tableId))
      throw invalid(`the log has rows of a table ${rows.tableId} that it has not named`);
    const plan = plans.get(rows.tableId);
    // Also what is left out counts, so that indexes do not depend on what is wanted.
    const changes: readonly LoggedChange[] =
      plan === undefined ? [undefined] : rowGroups(rows, plan).map((group) => ({ ...group, plan }));
    if (this.#prepared.isOpen) this.#prepared.add(changes, event.body.length);
    else this.#tell(changes, event.timestamp * 1000);
  }

  #tell(changes: readonly LoggedChange[], committedMs: number): void {
    if (this.#skipUntil !== undefined) return;
    const transaction = this.#transaction;
    for (const change of changes) {
      const index = this.#nextIndex(this.#before);
      if (change === undefined) {
        this.#hold({ index, transaction });
        continue;
      }
      const { plan, type, rows } = change;
      const keyOf = rowKey(plan.schema, plan.table, plan.key);
      this.#hold({
        index,
        event: {
          ...{ event_type: type, fields: plan.fields, rows, index },
          ...{ event_schema: plan.schema, table: plan.table },
        },
        ...{ committedMs, transaction },
        touched: () => ({ keys: keyOf === undefined ? [] : rows.map(keyOf) }),
      });
    }
  }

  #takeStatement({ schema, text }: LoggedQuery): void {
    const { filter, plans, logger } = this.#options;
    const change = CHANGES_ROWS.exec(text);
    if (change !== null) {
      if (schema !== '' && !filter.hasDatabase(schema)) return;
      // The statement itself holds what nobody else may read, and may be as long as a packet.
      const verb = /[A-Z_]+$/i.exec(change[0])?.[0] ?? '';
      throw invalid(
        `the log has a statement (${verb} in ${schema}) and not the rows that it changed: binlog_format must be ROW, also in sessions`,
      );
    }
    plans.forget();
    for (const { table, ...emptied } of emptiedTables(text, schema)) {
      if (table === undefined ? !filter.hasDatabase(emptied.schema) : !filter.has(emptied.schema, table)) continue;
      logger.warn({ ...emptied, table }, 'rows went away: consumers are told of a deletion without rows, if at all');
      this.#tellEmptied(emptied.schema, table);
    }
    if (REPLACES.test(text))
      logger.warn(
        { schema, statement: text.slice(0, MAX_SHOWN) },
        'rows may have come or gone without a word in the log: ask for a snapshot',
      );
  }

  /** What a snapshot has read of it is not sent any more. */
  #tellEmptied(schema: string, table: string | undefined): void {
    if (this.#skipUntil !== undefined) return;
    const index = this.#nextIndex(this.#before);
    const head = { index, transaction: this.#transaction };
    if (table === undefined) return this.#hold({ ...head, touched: () => ({ keys: [], prefixes: [`${schema}.`] }) });
    const event: SyncEvent = { event_type: 'delete', fields: [], rows: [], index, event_schema: schema, table };
    this.#hold({ ...head, event, touched: () => ({ keys: [], prefixes: [`${schema}.${table}:`] }) });
  }

  /** What XA prepares happens when it is committed, in another group of the log. */
  #takeXa({ verb, xid, onePhase }: XaStatement, event: LogEvent): void {
    if (this.#transaction === undefined) this.#begin();
    if (verb === 'start') this.#prepared.start(xid);
    if (verb === 'end') this.#prepared.name(xid);
    if (verb !== 'commit' && verb !== 'rollback') return;
    if (onePhase || this.#prepared.isOpen) {
      const changes = this.#prepared.commitOpen();
      if (verb === 'commit') this.#tell(changes, event.timestamp * 1000);
    } else {
      const found = this.#prepared.take(xid);
      if (verb === 'commit' && found === undefined && this.#skipUntil === undefined)
        throw new PositionLostError(
          `the log has the commit of an XA transaction (${xid}) that was prepared before it was read from`,
        );
      if (verb === 'commit') this.#tell(found?.changes ?? [], event.timestamp * 1000);
      if (found?.gtid !== undefined) this.#options.gtids?.add(found.gtid);
    }
    this.#end(event);
  }

  #endXa(event: LogEvent): void {
    if (event.body[0] === ONE_PHASE || !this.#prepared.isOpen) {
      this.#tell(this.#prepared.commitOpen(), event.timestamp * 1000);
      this.#end(event);
      return;
    }
    const { gtid, begin = this.#boundary } = this.#transaction ?? {};
    // Its GTID counts when it has happened, so that it comes again after a new beginning.
    this.#prepared.prepareOpen(gtid, begin);
    this.#boundary = this.#options.place();
    this.#transaction = undefined;
  }

  #end(event: LogEvent): void {
    const { gtids } = this.#options;
    const { gtid } = this.#tracker;
    if (gtids !== undefined && gtid !== undefined) gtids.add(gtid);
    this.#boundary = this.#options.place();
    if (this.#skipUntil === undefined) {
      const end: StreamEntry = this.#held ?? {
        ...{
          index: this.#nextIndex(this.#boundary),
          transaction: this.#transaction,
          committedMs: event.timestamp * 1000,
        },
      };
      this.#catchUp();
      this.#ready.push({ ...end, position: this.#position() });
    } else if (isBehind(this.#boundary, this.#skipUntil)) this.#skipUntil = undefined;
    this.#held = undefined;
    this.#transaction = undefined;
  }

  /** Between transactions the place has changed: another file, or what was passed over. */
  #moved(): void {
    if (this.#transaction !== undefined || this.#skipUntil !== undefined) return;
    const place = this.#options.place();
    if (place.file === '' || (place.file === this.#boundary.file && place.position === this.#boundary.position)) return;
    this.#boundary = place;
    const index = this.#indexAt(place);
    // Not otherwise: how often a server says so is not always the same.
    if (index <= this.#last) return;
    this.#last = index;
    this.#ready.push({ index, position: this.#position() });
  }

  #position(): MysqlPosition & Record<string, unknown> {
    const { gtids, server } = this.#options;
    const { file, position } = this.#boundary;
    const shift = this.#shift === undefined || this.#shift === 0 ? {} : { shift: this.#shift };
    const place = { file, pos: position, server, ...shift };
    if (gtids !== undefined) return { gtid: gtids.toString(), ...place };
    const { begin } = this.#prepared;
    return begin === undefined ? place : { ...place, from: { file: begin.file, pos: begin.position } };
  }

  #hold(entry: StreamEntry): void {
    if (this.#held?.touched !== undefined) this.#ready.push(this.#held);
    this.#held = entry;
  }

  /** Of what stands at a place: one after the other where the log has fewer bytes than there are changes. */
  #nextIndex(place: BinlogPosition): number {
    this.#last = Math.max(this.#last + 1, this.#indexAt(place));
    return this.#last;
  }

  /**
   * Changes have gone ahead of their place, as many that XA commits do: from here on places count for more. So indexes
   * follow from the position alone, however a stream has come there.
   */
  #catchUp(): void {
    const ahead = this.#last - this.#indexAt(this.#boundary);
    if (ahead > 0) this.#shift = (this.#shift ?? 0) + ahead;
  }

  #indexAt(place: BinlogPosition): number {
    this.#shift ??= Math.max(this.#last + 1 - indexOf(place), 0);
    const index = indexOf(place) + this.#shift;
    return Number.isSafeInteger(index) ? index : 0;
  }
}
