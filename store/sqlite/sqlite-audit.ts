import { setImmediate as turn } from 'node:timers/promises';
import { chain, faultOf, GENESIS, parseRecord } from '../audit-record.ts';
import type { Audit, AuditMark, AuditQuery, AuditRecord, AuditVerification, NewAuditRecord } from '../audit.ts';
import { AUDIT_SCHEMA } from './audit-schema.ts';
import { asStoreFull } from './capacity.ts';
import { Database } from './database.ts';
import { FileSync } from './file-sync.ts';

export interface AuditBounds {
  /** Some 600 bytes each. */
  readonly maxRecords: number;
  /** In milliseconds. */
  readonly maxAgeMs: number;
}

/** Half a gigabyte at most, and a year. */
export const DEFAULT_AUDIT_BOUNDS: AuditBounds = { maxRecords: 1_000_000, maxAgeMs: 365 * 24 * 3600 * 1000 };

/** Records that one statement looks at: the process answers others in between. */
const SLICE = 10_000;
const VERIFY_SLICE = 500;
/** How many more than the bound there may be before some are removed, as a part of it: not one at a time. */
const SLACK = 0.01;

const REMOVAL = 'removeAuditRecords';
const removalOf = (first: number, last: number): string => `audit/${first}-${last}`;

interface Row {
  seq: number;
  record: string;
  hash: string;
}

/** The audit trail in a file of its own. */
export class SqliteAudit implements Audit {
  readonly #db: Database;
  readonly #sync: FileSync;
  readonly #bounds: AuditBounds;
  /** What this process knows to be the newest: if the file has less, somebody took it away. */
  #known: AuditMark;
  #verifying: Promise<AuditVerification> | undefined;

  constructor(file: string, bounds: AuditBounds = DEFAULT_AUDIT_BOUNDS) {
    // Without an fsync for each call: FileSync sees to the disk, a moment later (docs/adr/0036).
    this.#db = new Database(file, { schema: AUDIT_SCHEMA, synchronous: 'NORMAL' });
    this.#sync = new FileSync(`${file}-wal`);
    this.#bounds = bounds;
    this.#known = this.head;
  }

  get head(): AuditMark {
    return this.#mark('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1') ?? this.anchor;
  }

  get anchor(): AuditMark {
    return this.#mark('SELECT seq, hash FROM audit_anchor ORDER BY seq DESC LIMIT 1') ?? GENESIS;
  }

  async append(record: NewAuditRecord): Promise<AuditMark> {
    try {
      const mark = await this.#db.write(() => {
        const made = this.#insert(record);
        const { maxRecords } = this.#bounds;
        if (made.seq - this.anchor.seq > maxRecords + Math.max(1, maxRecords * SLACK)) this.#removeOldest();
        return made;
      });
      this.#advance();
      return mark;
    } catch (err) {
      throw asStoreFull(err);
    }
  }

  async list({ limit, after, before, ...fields }: AuditQuery): Promise<readonly AuditRecord[]> {
    const lowest = Math.max(after ?? 0, this.anchor.seq);
    const highest = Math.min((before ?? Infinity) - 1, this.head.seq);
    const found: AuditRecord[] = [];
    const newestFirst = after === undefined;
    for (let done = 0; done < highest - lowest && found.length < limit; done += SLICE) {
      if (done > 0) await turn();
      const from = newestFirst ? Math.max(lowest, highest - done - SLICE) : lowest + done;
      const to = newestFirst ? highest - done : Math.min(highest, lowest + done + SLICE);
      for (const { record, hash } of this.#slice(from, to, fields, newestFirst, limit - found.length))
        found.push(parseRecord(record, hash));
    }
    return found;
  }

  has(uid: string, action?: string): boolean {
    const known = this.#db.prepare('SELECT 1 FROM audit WHERE uid = ? AND (? IS NULL OR action = ?) LIMIT 1');
    return known.get(uid, action ?? null, action ?? null) !== undefined;
  }

  verify(): Promise<AuditVerification> {
    this.#verifying ??= this.#verify().finally(() => (this.#verifying = undefined));
    return this.#verifying;
  }

  async retain(): Promise<number> {
    let removed = 0;
    for (let now = SLICE; now === SLICE; removed += now) now = await this.#db.write(() => this.#removeOldest());
    if (removed > 0) this.#advance();
    return removed;
  }

  async close(): Promise<void> {
    await this.#sync.close();
    this.#db.close();
  }

  #insert(record: NewAuditRecord): AuditMark {
    // Read again each time: what the transaction before did may have been undone.
    const { text, mark } = chain(record, this.head, new Date());
    this.#db.prepare('INSERT INTO audit (seq, record, hash) VALUES (?, ?, ?)').run(mark.seq, text, mark.hash);
    return mark;
  }

  #advance(): void {
    this.#known = this.head;
    this.#sync.request();
  }

  /** Within a transaction; the newest record stays. Returns how many went. */
  #removeOldest(): number {
    const { maxRecords, maxAgeMs } = this.#bounds;
    const [{ seq: newest }, first] = [this.head, this.anchor.seq + 1];
    const tooOld = new Date(Date.now() - maxAgeMs).toISOString();
    const young = this.#db
      .prepare('SELECT seq FROM audit WHERE seq < ? AND time >= ? ORDER BY seq LIMIT 1')
      .get(first + SLICE, tooOld) as { seq: number } | undefined;
    const byAge = (young?.seq ?? first + SLICE) - 1;
    const last = Math.min(Math.max(byAge, newest - maxRecords), newest - 1, first + SLICE - 1);
    const mark = this.#mark('SELECT seq, hash FROM audit WHERE seq = ?', last);
    if (last < first || mark === undefined) return 0;
    const object = removalOf(first, last);
    this.#insert({ action: REMOVAL, user: 'tiangong:api', source: 'api', object });
    this.#db.prepare('INSERT INTO audit_anchor (seq, hash) VALUES (?, ?)').run(mark.seq, mark.hash);
    this.#db.prepare('DELETE FROM audit WHERE seq <= ?').run(last);
    return last - first + 1;
  }

  async #verify(): Promise<AuditVerification> {
    let previous = this.anchor;
    let records = 0;
    const end = (broken?: number, reason?: string): AuditVerification => ({
      ...{ records, head: this.head, broken, reason },
    });
    for (;;) {
      // Records that were removed meanwhile were older than all that are looked at, or the look begins again.
      if (this.anchor.seq > previous.seq) previous = this.anchor;
      const rows = this.#slice(previous.seq, Number.MAX_SAFE_INTEGER, {}, false, VERIFY_SLICE);
      for (const { seq, record, hash } of rows) {
        const fault = faultOf(record, hash, seq, previous);
        if (fault !== undefined) return end(Math.min(seq, previous.seq + 1), fault);
        previous = { seq, hash };
        records += 1;
      }
      if (rows.length < VERIFY_SLICE) break;
      await turn();
    }
    if (previous.seq < this.#known.seq) return end(previous.seq + 1, 'the newest records are missing');
    if (!this.#isRemovalRecorded())
      return end(this.anchor.seq, 'no record says that the records up to this one were removed');
    return end();
  }

  /** The record of the last removal is younger than what was removed, so it is there. */
  #isRemovalRecorded(): boolean {
    const [last, before] = this.#db.prepare('SELECT seq FROM audit_anchor ORDER BY seq DESC LIMIT 2').all();
    if (last === undefined) return true;
    const object = removalOf(Number(before?.['seq'] ?? 0) + 1, Number(last['seq']));
    const records = this.#db.prepare('SELECT 1 FROM audit WHERE object = ? AND action = ? LIMIT 1');
    return records.get(object, REMOVAL) !== undefined;
  }

  #slice(
    after: number,
    upTo: number,
    { user, action, object, code }: Partial<AuditQuery>,
    newestFirst: boolean,
    limit: number,
  ): Row[] {
    const wanted = Object.entries({ user, action, object, code }).flatMap(([name, value]) =>
      value === undefined ? [] : [{ name, value }],
    );
    const conditions = wanted.map(({ name }) => ` AND ${name} = ?`).join('');
    const order = newestFirst ? 'DESC' : 'ASC';
    return this.#db
      .prepare(
        `SELECT seq, record, hash FROM audit WHERE seq > ? AND seq <= ?${conditions} ORDER BY seq ${order} LIMIT ?`,
      )
      .all(after, upTo, ...wanted.map(({ value }) => value), limit) as unknown as Row[];
  }

  #mark(sql: string, ...values: number[]): AuditMark | undefined {
    const row = this.#db.prepare(sql).get(...values) as unknown as AuditMark | undefined;
    return row && { seq: row.seq, hash: row.hash };
  }
}
