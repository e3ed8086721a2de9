import { EventType } from './events/event-type.ts';
import { parseGroupStart } from './events/gtid-event.ts';
import type { LogEvent } from './events/log-event.ts';
import { isQuery, parseQuery } from './events/query-event.ts';
import type { LoggedQuery } from './events/query-event.ts';

/**
 * What an event is for the transaction around it. `start`: its GTID is known. `begin`: its thread is known as well, where
 * the log tells it. `inside`: one of its changes. `statement`: a statement that is not logged row by row. `end`: it has
 * ended with this event, and is committed unless `rolledBack`. `outside`: of no transaction.
 */
export type GroupStep =
  | { readonly kind: 'start' | 'begin' | 'inside' | 'outside' }
  | { readonly kind: 'statement'; readonly query: LoggedQuery; readonly last: boolean }
  | { readonly kind: 'end'; readonly rolledBack: boolean };

/** Events that say something of the log or of what follows, but change nothing. */
const SILENT: ReadonlySet<number> = new Set([
  EventType.Stop,
  EventType.Rotate,
  EventType.FormatDescription,
  EventType.Heartbeat,
  EventType.HeartbeatV2,
  EventType.PreviousGtids,
  EventType.BinlogCheckpoint,
  EventType.MariadbGtidList,
  EventType.StartEncryption,
]);
const BEGIN = /^(BEGIN|XA START\b.*)$/is;
/** One statement, and the rows of its SELECT in the same transaction (MySQL 8.0.21). */
const BEGINS_ITSELF = /\bSTART\s+TRANSACTION\s*$/i;
const COMMITS = /^(COMMIT|XA COMMIT\b.*)$/is;
const ROLLS_BACK = /^(ROLLBACK|XA ROLLBACK\b.*)$/is;
/** Nothing that stays is changed. */
const HARMLESS = /^(SAVEPOINT|XA END|DROP\s+(\/\*!\d+\s+)?TEMPORARY)\b/i;

/** Follows transactions through the events of a log, in order. */
export class GroupTracker {
  /** Of the transaction that the last event belongs to. */
  gtid: string | undefined;
  threadId: number | undefined;
  #state: 'outside' | 'started' | 'begun' = 'outside';
  #standalone = false;

  take(event: LogEvent): GroupStep {
    if (SILENT.has(event.type)) return { kind: 'outside' };
    const start = parseGroupStart(event);
    if (start !== undefined) {
      this.gtid = start.gtid;
      this.threadId = start.threadId;
      this.#standalone = start.standalone;
      this.#state = start.begun ? 'begun' : 'started';
      return { kind: start.begun ? 'begin' : 'start' };
    }
    if (isQuery(event)) return this.#takeQuery(parseQuery(event));
    if (event.type === EventType.Xid || event.type === EventType.XaPrepare) return this.#end(false);
    return { kind: this.#state === 'outside' ? 'outside' : 'inside' };
  }

  #takeQuery(query: LoggedQuery): GroupStep {
    const text = query.text.trim();
    this.threadId = query.threadId;
    // What XA has prepared is committed in a transaction of its own.
    if (COMMITS.test(text)) return this.#end(false);
    if (ROLLS_BACK.test(text)) return this.#end(true);
    if (this.#state === 'begun') {
      return HARMLESS.test(text) ? { kind: 'inside' } : { kind: 'statement', query, last: false };
    }
    // Without GTIDs of any kind, as before MySQL 5.6, this is the first word of a transaction.
    if (this.#state === 'outside') this.gtid = undefined;
    const begins = BEGIN.test(text);
    this.#state = begins || (BEGINS_ITSELF.test(text) && !this.#standalone) ? 'begun' : 'outside';
    if (begins) return { kind: 'begin' };
    if (HARMLESS.test(text)) return this.#end(false);
    return { kind: 'statement', query, last: this.#state === 'outside' };
  }

  #end(rolledBack: boolean): GroupStep {
    this.#state = 'outside';
    return { kind: 'end', rolledBack };
  }
}
