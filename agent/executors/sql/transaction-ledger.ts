/** What became of statements. */
export type Fate =
  /** In a transaction that is open. */
  | 'open'
  | 'committed'
  | 'rolledBack'
  /** By PREPARE TRANSACTION or XA PREPARE: kept by the server until it is told what to do with it. */
  | 'prepared'
  /** The connection was lost before the server told whether it committed. */
  | 'unknown';

interface Range {
  readonly first: number;
  last: number;
  fate: Fate;
}

/** More ranges are counted only: a text may commit and roll back in turns. */
const MAX_SHOWN = 10;

/** Keeps which statements of a text were committed and which were not. */
export class TransactionLedger {
  readonly #ranges: Range[] = [];
  #omitted = 0;

  /** An earlier process of the agent had these committed. */
  before(ranges: readonly { readonly first: number; readonly last: number }[]): void {
    for (const { first, last } of ranges) this.#add(first, last, 'committed');
  }

  /** A statement was executed, in the open transaction or in one of its own; `last`: and those after it up to this one. */
  executed(number: number, fate: 'open' | 'committed' | 'unknown', last = number): void {
    this.#add(number, last, fate);
  }

  /** The open transaction has ended. */
  ended(fate: Exclude<Fate, 'open'>): void {
    const open = this.#ranges.at(-1);
    if (open?.fate !== 'open') return;
    this.#ranges.pop();
    this.#add(open.first, open.last, fate);
  }

  has(fate: Fate): boolean {
    return this.#ranges.some((range) => range.fate === fate);
  }

  /** `[[1, 200], [401, 412]]` */
  ranges(fate: Fate): readonly (readonly [number, number])[] {
    return this.#ranges.filter((range) => range.fate === fate).map(({ first, last }) => [first, last]);
  }

  /** For people: `Statements 1-200 were committed. Statements 201-212 were rolled back.` Empty when there is nothing to tell. */
  describe(): string {
    const sentences = [
      this.#sentence('committed', 'committed'),
      this.#sentence('rolledBack', 'rolled back'),
      this.#sentence('prepared', 'prepared: COMMIT or ROLLBACK of what is prepared decides what becomes of them'),
      this.#sentence('unknown', 'perhaps committed: the connection was lost before the server said'),
    ];
    if (this.#omitted > 0) sentences.push(`What became of ${this.#omitted} more groups of statements is not listed.`);
    return sentences.filter((sentence) => sentence !== '').join(' ');
  }

  #sentence(fate: Fate, was: string): string {
    const ranges = this.ranges(fate);
    if (ranges.length === 0) return '';
    const one = ranges.length === 1 && ranges[0]?.[0] === ranges[0]?.[1];
    const list = ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(', ');
    return `Statement${one ? '' : 's'} ${list} ${one ? 'was' : 'were'} ${was}.`;
  }

  #add(first: number, last: number, fate: Fate): void {
    const previous = this.#ranges.at(-1);
    if (previous?.fate === fate && first <= previous.last + 1) previous.last = Math.max(previous.last, last);
    else if (this.#ranges.length < 2 * MAX_SHOWN || fate === 'open') this.#ranges.push({ first, last, fate });
    else this.#omitted += 1;
  }
}
