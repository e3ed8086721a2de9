import { setTimeout as delay } from 'node:timers/promises';
import type { SqlStatement } from '../../sql/split-statements.ts';
import { HiddenEnd, hidesStatements } from './hidden-end.ts';
import type { ScriptRunOptions } from './script-run-options.ts';
import type { StatementOutcome } from '../session/session.ts';
import { blame, blameLoss, CommitLost, SessionWork } from './session-work.ts';
import { notEnded, StatementFailed } from './statement-error.ts';
import { StatementGroup } from './statement-group.ts';
import { callsStoredFunction } from './stored-functions.ts';
import { isReadOnly, statementKind } from '../text/statement-kind.ts';
import type { StatementKind } from '../text/statement-kind.ts';
import {
  asksAboutLast,
  charsetRefusal,
  commitsImplicitly,
  isOnlyChained,
  lateSetting,
  needsIdle,
  refusal,
  turnsAutocommitOn,
  xaVerb,
} from './transaction-rules.ts';
import { TransactionTrack } from './transaction-track.ts';

export type { ScriptRunOptions } from './script-run-options.ts';

/** Whose transaction is open: nobody's, ours for a batch, the text's own, or one of XA. */
type Mode = 'none' | 'batch' | 'own' | 'xa';

/**
 * Executes the statements of a text: changes in transactions of so many, the text's own between BEGIN and COMMIT, and by
 * itself what commits by itself. Stops at the first failure, whose transaction is rolled back.
 */
export class ScriptRun {
  readonly #options: ScriptRunOptions;
  readonly #track: TransactionTrack;
  readonly #work: SessionWork;
  #mode: Mode = 'none';
  /** LOCK TABLES: START TRANSACTION would free them. */
  #locked = false;
  /** Changes that go together, of the open transaction. */
  #group = new StatementGroup();
  /** Changes in the open batch. */
  #batched = 0;
  /** The last one that was sent. */
  #last: SqlStatement = { number: 0, line: 0, text: '' };
  #begunBy: SqlStatement | undefined;
  #mustSleep = false;

  constructor(options: ScriptRunOptions) {
    this.#options = options;
    const { observers = [], report, fates, rollbackOf = () => undefined, onSettled } = options;
    const { session, signal, graceMs, evidence } = options;
    this.#track = new TransactionTrack({ observers, report, fates, rollbackOf, onSettled });
    this.#work = new SessionWork({ session, report, track: this.#track, signal, graceMs, evidence });
  }

  /** Whether the next statement finds no transaction, and no lock of the text's. */
  get isIdle(): boolean {
    return this.#mode === 'none' && !this.#locked && this.#options.session.autocommit;
  }

  /** What a ROLLBACK could not undo, in the server's words; undefined: nothing. */
  get notRolledBack(): string | undefined {
    return this.#work.notRolledBack;
  }

  /** Rejects with `StatementFailed`, or with what reading the statements threw. Then no transaction is open. */
  async run(statements: AsyncIterable<SqlStatement>): Promise<void> {
    try {
      for await (const statement of this.#flushed(statements)) await blameLoss(statement, () => this.#take(statement));
      await blameLoss(this.#last, () => this.#flush());
      if (this.#mode === 'own' && isOnlyChained(this.#begunBy, this.#last)) await this.#rollBack(undefined);
      if (this.#mode === 'own' || this.#mode === 'xa') throw notEnded(this.#last, this.#begunBy ?? this.#last);
      await this.#commit();
      this.#options.signal.throwIfAborted();
    } catch (err) {
      await this.#rollBack(err);
      throw err;
    }
  }

  /** What stands before a damaged part of the text was asked for all the same. */
  async *#flushed(statements: AsyncIterable<SqlStatement>): AsyncGenerator<SqlStatement> {
    try {
      yield* statements;
    } catch (err) {
      await this.#flush();
      throw err;
    }
  }

  async #take(statement: SqlStatement): Promise<void> {
    const { session, batchSize, onStatement } = this.#options;
    const kind = statementKind(statement.text, session.serverVersion);
    if (kind !== 'dml') await this.#flush();
    // What asks about the last change, such as ROW_COUNT(), would hear of the COMMIT.
    const isFull = this.#mode === 'batch' && this.#batched >= batchSize;
    if (isFull && !(isReadOnly(kind) && asksAboutLast(statement.text))) await this.#commit();
    const refused =
      refusal(kind, { whole: batchSize === Infinity, own: this.#mode === 'own' || this.#mode === 'xa' }) ??
      (batchSize === Infinity && this.#mode === 'batch' ? lateSetting(kind, statement.text) : undefined) ??
      charsetRefusal(session, statement.text);
    if (refused !== undefined) {
      await this.#flush();
      throw new StatementFailed(statement, new Error(refused));
    }
    await blame(statement, async () => onStatement?.(statement, kind));
    if (this.#mode === 'xa') return this.#takeInXa(statement, kind);
    if (this.#mode === 'own' && this.#endsOwn(statement, kind)) await this.#commitOwn();
    if (await this.#changesUnseen(statement, kind)) return this.#sendOther(statement, 'call');
    switch (kind) {
      case 'select':
      case 'show':
      case 'savepoint':
      case 'use':
        return this.#sendWithin(statement, kind);
      case 'set':
        if (needsIdle(statement.text) && batchSize !== Infinity) await this.#commit();
        return this.#sendWithin(statement, kind);
      case 'dml':
        return this.#sendChange(statement);
      case 'begin':
        return this.#begin(statement);
      case 'commit':
      case 'rollback':
        await this.#commit();
        if (this.#mode === 'none') return this.#sendWithin(statement, kind);
        return kind === 'commit' ? this.#commitOwn(statement) : this.#rollBackOwn(statement);
      case 'xa':
        await this.#commit();
        return this.#takeXa(statement);
      default:
        return this.#sendOther(statement, kind);
    }
  }

  /** Whether what seems to read only calls a stored function, and no transaction would hold what that does. */
  async #changesUnseen(statement: SqlStatement, kind: StatementKind): Promise<boolean> {
    const { session, batchSize, alwaysOpens = false } = this.#options;
    if ((kind !== 'select' && kind !== 'set') || !this.isIdle || !(alwaysOpens || batchSize === Infinity)) return false;
    return callsStoredFunction(session, statement);
  }

  /** What commits by itself or may: alone, unless a transaction holds the whole text. */
  async #sendOther(statement: SqlStatement, kind: StatementKind): Promise<void> {
    const { session, batchSize } = this.#options;
    if (batchSize !== Infinity) await this.#commit();
    else if (this.isIdle) await this.#openBatch(statement);
    if (this.#mode !== 'none' || !session.autocommit) return this.#sendWithin(statement, kind);
    await this.#sendAlone(statement, kind);
    if (kind === 'lock') this.#locked = !/^\W*UNLOCK\b/i.test(statement.text);
  }

  /** Whether the server would commit the text's own transaction before it executes the statement. */
  #endsOwn({ text }: SqlStatement, kind: StatementKind): boolean {
    return commitsImplicitly(kind) || (kind === 'set' && !this.#options.session.autocommit && turnsAutocommitOn(text));
  }

  /** A change: in the text's own transaction, in a batch, or by itself. */
  async #sendChange(statement: SqlStatement): Promise<void> {
    const { session, batchSize, hasTransactions, alwaysOpens = false } = this.#options;
    if (this.#mode === 'none' && session.autocommit) {
      if (this.#locked || !hasTransactions || (batchSize === 1 && !alwaysOpens))
        return this.#sendAlone(statement, 'dml');
      await this.#openBatch(statement);
    }
    if (this.#mode !== 'none' && (await this.#work.joinsGroup(statement))) {
      this.#group.add(statement);
      if (this.#group.isFull) await this.#flush();
    } else {
      await this.#flush();
      await this.#sendWithin(statement, 'dml');
    }
    this.#batched += 1;
  }

  async #openBatch(first: SqlStatement): Promise<void> {
    await this.#sleep();
    await this.#work.open(first);
    this.#mode = 'batch';
    this.#batched = 0;
  }

  async #flush(): Promise<void> {
    const { statements } = this.#group;
    if (statements.length === 0) return;
    this.#group = new StatementGroup();
    this.#last = statements.at(-1) ?? this.#last;
    const outcomes = await this.#work.sendGroup(statements);
    const { onExecuted } = this.#options;
    for (const [index, statement] of statements.entries()) {
      const outcome = outcomes[index];
      if (onExecuted && outcome) await blame(statement, () => onExecuted(statement, 'dml', outcome));
    }
    const last = outcomes.at(-1);
    if (last !== undefined) await this.#followServer(last, undefined);
    await this.#relieve();
  }

  /** Sends what stands in the transaction that is open, or reads, or only changes the session. */
  async #sendWithin(statement: SqlStatement, kind: StatementKind): Promise<void> {
    const { session } = this.#options;
    const observed = this.#mode !== 'none' || !session.autocommit;
    // With autocommit off, whatever comes opens a transaction of the text.
    if (this.#mode === 'none' && observed) {
      await blame(statement, () => this.#track.before(session, statement, false));
      this.#begunBy = statement;
      this.#mode = 'own';
    }
    this.#last = statement;
    const hidden = observed && hidesStatements(kind) ? await HiddenEnd.before(session) : undefined;
    const outcome = await this.#work.send(statement, kind, { observed });
    if (observed) await blame(statement, async () => this.#options.onExecuted?.(statement, kind, outcome));
    if (!observed) {
      await this.#track.done();
      // COMMIT AND CHAIN begins one even where none was open.
      if (outcome.inTransaction) await this.#chain(statement);
    } else if (this.#mode !== 'xa') await this.#followServer(outcome, hidden);
    await this.#relieve();
  }

  /** Too many results wait for the end of the transaction. */
  async #relieve(): Promise<void> {
    if (!this.#track.isCrowded) return;
    if (this.#mode === 'batch' && this.#options.batchSize !== Infinity) await this.#commit();
    else await this.#track.writeEarly();
  }

  /** Sends what is a transaction by itself. */
  async #sendAlone(statement: SqlStatement, kind: StatementKind): Promise<void> {
    const { session } = this.#options;
    await this.#sleep();
    await blame(statement, () => this.#track.before(session, statement, true));
    this.#last = statement;
    const hidden = hidesStatements(kind) ? await HiddenEnd.before(session) : undefined;
    const outcome = await this.#work.send(statement, kind, { alone: true });
    // What is hidden may have begun a transaction.
    this.#begunBy = statement;
    this.#mode = outcome.inTransaction ? 'own' : 'none';
    if (outcome.inTransaction) return this.#followServer(outcome, hidden);
    this.#mustSleep = true;
    await blame(statement, () => this.#track.committed(session, outcome.gtids));
  }

  async #begin(statement: SqlStatement): Promise<void> {
    await this.#commit();
    await this.#sleep();
    await blame(statement, () => this.#track.before(this.#options.session, statement, false));
    this.#last = this.#begunBy = statement;
    await this.#work.send(statement, 'begin');
    this.#mode = 'own';
  }

  /** XA START opens a transaction; the others end one that was prepared before, or only tell of it. */
  async #takeXa(statement: SqlStatement): Promise<void> {
    const verb = xaVerb(statement.text);
    if (verb === 'RECOVER') return this.#sendWithin(statement, 'xa');
    if (verb !== 'START' && verb !== 'BEGIN') return this.#sendAlone(statement, 'xa');
    await this.#sleep();
    await blame(statement, () => this.#track.before(this.#options.session, statement, true));
    this.#last = this.#begunBy = statement;
    await this.#work.send(statement, 'xa');
    this.#mode = 'xa';
  }

  async #takeInXa(statement: SqlStatement, kind: StatementKind): Promise<void> {
    const verb = kind === 'xa' ? xaVerb(statement.text) : '';
    this.#last = statement;
    const outcome = await this.#work.send(statement, kind);
    if (!['PREPARE', 'COMMIT', 'ROLLBACK'].includes(verb)) return;
    this.#ended();
    if (verb === 'PREPARE') await this.#track.prepared();
    else if (verb === 'ROLLBACK') await this.#track.ended('rolledBack');
    else await blame(statement, () => this.#track.committed(this.#options.session, outcome.gtids));
  }

  /** Commits the batch, if one is open. */
  async #commit(): Promise<void> {
    await this.#flush();
    if (this.#mode === 'batch') await this.#commitBy(undefined);
  }

  /** Commits the text's own transaction: by its COMMIT, or because the next statement would. */
  async #commitOwn(statement?: SqlStatement): Promise<void> {
    if (statement !== undefined) this.#last = statement;
    await this.#commitBy(statement);
    // AND CHAIN begins another one at once.
    if (statement !== undefined && this.#options.session.inTransaction) await this.#chain(statement);
  }

  async #commitBy(own: SqlStatement | undefined): Promise<void> {
    try {
      await this.#work.commit(this.#last, own);
    } catch (err) {
      if (err instanceof CommitLost) this.#ended();
      throw err;
    }
    this.#ended();
  }

  async #rollBackOwn(statement: SqlStatement): Promise<void> {
    this.#last = statement;
    const outcome = await this.#work.send(statement, 'rollback', { observed: false });
    await this.#work.noteRollback(outcome);
    await this.#track.ended('rolledBack');
    this.#ended();
    if (outcome.inTransaction) await this.#chain(statement);
  }

  async #chain(statement: SqlStatement): Promise<void> {
    await blame(statement, () => this.#track.before(this.#options.session, statement, false));
    this.#begunBy = statement;
    this.#mode = 'own';
  }

  async #rollBack(err: unknown): Promise<void> {
    if (this.#mode === 'none' || err instanceof CommitLost) return;
    // Only the end of its connection ends a transaction of XA whatever state it is in.
    if (this.#mode === 'xa') this.#options.session.destroy();
    await this.#work.rollBack();
    this.#ended();
  }

  #ended(): void {
    this.#mode = 'none';
    this.#batched = 0;
    this.#begunBy = undefined;
    this.#mustSleep = true;
  }

  /** A procedure may have ended the transaction that it was called in, and may have begun another one. */
  async #followServer(outcome: StatementOutcome, hidden: HiddenEnd | undefined): Promise<void> {
    const { session, hasTransactions } = this.#options;
    if (this.#mode === 'none' || !hasTransactions) return;
    const statement = this.#last;
    const isOpen = outcome.inTransaction || (hidden === undefined && !session.autocommit);
    // What shows itself can have ended it only by a COMMIT.
    const hasCommitted = hidden === undefined ? !isOpen : await hidden.hasCommitted(outcome);
    if (isOpen && hasCommitted !== true && session.broken === undefined) return;
    const begun = this.#begunBy ?? statement;
    const { hasChanges } = this.#track;
    this.#ended();
    if (hasCommitted === true || !hasChanges)
      await blame(statement, () => this.#track.committed(session, outcome.gtids));
    else if ((await this.#track.ended(hasCommitted === false ? 'rolledBack' : 'unknown')) === 'unknown')
      throw new CommitLost(
        statement,
        new Error(`it ended the transaction that statement ${begun.number} begins, and the server does not tell how`),
      );
    if (outcome.inTransaction) await this.#chain(statement);
  }

  async #sleep(): Promise<void> {
    const { sleepMs, signal } = this.#options;
    if (!this.#mustSleep || sleepMs === 0) return;
    this.#mustSleep = false;
    await delay(sleepMs, undefined, { signal }).catch(() => undefined);
  }
}
