import type { SqlStatement } from '../sql/split-statements.ts';
import type { LedgerPast, StartedStatement } from './ledger-past.ts';
import { LedgerStop } from './ledger-stop.ts';
import { StatementDigest } from './statement-digest.ts';

/**
 * What a statement that is not executed again would leave in its connection: nothing, what another one can have by the
 * same statement, locks of tables (`unlocks`: it frees them), or what is lost.
 */
export type SessionEffect = 'none' | 'again' | 'locks' | 'unlocks' | { readonly lost: string };

/** What became of a statement that commits by itself, and that was begun when the agent died. */
export type StartedOutcome = 'done' | 'notDone' | 'unknown';

export interface LedgeredTextOptions {
  readonly past: LedgerPast;
  /** The last statement whose report is written: without a row in the ledger it had nothing to commit. */
  readonly toldThrough: number;
  /** Whether a transaction that is rolled back takes the settings made in it along. */
  readonly rollsBackSettings: boolean;
  /** Why nothing more is to be executed: `canceled by user`. */
  readonly lookOnly: string | undefined;
  effectOf(text: string): SessionEffect;
  /**
   * What a statement takes from those before it in its connection, such as LAST_INSERT_ID(), and this one does not have.
   * `isFirst`: none was executed in this one.
   */
  needOf?(text: string, isFirst: boolean): Promise<string | undefined> | undefined;
  /** Looks at what the statement changes. */
  outcomeOf(statement: SqlStatement, started: StartedStatement): Promise<StartedOutcome>;
  /** Told that a statement which commits by itself was executed by the earlier process. */
  onDone(number: number): Promise<void>;
}

/** Settings of a session that are made again before the first statement that is left. */
const MAX_AGAIN = 1000;

/**
 * A task's text beside its ledger: gives only the statements that are not yet executed, and before them once more those
 * that set up their connection.
 */
export class LedgeredText {
  readonly #options: LedgeredTextOptions;
  readonly #digest = new StatementDigest();
  readonly #again: SqlStatement[] = [];
  #lost: string | undefined;
  #lockedBy: number | undefined;
  #range = 0;

  constructor(options: LedgeredTextOptions) {
    this.#options = options;
  }

  /** Of the text up to a statement that was given lately. */
  digestAt(number: number): string {
    return this.#digest.at(number);
  }

  /** Rejects with `LedgerStop` when the rest is not to be executed. */
  async *left(statements: AsyncIterable<SqlStatement>): AsyncGenerator<SqlStatement> {
    const { past, toldThrough } = this.#options;
    const known = Math.max(past.through, past.started?.number ?? 0, toldThrough);
    let last = 0;
    let going = false;
    for await (const next of statements) {
      const statement = this.#digest.add(next);
      last = statement.number;
      if (last <= known && (await this.#isSettled(statement))) continue;
      const isFirst = !going;
      if (isFirst) {
        going = true;
        this.#checkGoingOn(last);
        yield* this.#again;
      }
      if (known > 0) await this.#checkNeed(statement, isFirst);
      yield statement;
    }
    if (last < known)
      throw new LedgerStop('OutcomeUnknown', `the ledger knows statement ${known}, and the text has ${last} only`);
  }

  /** Whether the statement is not to be executed: it was, or its transaction was rolled back by the text. */
  async #isSettled(statement: SqlStatement): Promise<boolean> {
    const { past } = this.#options;
    const { number } = statement;
    // What is passed over is part of the digest.
    if (statement.copyData !== undefined) for await (const _ of statement.copyData);
    if (number === past.through) this.#compare(number, past.digest);
    if (number !== past.started?.number) {
      this.#keepEffect(statement);
      return true;
    }
    this.#compare(number, past.started.digest);
    const outcome = await this.#options.outcomeOf(statement, past.started);
    if (outcome === 'notDone') return false;
    if (outcome === 'unknown')
      throw new LedgerStop(
        'OutcomeUnknown',
        `statement ${number} was begun before the agent restarted, and nobody can know whether it was executed`,
      );
    await this.#options.onDone(number);
    this.#keepEffect(statement);
    return true;
  }

  #compare(number: number, digest: string): void {
    if (this.#digest.at(number) === digest) return;
    throw new LedgerStop(
      'OutcomeUnknown',
      `the text is not the one that was executed before the agent restarted: it differs in statement ${number} or before`,
    );
  }

  #keepEffect(statement: SqlStatement): void {
    const { number, text } = statement;
    if (!this.#wasCommitted(number)) return;
    const effect = this.#options.effectOf(text);
    if (effect === 'none') return;
    if (effect === 'again') this.#again.push(statement);
    else if (effect === 'locks') this.#lockedBy = number;
    else if (effect === 'unlocks') this.#lockedBy = undefined;
    else this.#lost ??= `statement ${number} ${effect.lost}, which was lost with its connection`;
    if (this.#again.length > MAX_AGAIN) this.#lost ??= `more than ${MAX_AGAIN} settings were made`;
  }

  #wasCommitted(number: number): boolean {
    const { past, rollsBackSettings } = this.#options;
    if (!rollsBackSettings) return true;
    const { committed, started } = past;
    while ((committed[this.#range]?.last ?? Infinity) < number) this.#range += 1;
    return number === started?.number || (committed[this.#range]?.first ?? Infinity) <= number;
  }

  #checkGoingOn(number: number): void {
    const { lookOnly } = this.#options;
    const not = `statement ${number} and those after it were not executed`;
    if (lookOnly !== undefined) throw new LedgerStop('NotResumed', `${not}: ${lookOnly}`);
    if (this.#lockedBy !== undefined)
      this.#lost ??= `statement ${this.#lockedBy} locked tables, which are not locked any more`;
    if (this.#lost !== undefined) throw new LedgerStop('ResumptionNotPossible', `${not}: ${this.#lost}`);
  }

  /** Rejects a statement that needs what is lost. */
  async #checkNeed({ number, text }: SqlStatement, isFirst: boolean): Promise<void> {
    const need = await this.#options.needOf?.(text, isFirst);
    if (need === undefined) return;
    throw new LedgerStop(
      'ResumptionNotPossible',
      `statement ${number} and those after it were not executed: it needs ${need} of the connection that was lost`,
    );
  }
}
