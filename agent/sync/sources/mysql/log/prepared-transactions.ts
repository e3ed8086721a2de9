import { comparePositions } from '../../../../executors/mysql/binlog/binlog-position.ts';
import type { BinlogPosition } from '../../../../executors/mysql/binlog/binlog-position.ts';
import { EventType } from '../../../../executors/mysql/binlog/events/event-type.ts';
import type { LogEvent } from '../../../../executors/mysql/binlog/events/log-event.ts';
import { SourceError } from '../../../source.ts';
import type { LoggedChange } from './log-entries.ts';

/** What XA has prepared: logged long before it is known whether it happens. */
export interface PreparedTransaction {
  readonly changes: LoggedChange[];
  /** Of the group in which it stands. */
  gtid: string | undefined;
  begin: BinlogPosition;
}

/** A statement of XA in the log. */
export interface XaStatement {
  readonly verb: 'start' | 'end' | 'commit' | 'rollback' | 'prepare';
  readonly xid: string;
  readonly onePhase: boolean;
}

/** Where MariaDB's GTID event has its flags, and the one that says so (log_event.h, FL_PREPARED_XA). */
const FLAGS_AT = 12;
const PREPARED = 0x40;
const STATEMENT = /^XA\s+(START|BEGIN|END|COMMIT|ROLLBACK|PREPARE)\s+(.*?)(\s+ONE\s+PHASE)?\s*$/is;
/** All that is prepared is kept in memory. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Undefined: it is none. */
export function parseXa(text: string): XaStatement | undefined {
  if (!/^XA\s/i.test(text)) return undefined;
  const [, verb = '', xid = '', onePhase] = STATEMENT.exec(text) ?? [];
  if (verb === '') return undefined;
  const lower = verb.toLowerCase();
  return { verb: lower === 'begin' ? 'start' : (lower as XaStatement['verb']), xid, onePhase: onePhase !== undefined };
}

/** Whether an event begins what XA prepares, in MariaDB's way. */
export const beginsPrepared = ({ type, body }: LogEvent): boolean =>
  type === EventType.MariadbGtid && ((body[FLAGS_AT] ?? 0) & PREPARED) !== 0;

/** Keeps what XA has prepared until it is committed or rolled back. */
export class PreparedTransactions {
  readonly #prepared = new Map<string, PreparedTransaction & { readonly bytes: number }>();
  #open: { xid: string; readonly changes: LoggedChange[] } | undefined;
  #openBytes = 0;
  #bytes = 0;

  /** Whether the present transaction is XA's. */
  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** Where the oldest begins. */
  get begin(): BinlogPosition | undefined {
    let oldest: BinlogPosition | undefined;
    for (const { begin } of this.#prepared.values())
      if (oldest === undefined || comparePositions(begin, oldest) < 0) oldest = begin;
    return oldest;
  }

  start(xid: string): void {
    this.#open = { xid, changes: [] };
    this.#openBytes = 0;
  }

  /** MariaDB names it when it ends only. */
  name(xid: string): void {
    if (this.#open !== undefined) this.#open.xid = xid;
  }

  /** `bytes`: of the event in the log. Throws a `SourceError` when it is too much. */
  add(changes: readonly LoggedChange[], bytes: number): void {
    this.#open?.changes.push(...changes);
    this.#openBytes += bytes;
    if (this.#bytes + this.#openBytes > MAX_BYTES)
      throw new SourceError(
        'TransactionTooLarge',
        `XA transactions that are prepared and not committed changed more than ${MAX_BYTES / 1024 / 1024} MiB: commit them or roll them back`,
        { retryable: true },
      );
  }

  /** The present one ends and is committed with its own group. */
  commitOpen(): readonly LoggedChange[] {
    const changes = this.#open?.changes ?? [];
    this.#open = undefined;
    return changes;
  }

  /** The present one ends and is prepared. */
  prepareOpen(gtid: string | undefined, begin: BinlogPosition): void {
    if (this.#open === undefined) return;
    const { xid, changes } = this.#open;
    this.#prepared.set(xid, { changes, gtid, begin, bytes: this.#openBytes });
    this.#bytes += this.#openBytes;
    this.#open = undefined;
  }

  /** It was committed or rolled back. Undefined: it was prepared before the log was read. */
  take(xid: string): PreparedTransaction | undefined {
    const found = this.#prepared.get(xid);
    this.#prepared.delete(xid);
    this.#bytes -= found?.bytes ?? 0;
    return found;
  }
}
