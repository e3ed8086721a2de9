import { setTimeout as delay } from 'node:timers/promises';
import type { SqlStatement } from '../sql/split-statements.ts';
import { CommitMarks } from './commit-marks.ts';
import type { PostgresLedger } from './postgres-ledger.ts';
import { QueryStopped, answerTo, runQuery } from './run-query.ts';
import { NO_ROWS } from './session.ts';
import type { Session } from './session.ts';
import { StatementFailed } from './statement-error.ts';
import { StatementGroup } from './statement-group.ts';
import { mayCommit, statementKind } from './statement-kind.ts';
import { StatementQuery } from './statement-query.ts';
import type { StatementReport } from './statement-report.ts';
import { TransactionLedger } from '../sql/transaction-ledger.ts';
import { ENDS, ledgerRefusal, refusal } from './transaction-rules.ts';
import type { TransactionEnd } from './transaction-rules.ts';

export interface ScriptRunOptions {
  readonly session: Session;
  readonly report: StatementReport;
  /**
   * How many statements a transaction of ours holds; with 1 each statement is on its own, with Infinity all are in one,
   * which nothing in the text may end.
   */
  readonly batchSize: number;
  /** Between two transactions. */
  readonly sleepMs: number;
  /** Aborts with why the task is to end. */
  readonly signal: AbortSignal;
  /** See `RunQueryOptions`. */
  readonly graceMs: number;
  readonly evidence: (text: string) => void;
  /** Keeps in each transaction what it commits. */
  readonly ledger?: PostgresLedger | undefined;
}

/** Whose transaction is open: nobody's, ours for a batch, or the text's own. */
type Mode = 'none' | 'batch' | 'own';

interface SendOptions {
  /** Whose transaction the statements open. */
  readonly becomes?: Mode;
  /** How the statement ends one. */
  readonly ends?: TransactionEnd;
}

const ROLLBACK_MS = 5000;

/**
 * Executes the statements of a text in transactions: batches of so many, the text's own between BEGIN and COMMIT, and by
 * themselves those that no transaction may hold. Stops at the first failure, whose transaction is rolled back.
 */
export class ScriptRun {
  /** What was committed and what was not, to be read after `run`. */
  readonly ledger = new TransactionLedger();
  readonly #options: ScriptRunOptions;
  readonly #marks: CommitMarks;
  #group = new StatementGroup();
  #mode: Mode = 'none';
  /** Statements in the open batch. */
  #batched = 0;
  /** The last one that was sent. */
  #last: SqlStatement | undefined;
  #begunBy: SqlStatement | undefined;
  #mustSleep = false;

  constructor(options: ScriptRunOptions) {
    this.#options = options;
    this.#marks = new CommitMarks(options);
  }

  /** Rejects with `StatementFailed`, or with what reading the statements threw. Then no transaction is open. */
  async run(statements: AsyncIterable<SqlStatement>): Promise<void> {
    const source = statements[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await source.next().catch(async (err: unknown) => {
          // What stands before a damaged part of the text was asked for all the same.
          await this.#flush();
          throw err;
        });
        if (next.done === true) break;
        await this.#take(next.value);
      }
      await this.#flush();
      if (this.#mode === 'own') throw this.#notEnded();
      await this.#commit();
      this.#options.signal.throwIfAborted();
    } catch (err) {
      await this.#rollBack();
      throw err;
    } finally {
      await source.return?.();
    }
  }

  async #take(statement: SqlStatement): Promise<void> {
    const kind = statement.copyData === undefined ? statementKind(statement.text) : 'copy';
    const { batchSize, ledger } = this.#options;
    const unfollowed = ledger && ledgerRefusal(kind, statement.text);
    if (kind === 'plain' && unfollowed === undefined && (batchSize > 1 || this.#mode === 'own')) {
      this.#group.add(statement);
      const full = this.#mode !== 'own' && this.#batched + this.#group.statements.length >= batchSize;
      if (full || this.#group.isFull) await this.#flush();
      return;
    }
    await this.#flush();
    const whole = batchSize === Infinity;
    const refused = refusal(kind, { whole, own: this.#mode === 'own' }) ?? unfollowed;
    if (refused !== undefined) throw new StatementFailed(statement, new Error(refused));
    // The server refuses what it cannot hold, and takes what another version would refuse.
    if (whole && kind === 'outside') return this.#sendInBatch([statement]);
    switch (kind) {
      case 'begin':
        await this.#commit();
        await this.#sleep();
        this.#begunBy ??= statement;
        await this.#send([statement], { becomes: 'own' });
        break;
      case 'commit':
      case 'rollback':
      case 'prepare':
        await this.#commit();
        await this.#endOwn(statement, ENDS[kind]);
        break;
      case 'outside':
        await this.#sendAlone(statement);
        break;
      default:
        if (ledger !== undefined && batchSize === 1 && this.#mode === 'none' && mayCommit(statement.text))
          await this.#sendAlone(statement);
        else await this.#sendInBatch([statement]);
    }
  }

  /** Sends what commits by itself; in a transaction of the text, the server refuses it. */
  async #sendAlone(statement: SqlStatement): Promise<void> {
    await this.#commit();
    if (this.#mode !== 'none') return this.#send([statement]);
    await this.#sleep();
    await this.#marks.around(statement, () => this.#send([statement]));
    this.#mustSleep = true;
  }

  async #flush(): Promise<void> {
    const { statements, isEmpty } = this.#group;
    if (isEmpty) return;
    this.#group = new StatementGroup();
    await this.#sendInBatch(statements);
  }

  async #sendInBatch(statements: readonly SqlStatement[]): Promise<void> {
    const { batchSize, ledger } = this.#options;
    if (this.#mode === 'none') {
      await this.#sleep();
      // A ledger needs a transaction to write in, also around a single statement.
      if (batchSize > 1 || ledger !== undefined) await this.#begin(statements[0]);
    }
    await this.#send(statements);
    // On its own, a statement is a transaction of its own.
    if (this.#mode === 'none') this.#mustSleep = true;
    if (this.#mode !== 'batch') return;
    this.#batched += statements.length;
    if (this.#batched >= batchSize) await this.#commit();
  }

  async #begin(first: SqlStatement | undefined): Promise<void> {
    try {
      await this.#query(new StatementQuery('BEGIN', NO_ROWS));
    } catch (err) {
      // Stopped before the statements were sent: none of them is to blame.
      throw first === undefined || err instanceof QueryStopped ? err : new StatementFailed(first, err);
    }
    this.#mode = 'batch';
    this.#batched = 0;
    this.#marks.opened(first);
  }

  /** Sends statements together and waits until all have ended. */
  async #send(statements: readonly SqlStatement[], { becomes, ends }: SendOptions = {}): Promise<void> {
    const { session, report } = this.#options;
    const group = new StatementGroup(statements);
    const [first, last] = [statements[0], statements.at(-1)];
    if (!first || !last) return;
    const range = first === last ? `statement ${first.number}` : `statements ${first.number}-${last.number}`;
    this.#options.evidence(`${range}, backend pid ${session.pid}`);
    this.#last = last;
    const fate = this.#mode === 'none' && becomes === undefined ? 'committed' : 'open';
    let completed = 0;
    const handler = report.handler(statements, ({ number }, affected) => {
      completed += 1;
      this.#marks.executed(affected);
      this.ledger.executed(number, fate);
    });
    try {
      await this.#query(new StatementQuery(group.text(), handler, first.copyData), ends !== undefined);
      if (completed !== statements.length)
        throw new Error(`the server took ${statements.length} statements for ${completed}: they are split differently`);
      if (session.encoding !== 'UTF8')
        throw new Error(`client_encoding cannot be ${session.encoding}: text is sent as UTF8 only`);
    } catch (err) {
      const answer = answerTo(err);
      if (answer === 'unsent') throw err;
      if (fate === 'committed' && completed === 0 && answer !== 'failed')
        this.ledger.executed(first.number, answer === 'lost' ? 'unknown' : 'committed');
      // All of them have ended all the same: none was stopped.
      if (answer === 'completed') throw err;
      const said = err instanceof QueryStopped ? err.cause : err;
      const found = group.locate(said, completed);
      if (found === undefined) throw err;
      // The server may have executed them, but not committed.
      if (fate === 'open' && found.through > found.statement.number)
        this.ledger.executed(found.statement.number, 'open', found.through);
      throw new StatementFailed(found.statement, err, found);
    }
    if (becomes !== undefined) {
      this.#mode = becomes;
      this.#marks.opened(first);
    }
    if (ends === undefined) this.#followServer();
  }

  /** COMMIT, ROLLBACK or PREPARE TRANSACTION of the text. */
  async #endOwn(statement: SqlStatement, fate: TransactionEnd): Promise<void> {
    const wasOwn = this.#mode === 'own';
    if (wasOwn && fate === 'committed') await this.#marks.committing(statement);
    try {
      await this.#send([statement], { ends: fate });
    } catch (err) {
      const answer = answerTo(err instanceof StatementFailed ? err.cause : err);
      if (!wasOwn || answer !== 'lost') throw err;
      const found = fate === 'rolledBack' ? fate : await this.#marks.settle(statement.number);
      this.#ended(found);
      if (found !== 'committed') throw err;
      return this.#marks.ended(statement.number);
    }
    // AND CHAIN begins another one at once.
    if (wasOwn) this.#ended(fate, this.#options.session.transaction === 'none' ? 'none' : 'own');
    if (wasOwn) await this.#marks.ended(statement.number, fate === 'committed');
  }

  /** Commits the batch, if one is open. */
  async #commit(): Promise<void> {
    if (this.#mode !== 'batch') return;
    const last = this.#last;
    if (last) await this.#marks.committing(last);
    try {
      await this.#query(new StatementQuery('COMMIT', NO_ROWS), true);
    } catch (err) {
      const answer = answerTo(err);
      if (answer === 'unsent') throw err;
      const found = answer === 'lost' ? await this.#marks.settle(last?.number ?? 0) : 'rolledBack';
      this.#ended(found);
      if (found === 'committed' && last !== undefined) return this.#marks.ended(last.number);
      throw last === undefined ? err : new StatementFailed({ ...last, text: 'COMMIT' }, err);
    }
    this.#ended('committed');
    if (last) await this.#marks.ended(last.number);
  }

  async #rollBack(): Promise<void> {
    if (this.#mode === 'none') return;
    const { session } = this.#options;
    // A connection that is lost or does not answer is closed: the server rolls back what it was not asked to commit.
    if (session.broken === undefined) await session.execute('ROLLBACK', ROLLBACK_MS).catch(() => session.destroy());
    this.#ended('rolledBack');
  }

  #ended(fate: TransactionEnd | 'unknown', mode: Mode = 'none'): void {
    this.ledger.ended(fate);
    this.#mode = mode;
    this.#batched = 0;
    if (mode === 'none') this.#begunBy = undefined;
    this.#mustSleep = true;
  }

  /** A statement may have ended the transaction in a way that its first words do not tell. */
  #followServer(): void {
    if (this.#mode !== 'none' && this.#options.session.transaction === 'none') this.#ended('committed');
  }

  async #sleep(): Promise<void> {
    const { sleepMs, signal } = this.#options;
    if (this.#mustSleep && sleepMs > 0) await delay(sleepMs, undefined, { signal }).catch(() => undefined);
    this.#mustSleep = false;
  }

  #query(query: StatementQuery, patient = false): Promise<void> {
    const { session, signal, graceMs } = this.#options;
    return runQuery(session, query, { signal, graceMs, patient });
  }

  #notEnded(): StatementFailed {
    const { number, line } = this.#begunBy ?? { number: 0, line: 0 };
    return new StatementFailed(
      this.#last ?? { number, line, text: '' },
      new Error(`the text ends without COMMIT in the transaction that statement ${number} begins in line ${line}`),
    );
  }
}
