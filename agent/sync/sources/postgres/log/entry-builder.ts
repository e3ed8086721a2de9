import type { Logger } from 'pino';
import type { SourcePosition, StreamEntry } from '../../../stream-entry.ts';
import { toPosition } from './log-index.ts';
import type { LogIndex, LogPlace } from './log-index.ts';
import type { LogMessage, Relation, RowChange } from './pgoutput.ts';
import type { Queries } from '../server/queries.ts';
import type { Alive, ReplicationLink } from './replication-link.ts';
import { tablePrefix } from '../tables/row-key.ts';
import { StreamTable } from './stream-table.ts';
import { readKey } from '../tables/table-catalog.ts';
import type { TypeCatalog } from '../values/type-catalog.ts';
import type { Visibility } from '../snapshot/visibility.ts';

export interface BuilderParts {
  readonly queries: Queries;
  readonly types: TypeCatalog;
  readonly visibility: Visibility;
  readonly link: ReplicationLink;
  readonly logger: Logger;
  readonly index: LogIndex;
  /** Where the stream begins. */
  readonly place: LogPlace;
}

interface Transaction {
  readonly xid: number;
  readonly commitLsn: number;
  readonly committedMs: number;
  /** Whether it has an event, wanted or not. */
  hasEvents: boolean;
}

/** Makes entries of what the log says. */
export class EntryBuilder {
  readonly #parts: BuilderParts;
  readonly #tables = new Map<number, StreamTable>();
  #lsn: number;
  #transaction: Transaction | undefined;
  /** The last event: it is held back until the end of its transaction is known. */
  #held: StreamEntry | undefined;

  constructor(parts: BuilderParts) {
    this.#parts = parts;
    this.#lsn = parts.place.lsn;
  }

  /** Behind all that was built. */
  get position(): SourcePosition {
    const { index, place } = this.#parts;
    return toPosition({ ...place, lsn: this.#lsn, event: index.event });
  }

  async build(
    messages: readonly (LogMessage | Alive)[],
    wanted: readonly string[] | undefined,
  ): Promise<StreamEntry[]> {
    const entries: StreamEntry[] = [];
    for (const message of messages) {
      switch (message.kind) {
        case 'begin':
          this.#transaction = { ...message, hasEvents: false };
          await this.#parts.visibility.note(message.xid);
          break;
        case 'relation':
          this.#tables.set(message.relation.oid, await this.#tableOf(message.relation));
          break;
        case 'insert':
        case 'update':
        case 'delete':
          for (const part of this.#table(message.relation).parts(message)) this.#change(part, wanted, entries);
          break;
        case 'truncate':
          for (const oid of message.relations) this.#truncate(oid, wanted, entries);
          break;
        case 'commit':
          this.#commit(message.endLsn, entries);
          break;
        case 'alive':
          if (this.#transaction === undefined) this.#moveTo(message.walEnd, entries);
          break;
        case 'other':
          break;
      }
    }
    return entries;
  }

  #change(change: RowChange, wanted: readonly string[] | undefined, entries: StreamEntry[]): void {
    const table = this.#table(change.relation);
    // Also when the row is not wanted: what others want must not move indexes.
    const index = this.#nextIndex();
    const found = table.rowOf(change, wanted);
    if (found === undefined) return;
    const { fields, row } = found;
    const event = {
      event_schema: table.schema,
      table: table.table,
      event_type: change.kind,
      fields,
      rows: [row],
      index,
    };
    this.#hold({ index, event, touched: () => table.touched(change) }, entries);
  }

  /** No row is named: all of the table's are gone. */
  #truncate(oid: number, wanted: readonly string[] | undefined, entries: StreamEntry[]): void {
    const found = this.#table(oid);
    const { schema, table } = found;
    const index = this.#nextIndex();
    if (!found.isWanted(wanted)) return;
    this.#parts.logger.warn(
      { schema, table, index },
      'a table was truncated: consumers are told of a deletion without rows',
    );
    const event = { event_schema: schema, table, event_type: 'delete' as const, fields: [], rows: [], index };
    this.#hold({ index, event, touched: () => ({ keys: [], prefixes: [tablePrefix(schema, table)] }) }, entries);
  }

  #hold(entry: StreamEntry, entries: StreamEntry[]): void {
    if (this.#held !== undefined) entries.push(this.#held);
    const { committedMs = 0, xid } = this.#transaction ?? {};
    this.#held = { ...entry, committedMs, transaction: xid };
  }

  #commit(endLsn: number, entries: StreamEntry[]): void {
    this.#transaction = undefined;
    if (this.#held === undefined) return this.#moveTo(endLsn, entries);
    this.#lsn = endLsn;
    entries.push({ ...this.#held, position: this.position });
    this.#held = undefined;
  }

  /** A position without an event. */
  #moveTo(lsn: number, entries: StreamEntry[]): void {
    if (lsn <= this.#lsn) return;
    const { index, link } = this.#parts;
    const at = index.between(lsn, link.isExpected(this.#lsn, lsn));
    if (at === undefined) return;
    this.#lsn = lsn;
    entries.push({ index: at, position: this.position });
  }

  #nextIndex(): number {
    const transaction = this.#transaction;
    if (transaction === undefined) throw new Error('the log has a change outside a transaction');
    if (transaction.hasEvents) return this.#parts.index.next();
    transaction.hasEvents = true;
    return this.#parts.index.first(transaction.commitLsn);
  }

  #table(oid: number): StreamTable {
    const table = this.#tables.get(oid);
    if (table === undefined) throw new Error(`the log has a change of a table that it has not described (${oid})`);
    return table;
  }

  async #tableOf(relation: Relation): Promise<StreamTable> {
    const { types, queries } = this.#parts;
    const readers = await types.readers(relation.columns.map(({ type }) => type));
    const names = relation.columns.map(({ name }) => name);
    const flagged = relation.columns.filter(({ isKey }) => isKey).map(({ name }) => name);
    // Where the whole row is the identity, a primary key tells rows apart all the same.
    const primary = relation.identity === 'f' ? await readKey(queries, relation.oid) : [];
    const key = primary.length > 0 && primary.every((name) => names.includes(name)) ? primary : flagged;
    return new StreamTable(relation, readers, key.length > 0 ? key : names);
  }
}
