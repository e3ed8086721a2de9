import { setTimeout as delay } from 'node:timers/promises';
import type { SqlStatement } from '../sql/split-statements.ts';
import { QueryStopped, runQuery } from './run-query.ts';
import type { Session } from './session.ts';
import { isFatal, isServerError, StatementFailed } from './statement-error.ts';
import { StatementGroup } from './statement-group.ts';
import { statementKind } from './statement-kind.ts';
import { StatementQuery } from './statement-query.ts';
import type { StatementReport } from './statement-report.ts';
import { TransactionLedger } from './transaction-ledger.ts';

export interface ScriptRunOptions {
  readonly session: Session;
  readonly report: StatementReport;
  /** How many statements a transaction of ours holds; with 1 each statement is on its own. */
  readonly batchSize: number;
  /** Between two transactions. */
  readonly sleepMs: number;
  /** Aborts with why the task is to end. */
  readonly signal: AbortSignal;
  /** See `RunQueryOptions`. */
  readonly graceMs: number;
  readonly evidence: (text: string) => void;
}

/** Whose transaction is open: nobody's, ours for a batch, or the text's own. */
type Mode = 'none' | 'batch' | 'own';

const ROLLBACK_MS = 5000;
const NO_HANDLER = { columns: () => undefined, row: () => undefined, complete: () => undefined };

/**
 * Executes the statements of a text in transactions: batches of so many, the text's own between BEGIN and COMMIT, and by
 * themselves those that no transaction may hold. Stops at the first failure, whose transaction is rolled back.
 */
export class ScriptRun {
  /** What was committed and what was not, to be read after `run`. */
  readonly ledger = new TransactionLedger();
  readonly #options: ScriptRunOptions;
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
    const { batchSize } = this.#options;
    if (kind === 'plain' && (batchSize > 1 || this.#mode === 'own')) {
      this.#group.add(statement);
      const whole = this.#mode !== 'own' && this.#batched + this.#group.statements.length >= batchSize;
      if (whole || this.#group.isFull) await this.#flush();
      return;
    }
    await this.#flush();
    switch (kind) {
      case 'begin':
        await this.#commit();
        await this.#sleep();
        this.#begunBy ??= statement;
        await this.#send([statement], 'own');
        break;
      case 'commit':
      case 'rollback':
        await this.#commit();
        await this.#endOwn(statement, kind === 'commit' ? 'committed' : 'rolledBack');
        break;
      case 'outside':
        await this.#commit();
        if (this.#mode === 'none') await this.#sleep();
        await this.#send([statement]);
        this.#mustSleep = true;
        break;
      default:
        await this.#sendInBatch([statement]);
    }
  }

  async #flush(): Promise<void> {
    const { statements, isEmpty } = this.#group;
    if (isEmpty) return;
    this.#group = new StatementGroup();
    await this.#sendInBatch(statements);
  }

  async #sendInBatch(statements: readonly SqlStatement[]): Promise<void> {
    const { batchSize } = this.#options;
    if (this.#mode === 'none') {
      await this.#sleep();
      if (batchSize > 1) await this.#begin(statements[0]);
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
      await this.#query(new StatementQuery('BEGIN', NO_HANDLER));
    } catch (err) {
      throw first === undefined ? err : new StatementFailed(first, err);
    }
    this.#mode = 'batch';
    this.#batched = 0;
  }

  /** Sends statements together and waits until all have ended; `becomes` is whose transaction they open. */
  async #send(statements: readonly SqlStatement[], becomes?: Mode): Promise<void> {
    const { session, report } = this.#options;
    const group = new StatementGroup(statements);
    const [first, last] = [statements[0], statements.at(-1)];
    if (first === undefined || last === undefined) return;
    this.#tellEvidence(first.number, last.number);
    this.#last = last;
    const fate = this.#mode === 'none' && becomes === undefined ? 'committed' : 'open';
    let completed = 0;
    const handler = report.handler(statements, ({ number }) => {
      completed += 1;
      this.ledger.executed(number, fate);
    });
    try {
      await this.#query(new StatementQuery(group.text(), handler, first.copyData));
      if (completed !== statements.length)
        throw new Error(`the server took ${statements.length} statements for ${completed}: they are split differently`);
      if (session.encoding !== 'UTF8')
        throw new Error(`client_encoding cannot be ${session.encoding}: text is sent as UTF8 only`);
    } catch (err) {
      const found = group.locate(err, completed) ?? { statement: first, line: first.line };
      const answer = answerTo(err);
      if (fate === 'committed' && completed === 0 && answer !== 'failed')
        this.ledger.executed(first.number, answer === 'lost' ? 'unknown' : 'committed');
      throw new StatementFailed(found.statement, err, found.line);
    }
    if (becomes !== undefined) this.#mode = becomes;
    this.#followServer();
  }

  /** COMMIT or ROLLBACK of the text. */
  async #endOwn(statement: SqlStatement, fate: 'committed' | 'rolledBack'): Promise<void> {
    const wasOwn = this.#mode === 'own';
    try {
      await this.#send([statement]);
    } catch (err) {
      const answer = err instanceof StatementFailed ? answerTo(err.cause) : 'failed';
      if (wasOwn && answer !== 'failed') this.#ended(answer === 'lost' && fate === 'committed' ? 'unknown' : fate);
      throw err;
    }
    // AND CHAIN begins another one at once.
    if (wasOwn) this.#ended(fate, this.#options.session.transaction === 'none' ? 'none' : 'own');
  }

  /** Commits the batch, if one is open. */
  async #commit(): Promise<void> {
    if (this.#mode !== 'batch') return;
    const last = this.#last;
    try {
      await this.#query(new StatementQuery('COMMIT', NO_HANDLER), true);
    } catch (err) {
      this.#ended(answerTo(err) === 'lost' ? 'unknown' : 'rolledBack');
      throw last === undefined ? err : new StatementFailed({ ...last, text: 'COMMIT' }, err);
    }
    this.#ended('committed');
  }

  async #rollBack(): Promise<void> {
    if (this.#mode === 'none') return;
    const { session } = this.#options;
    // A connection that is lost or does not answer is closed: the server rolls back what it was not asked to commit.
    if (session.broken === undefined) await session.execute('ROLLBACK', ROLLBACK_MS).catch(() => session.destroy());
    this.#ended('rolledBack');
  }

  #ended(fate: 'committed' | 'rolledBack' | 'unknown', mode: Mode = 'none'): void {
    this.ledger.ended(fate);
    this.#mode = mode;
    if (mode === 'none') this.#begunBy = undefined;
    this.#mustSleep = true;
  }

  /** A statement may have ended the transaction in a way that its first words do not tell. */
  #followServer(): void {
    if (this.#mode !== 'none' && this.#options.session.transaction === 'none') this.#ended('committed');
  }

  async #sleep(): Promise<void> {
    const { sleepMs, signal } = this.#options;
    if (!this.#mustSleep || sleepMs === 0) return;
    this.#mustSleep = false;
    await delay(sleepMs, undefined, { signal }).catch(() => undefined);
  }

  #query(query: StatementQuery, patient = false): Promise<void> {
    const { session, signal, graceMs } = this.#options;
    return runQuery(session, query, { signal, graceMs, patient });
  }

  #tellEvidence(first: number, last: number): void {
    const { session, evidence } = this.#options;
    evidence(`${first === last ? `statement ${first}` : `statements ${first}-${last}`}, backend pid ${session.pid}`);
  }

  #notEnded(): StatementFailed {
    const { number, line } = this.#begunBy ?? { number: 0, line: 0 };
    return new StatementFailed(
      this.#last ?? { number, line, text: '' },
      new Error(`the text ends without COMMIT in the transaction that statement ${number} begins in line ${line}`),
    );
  }
}

/** What the server said of a query that failed. */
function answerTo(err: unknown): QueryStopped['answer'] {
  if (err instanceof QueryStopped) return err.answer;
  return isServerError(err) && !isFatal(err) ? 'failed' : 'lost';
}
