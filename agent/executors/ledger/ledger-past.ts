import type { OutputNote } from '../../output/kept-output.ts';
import { LedgerStop } from './ledger-stop.ts';

/** `committed`: in the transaction that wrote it. `started` and `done`: before and after what commits by itself. */
export type LedgerState = 'committed' | 'started' | 'done';

export interface StatementRange {
  readonly first: number;
  readonly last: number;
}

/** A statement that commits by itself, and was begun. */
export interface StartedStatement {
  readonly number: number;
  readonly digest: string;
  /** What its object was before it; empty: not known. */
  readonly before: string;
}

/** What a ledger says of an earlier process' run. */
export interface LedgerPast {
  /** Whether there was a ledger at all. */
  readonly begun: boolean;
  /** The last statement of which a row says that it was committed; 0: none. */
  readonly through: number;
  /** Of the text up to that statement. */
  readonly digest: string;
  /** What was committed: what lies between was rolled back by the text itself, or had nothing to commit. */
  readonly committed: readonly StatementRange[];
  readonly affectedRows: number;
  /** Of what was committed, that of which no report is written. */
  readonly untold: { readonly ranges: readonly StatementRange[]; readonly affectedRows: number };
  readonly started: StartedStatement | undefined;
}

export const NO_PAST: LedgerPast = {
  ...{ begun: false, through: 0, digest: '', committed: [], affectedRows: 0, started: undefined },
  untold: { ranges: [], affectedRows: 0 },
};

/** Between two ranges stands a transaction that the text rolled back: more of them than this no text has in earnest. */
const MAX_RANGES = 100_000;

/** Reads the rows of a run one by one, in their order, so that millions of them need no memory. */
export class LedgerPastReader {
  #begun = false;
  #through = 0;
  #digest = '';
  #affectedRows = 0;
  #started: StartedStatement | undefined;
  #tooMany = false;
  readonly #committed: { first: number; last: number }[] = [];
  readonly #told: Pick<OutputNote, 'through' | 'committed'>;
  #untoldRows = 0;

  /** `told`: what the report of an earlier process says. */
  constructor(told: Pick<OutputNote, 'through' | 'committed'>) {
    this.#told = told;
  }

  add(row: readonly (string | null)[]): void {
    const [first, last, state, digest, affected, before] = row;
    const range = { first: Number(first), last: Number(last) };
    if (range.last === 0) this.#begun = true;
    else if (state === 'started') this.#started = { number: range.last, digest: digest ?? '', before: before ?? '' };
    else {
      this.#through = range.last;
      this.#digest = digest ?? '';
      this.#affectedRows += Number(affected);
      if (range.first > this.#told.through) this.#untoldRows += Number(affected);
      const previous = this.#committed.at(-1);
      if (previous !== undefined && range.first <= previous.last + 1) {
        previous.first = Math.min(previous.first, range.first);
        previous.last = range.last;
      } else if (this.#committed.length < MAX_RANGES) this.#committed.push(range);
      else this.#tooMany = true;
    }
  }

  /** Throws `LedgerStop` when there is more than can be told. */
  past(): LedgerPast {
    if (this.#tooMany)
      throw new LedgerStop('OutcomeUnknown', `the ledger of the run has more than ${MAX_RANGES} pieces`);
    const told = this.#told.through;
    // A server that was brought back from a backup, or a replica that had not heard of it.
    if (this.#told.committed > this.#through)
      throw new LedgerStop(
        'OutcomeUnknown',
        `statement ${this.#told.committed} was committed, and the ledger does not know of it`,
      );
    const untold = this.#committed.filter(({ last }) => last > told);
    return {
      untold: {
        ranges: untold.map(({ first, last }) => ({ first: Math.max(first, told + 1), last })),
        affectedRows: this.#untoldRows,
      },
      begun: this.#begun,
      through: this.#through,
      digest: this.#digest,
      committed: this.#committed,
      affectedRows: this.#affectedRows,
      started: this.#started !== undefined && this.#started.number > this.#through ? this.#started : undefined,
    };
  }
}
