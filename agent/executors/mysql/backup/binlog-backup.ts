import { TaskFailure } from '../../../task-failure.ts';
import type { RollbackSink } from '../../executor.ts';
import type { SqlStatement } from '../../sql/split-statements.ts';
import type { WantedTransaction } from '../binlog/binlog-reader.ts';
import type { BinlogPosition } from '../binlog/binlog-position.ts';
import { networkText } from '../failure.ts';
import type { RollbackText } from '../script/order-lines.ts';
import type { MysqlSession } from '../session/session.ts';
import { statementKind } from '../text/statement-kind.ts';
import type { SentStatement, TransactionFate } from '../script/transaction-observer.ts';
import type { BinlogAccess } from './binlog-access.ts';
import { ChangeLog } from './change-log.ts';
import { definitionRemark } from './definition-remark.ts';
import type { Backup, BackupOptions } from './open-backup.ts';
import { Patience } from './patience.ts';
import type { StatementTexts } from './statement-tally.ts';
import { survivingStatements } from './surviving-statements.ts';

/** How long the log may take to tell what became of a COMMIT whose answer was lost. */
const SETTLE_MS = 10_000;
const NOTHING: RollbackText = { sql: '', exact: true, message: 'nothing was changed' };

/** What may change rows; the rows of SELECT … INTO and of a temporary table's definition count as affected, too. */
const CHANGING: readonly SentStatement['kind'][] = ['dml', 'call', 'xa'];

/** The transaction that is open, as far as its backup is concerned. */
interface Open {
  readonly access: BinlogAccess;
  readonly threadId: number;
  /** Whatever the connection commits behind this place is the transaction's. */
  readonly from: BinlogPosition;
  /** Of MariaDB: of the last transaction that was logged before. */
  readonly lastGtid: string;
  /** Statements that changed only what nobody else sees. */
  unseen: ReadonlySet<number>;
}

/** A backup from the server's log. */
export class BinlogBackup implements Backup {
  readonly #options: BackupOptions;
  readonly #openAccess: (patience: Patience) => Promise<BinlogAccess | string>;
  readonly #log: ChangeLog;
  /** A text: why there is none. */
  #access: BinlogAccess | string | undefined;
  /** A text: why it is not backed up. */
  #open: Open | string = 'it was not begun';
  /** Why the backup ended before the task did. */
  #lost: string | undefined;
  /** Of the last transaction: statements that changed rows, and the others. */
  #changed: StatementTexts = () => undefined;
  #texts = new Map<number, RollbackText>();
  readonly #patience: Patience;

  constructor(options: BackupOptions, openAccess: (patience: Patience) => Promise<BinlogAccess | string>) {
    this.#options = options;
    this.#openAccess = openAccess;
    this.#log = new ChangeLog(options.spoolFolder);
    this.#patience = new Patience(options.signal);
  }

  async beforeTransaction(session: MysqlSession, first: SqlStatement, selfCommitting: boolean): Promise<void> {
    if (selfCommitting && isDefinition(statementKind(first.text, session.serverVersion))) return;
    this.#open = await this.#begin(session).catch((err: unknown) => this.#lose(err));
    if (typeof this.#open === 'string' && this.#options.wanted === 'asked')
      throw new TaskFailure('BackupNotPossible', `backup is not possible: ${this.#open}`);
  }

  async beforeCommit(session: MysqlSession, statements: readonly SentStatement[]): Promise<void> {
    const open = this.#open;
    if (typeof open === 'string') return;
    try {
      const { access } = open;
      open.unseen = await this.#patience.wait(
        () => access.sessions,
        () => access.catalog.prepare(session, statements),
      );
    } catch (err) {
      this.#open = this.#lose(err);
      if (this.#options.wanted === 'asked')
        throw new TaskFailure('BackupNotPossible', `backup is not possible: ${this.#open}`);
    }
  }

  async committed(
    session: MysqlSession,
    statements: readonly SentStatement[],
    gtids: string | undefined,
  ): Promise<void> {
    this.#changed = () => undefined;
    this.#texts = new Map(statements.filter(changedNothing).map(({ number }) => [number, NOTHING]));
    for (const statement of statements) this.#define(statement);
    if (statements.every(({ kind }) => isDefinition(kind))) return;
    const open = this.#open;
    const changing = changingOf(statements, open);
    if (typeof open === 'string') return this.#without(changing, open);
    try {
      const wanted = await this.#patience.wait(
        () => [...open.access.sessions, session],
        () => wantedOf(open, session, statements, gtids),
      );
      if (wanted !== undefined || changing.length > 0) await this.#read(open, wanted, changing);
    } catch (err) {
      const why = this.#lose(err);
      this.#without(changing, why);
      if (this.#options.wanted === 'asked')
        throw new TaskFailure('BackupFailed', `it was executed, but its backup, which was asked for, failed: ${why}`);
    }
  }

  async ended(statements: readonly SentStatement[], outcome: 'rolledBack' | 'unknown'): Promise<TransactionFate> {
    this.#changed = () => undefined;
    this.#texts = new Map();
    const open = this.#open;
    if (outcome === 'rolledBack' || typeof open === 'string' || statements.some(({ kind }) => isDefinition(kind)))
      return outcome;
    // Counted from now: an abort that ends a COMMIT without an answer may have taken longer than its patience.
    const patience = new Patience(this.#options.signal);
    // The log knows that it was committed when it has it; that it has it not yet says nothing.
    try {
      const { access, threadId, from } = open;
      const found = await patience.wait(
        () => access.sessions,
        async () => {
          const wanted = { threadId, from, until: await access.position() };
          const signal = AbortSignal.any([patience.signal, AbortSignal.timeout(SETTLE_MS)]);
          return this.#read(open, wanted, changingOf(statements, open), signal);
        },
        SETTLE_MS,
      );
      // Of a procedure, it may be the first of its transactions only.
      if (found && statements.every(({ kind }) => kind !== 'call')) return 'committed';
    } catch {
      // Then the log tells nothing.
    } finally {
      patience.end();
    }
    const numbers = `${statements[0]?.number ?? 0} to ${statements.at(-1)?.number ?? 0}`;
    this.#log.inexact(`nobody knows whether statements ${numbers} were committed`);
    return 'unknown';
  }

  of(number: number): RollbackText | undefined {
    return this.#changed(number) ?? this.#texts.get(number);
  }

  lacks(why: string): void {
    this.#log.inexact(why);
  }

  async finish(sink: RollbackSink): Promise<void> {
    if (typeof this.#access === 'string') this.#log.inexact(this.#access);
    await this.#log.writeTo(sink, `${this.#options.title} on ${this.#options.target.label}`);
  }

  async close(): Promise<void> {
    this.#patience.end();
    await this.#log.close();
    if (this.#access !== undefined && typeof this.#access !== 'string') await this.#access.close();
  }

  async #begin(session: MysqlSession): Promise<Open | string> {
    if (this.#lost !== undefined) return this.#lost;
    const access = (this.#access ??= await this.#openAccess(this.#patience));
    if (typeof access === 'string') return access;
    access.catalog.forget();
    return this.#patience.wait(
      () => [...access.sessions, session],
      async () => {
        const [unlogged, from] = await Promise.all([access.logging.ensure(session), access.position()]);
        if (unlogged !== undefined) return unlogged;
        const lastGtid = access.logging.knownBy === 'lastGtid' ? await lastGtidOf(session) : '';
        return { access, threadId: session.threadId, from, lastGtid, unseen: new Set() };
      },
    );
  }

  /** Resolves to whether the log has the transaction. Keeps nothing of it when it cannot be read whole. */
  async #read(
    { access }: Open,
    wanted: WantedTransaction | undefined,
    changing: readonly SentStatement[],
    signal = this.#patience.signal,
  ): Promise<boolean> {
    const transaction = this.#log.begin(access.catalog, access.logging.maxStatementBytes);
    try {
      const read =
        wanted &&
        (await access.reader.transaction(
          wanted,
          (schema, table) => access.catalog.columnsOf(schema, table),
          (change) => transaction.take(change),
          signal,
        ));
      this.#changed = transaction.end(changing);
      return read?.found ?? false;
    } catch (err) {
      await transaction.forget();
      throw err;
    }
  }

  /** A definition of the script is not undone. */
  #define({ kind, text, number }: SentStatement): void {
    if (kind !== 'ddl') return;
    const { rollback, inexact } = definitionRemark(text);
    this.#texts.set(number, rollback);
    if (inexact !== undefined) this.#log.inexact(`statement ${number}: ${inexact}`);
    const byHand = rollback.sql === '' ? '' : `: ${rollback.sql}`;
    this.#log.remark(`Statement ${number} stays, ${rollback.message ?? ''}${byHand}`);
  }

  /** There is no rollback of these. */
  #without(changing: readonly SentStatement[], message: string): void {
    for (const { number } of changing) this.#texts.set(number, { sql: '', exact: false, message });
    if (changing.length > 0) this.#log.inexact(message);
  }

  #lose(err: unknown): string {
    return (this.#lost ??= `the changes cannot be read from the binary log: ${networkText(err)}`);
  }
}

/** The statements whose changes the log must have. */
function changingOf(statements: readonly SentStatement[], open: Open | string): readonly SentStatement[] {
  return survivingStatements(statements).filter(
    ({ kind, outcome, number }) =>
      CHANGING.includes(kind) && outcome.affectedRows > 0 && (typeof open === 'string' || !open.unseen.has(number)),
  );
}

/** Where the changes are to be looked for; undefined: the server has logged none. */
async function wantedOf(
  { access, threadId, from, lastGtid }: Open,
  session: MysqlSession,
  statements: readonly SentStatement[],
  gtids: string | undefined,
): Promise<WantedTransaction | undefined> {
  const { knownBy } = access.logging;
  // A procedure may commit often, and the server tells of the last.
  const isSeveral = statements.some(({ kind }) => kind === 'call' || kind === 'xa');
  if (knownBy === 'lastGtid') {
    const gtid = await lastGtidOf(session);
    if (gtid === lastGtid) return undefined;
    if (!isSeveral) return { gtid, threadId, from };
  } else if (knownBy === 'gtid' && !isSeveral) return gtids === undefined ? undefined : { gtid: gtids, threadId, from };
  return { threadId, from, until: await access.position() };
}

/** Of SELECT … FOR UPDATE nobody expects that. */
const changedNothing = ({ kind, outcome }: SentStatement): boolean =>
  kind === 'dml' && outcome.affectedRows === 0 && outcome.rows === undefined;

const isDefinition = (kind: SentStatement['kind']): boolean => kind === 'ddl' || kind === 'lock';

const lastGtidOf = async (session: MysqlSession): Promise<string> =>
  (await session.rows('SELECT @@last_gtid AS gtid'))[0]?.['gtid'] ?? '';
