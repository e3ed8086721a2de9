import type { SqlStatement } from '../sql/split-statements.ts';
import type { LedgerPast, StartedStatement } from './ledger-past.ts';
import { LedgerStop } from './ledger-stop.ts';
import { StatementDigest } from './statement-digest.ts';

/** What a statement that is not executed again would leave in its connection: nothing, or what another can do again. */
export type SessionEffect = 'none' | 'again' | { readonly lost: string };

/** What became of a statement that commits by itself, and that was begun when the agent died. */
export type StartedOutcome = 'done' | 'notDone' | 'unknown';

export interface LedgeredTextOptions {
  readonly past: LedgerPast;
  /** Why nothing more is to be executed: `canceled by user`. */
  readonly lookOnly: string | undefined;
  effectOf(text: string): SessionEffect;
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
    const { through, started } = this.#options.past;
    const known = Math.max(through, started?.number ?? 0);
    let last = 0;
    let going = false;
    for await (const next of statements) {
      const statement = this.#digest.add(next);
      last = statement.number;
      if (last <= known && (await this.#isSettled(statement))) continue;
      if (!going) {
        going = true;
        this.#checkGoingOn(last);
        yield* this.#again;
      }
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
    else this.#lost ??= `statement ${number} ${effect.lost}, which was lost with its connection`;
    if (this.#again.length > MAX_AGAIN) this.#lost ??= `more than ${MAX_AGAIN} settings were made`;
  }

  #wasCommitted(number: number): boolean {
    const { committed, started } = this.#options.past;
    while ((committed[this.#range]?.last ?? Infinity) < number) this.#range += 1;
    return number === started?.number || (committed[this.#range]?.first ?? Infinity) <= number;
  }

  #checkGoingOn(number: number): void {
    const { lookOnly } = this.#options;
    const not = `statement ${number} and those after it were not executed`;
    if (lookOnly !== undefined) throw new LedgerStop('NotResumed', `${not}: ${lookOnly}`);
    if (this.#lost !== undefined) throw new LedgerStop('ResumptionNotPossible', `${not}: ${this.#lost}`);
  }
}
