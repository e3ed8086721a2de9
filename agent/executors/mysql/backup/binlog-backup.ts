import { TaskFailure } from '../../../task-failure.ts';
import type { RollbackSink } from '../../executor.ts';
import type { SqlStatement } from '../../sql/split-statements.ts';
import type { WantedTransaction } from '../binlog/binlog-reader.ts';
import type { BinlogPosition } from '../binlog/binlog-position.ts';
import type { LoggedChange } from '../binlog/row-change.ts';
import type { RollbackText } from '../order-lines.ts';
import type { MysqlSession } from '../session.ts';
import { statementKind } from '../statement-kind.ts';
import type { SentStatement, TransactionFate } from '../transaction-observer.ts';
import type { BinlogAccess } from './binlog-access.ts';
import { definitionRemark } from './definition-remark.ts';
import type { Backup, BackupOptions } from './open-backup.ts';
import { ReverseSpool } from './reverse-spool.ts';
import { writeScript } from './rollback-script.ts';
import { rollbackStatement } from './rollback-statement.ts';
import { StatementTally } from './statement-tally.ts';
import { survivingStatements } from './surviving-statements.ts';

const LEDGER = { schema: 'tiangong', table: 'statement_ledger' };
const MAX_REMARKS = 20;
/** An abort is heeded within ten seconds. */
const PATIENCE_MS = 4000;

/** A backup from the server's log. */
export class BinlogBackup implements Backup {
  readonly #options: BackupOptions;
  readonly #openAccess: () => Promise<BinlogAccess | string>;
  readonly #spool: ReverseSpool;
  /** A text: why there is none. */
  #access: BinlogAccess | string | undefined;
  /** Why changes of the open transaction are not logged. */
  #unlogged: string | undefined;
  #threadId = 0;
  #lastGtid = '';
  #position: BinlogPosition | undefined;
  /** Statements that changed only what nobody else sees. */
  #unseen: ReadonlySet<number> = new Set();
  #texts: ReadonlyMap<number, RollbackText> = new Map();
  #statements = 0;
  /** Why the whole is not exact. */
  #inexact: string | undefined;
  readonly #remarks: string[] = [];
  /** Why it ended before the task did. */
  #lost: string | undefined;
  /** What is committed is still read when the task is stopped: a few seconds at most. */
  readonly #patience = new AbortController();
  #patienceEnds: NodeJS.Timeout | undefined;
  readonly #onAbort = (): void => {
    this.#patienceEnds = setTimeout(() => this.#patience.abort(this.#options.signal.reason), PATIENCE_MS);
  };

  constructor(options: BackupOptions, openAccess: () => Promise<BinlogAccess | string>) {
    this.#options = options;
    this.#openAccess = openAccess;
    this.#spool = new ReverseSpool({ folder: options.spoolFolder });
    options.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  async beforeTransaction(session: MysqlSession, first: SqlStatement, selfCommitting: boolean): Promise<void> {
    if (selfCommitting && isDefinition(statementKind(first.text, session.serverVersion))) return;
    this.#access ??= await this.#openAccess();
    if (typeof this.#access === 'string') return;
    this.#access.catalog.forget();
    this.#unseen = new Set();
    this.#threadId = session.threadId;
    this.#unlogged = await this.#access.logging.ensure(session);
    if (this.#unlogged !== undefined && this.#options.wanted === 'asked')
      throw new TaskFailure('BackupNotPossible', `backup is not possible: ${this.#unlogged}`);
    // Without GTIDs all that the connection commits behind this place is the transaction's, a definition before it too.
    if (this.#access.logging.knownBy === 'thread') this.#position = await this.#access.position();
    else this.#position ??= this.#access.start;
    if (this.#access.logging.knownBy === 'lastGtid') this.#lastGtid = await lastGtid(session);
  }

  async beforeCommit(session: MysqlSession, statements: readonly SentStatement[]): Promise<void> {
    if (this.#access === undefined || typeof this.#access === 'string' || this.#unlogged !== undefined) return;
    this.#unseen = await this.#access.catalog.prepare(session, statements);
  }

  async committed(
    session: MysqlSession,
    statements: readonly SentStatement[],
    gtids: string | undefined,
  ): Promise<void> {
    this.#texts = new Map();
    for (const statement of statements) this.#remark(statement);
    const only = statements[0];
    if (statements.length === 1 && only !== undefined && isDefinition(only.kind)) {
      if (only.kind === 'ddl') this.#texts = new Map([[only.number, definitionRemark(only.text).rollback]]);
      return;
    }
    const changing = this.#changing(statements);
    const none = typeof this.#access === 'string' ? this.#access : (this.#unlogged ?? this.#lost);
    if (this.#access === undefined || typeof this.#access === 'string' || none !== undefined) {
      if (changing.length > 0) this.#without(changing, none ?? 'it was not begun');
      return;
    }
    const wanted = await this.#wanted(this.#access, session, statements, gtids);
    await this.#read(this.#access, wanted, changing);
    if (this.#lost !== undefined) this.#refuseToGoOn(this.#lost);
  }

  async ended(statements: readonly SentStatement[], outcome: 'rolledBack' | 'unknown'): Promise<TransactionFate> {
    this.#texts = new Map();
    if (outcome === 'rolledBack' || this.#access === undefined || typeof this.#access === 'string') return outcome;
    if (this.#unlogged !== undefined || this.#lost !== undefined || statements.some(({ kind }) => isDefinition(kind)))
      return outcome;
    // The log knows whether it was committed, when it has it; that it has it not yet says nothing.
    try {
      const until = await this.#access.position();
      const from = this.#position ?? this.#access.start;
      const wanted = { threadId: this.#threadId, from, until };
      const found = await this.#read(this.#access, wanted, this.#changing(statements));
      return found ? 'committed' : 'unknown';
    } catch {
      return 'unknown';
    }
  }

  of(number: number): RollbackText | undefined {
    return this.#texts.get(number);
  }

  async finish(sink: RollbackSink): Promise<void> {
    const reason = typeof this.#access === 'string' ? this.#access : this.#lost;
    const message = this.#inexact ?? reason;
    const exact = message === undefined;
    if (this.#statements === 0) {
      sink.end({ available: false, exact, statements: 0, message: message ?? 'no row was changed' });
      return;
    }
    const summary = {
      available: true,
      exact,
      statements: this.#statements,
      ...(message === undefined ? {} : { message }),
    };
    const title = `${this.#options.title} on ${this.#options.target.label}`;
    await writeScript(sink, this.#spool, { title, summary, remarks: this.#remarks });
    sink.end(summary);
  }

  async close(): Promise<void> {
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    clearTimeout(this.#patienceEnds);
    await this.#spool.close();
    if (this.#access !== undefined && typeof this.#access !== 'string') await this.#access.close();
  }

  /** The statements whose changes the log must have. */
  #changing(statements: readonly SentStatement[]): readonly SentStatement[] {
    return survivingStatements(statements).filter(
      ({ outcome, number }) => outcome.affectedRows > 0 && !this.#unseen.has(number),
    );
  }

  /** Where the changes are to be looked for; undefined: the server has logged none. */
  async #wanted(
    access: BinlogAccess,
    session: MysqlSession,
    statements: readonly SentStatement[],
    gtids: string | undefined,
  ): Promise<WantedTransaction | undefined> {
    const from = this.#position ?? access.start;
    const threadId = session.threadId;
    const { knownBy } = access.logging;
    // A procedure may commit often, and the server tells of the last.
    const isSeveral = statements.some(({ kind }) => kind === 'call' || kind === 'xa');
    if (knownBy === 'lastGtid') {
      const gtid = await lastGtid(session);
      if (gtid === this.#lastGtid) return undefined;
      if (!isSeveral) return { gtid, threadId, from };
    } else if (knownBy === 'gtid' && !isSeveral)
      return gtids === undefined ? undefined : { gtid: gtids, threadId, from };
    const until = await access.position();
    this.#position = until;
    return { threadId, from, until };
  }

  /** Resolves to whether the log has the transaction. Keeps nothing of it when it cannot be read whole. */
  async #read(
    access: BinlogAccess,
    wanted: WantedTransaction | undefined,
    changing: readonly SentStatement[],
  ): Promise<boolean> {
    if (wanted === undefined && changing.length === 0) return false;
    const tally = new StatementTally();
    const { bytes } = this.#spool;
    let found = false;
    if (wanted !== undefined)
      try {
        const read = await access.reader.transaction(
          wanted,
          (schema, table) => access.catalog.columnsOf(schema, table),
          (change) => this.#take(access, change, tally),
          this.#patience.signal,
        );
        found = read.found;
      } catch (err) {
        await this.#spool.cutTo(bytes);
        this.#lost = `the changes could not be read from the binary log: ${(err as Error).message}`;
        this.#without(changing, this.#lost);
        return false;
      }
    this.#texts = tally.texts(changing);
    this.#statements += tally.statements;
    this.#inexact ??= tally.inexact;
    return found;
  }

  async #take(access: BinlogAccess, change: LoggedChange, tally: StatementTally): Promise<void> {
    if (change.schema === LEDGER.schema && change.table === LEDGER.table) return;
    if (change.kind === 'unreadable') {
      tally.add(undefined, change.why, change.statementEnd);
      return;
    }
    const facts = await access.catalog.get(change.schema, change.table);
    if (facts === undefined) {
      tally.add(undefined, `there is no table ${change.schema}.${change.table} any more`, change.statementEnd);
      return;
    }
    const { sql, inexact } = rollbackStatement(change, facts);
    const tooLong =
      sql !== undefined && Buffer.byteLength(sql) > access.logging.maxStatementBytes
        ? `a row of ${change.schema}.${change.table} is longer than a statement may be (max_allowed_packet)`
        : undefined;
    tally.add(sql, inexact ?? tooLong, change.statementEnd);
    if (sql !== undefined) await this.#spool.append(`${sql};`);
  }

  /** What was executed is committed, and what was asked for with it is not there. */
  #refuseToGoOn(why: string): void {
    if (this.#options.wanted === 'asked')
      throw new TaskFailure('BackupFailed', `it was executed, but its backup, which was asked for, failed: ${why}`);
  }

  /** There is no rollback of these. */
  #without(changing: readonly SentStatement[], message: string): void {
    this.#texts = new Map(changing.map(({ number }) => [number, { sql: '', exact: false, message }]));
    this.#inexact ??= message;
  }

  #remark({ kind, text, number }: SentStatement): void {
    if (kind !== 'ddl') return;
    const { rollback, inexact } = definitionRemark(text);
    if (inexact !== undefined) this.#inexact ??= `statement ${number}: ${inexact}`;
    const byHand = rollback.sql === '' ? '' : ` ${rollback.sql}`;
    if (this.#remarks.length < MAX_REMARKS)
      this.#remarks.push(`Statement ${number} stays: ${rollback.message ?? ''}${byHand}`);
  }
}

const isDefinition = (kind: SentStatement['kind']): boolean => kind === 'ddl' || kind === 'lock';

const lastGtid = async (session: MysqlSession): Promise<string> =>
  (await session.rows('SELECT @@last_gtid AS gtid'))[0]?.['gtid'] ?? '';
