import { readString } from './string-literal.ts';
import { nextToken, StatementError } from './tokens.ts';

export interface StatementTraits {
  readonly isInsert: boolean;
  /** It changes the session: SET, USE, temporary tables. What comes after it depends on it. */
  readonly changesSession: boolean;
  /** The database that is the current one after it: USE. */
  readonly uses: string | undefined;
  /** Its rows end with one of totals. */
  readonly withTotals: boolean;
  /** The statement without its FORMAT, which would keep the rows from being read; the statement itself when it has none. */
  readonly withoutFormat: string;
  /** The FORMAT that was taken out. */
  readonly format: string | undefined;
}

const GIVES_ROWS = /^(?:select|with|show|describe|desc|exists|explain|check)$/i;

/**
 * What a statement other than INSERT with rows is about, from its words outside quotes and comments. Throws
 * `StatementError` on INTO OUTFILE, which some servers pass over and others heed, on a disk that is not the task's.
 */
export function classify(text: string): StatementTraits {
  const first = nextToken(text, 0);
  const word = text.slice(first.start, first.end).toLowerCase();
  const second = nextToken(text, first.end);
  const next = text.slice(second.start, second.end).toLowerCase();
  const traits = {
    isInsert: word === 'insert',
    changesSession: word === 'set' || word === 'use' || (word === 'create' && next === 'temporary'),
    uses: word === 'use' ? nameOf(text.slice(second.start, second.end)) : undefined,
    withTotals: false,
    withoutFormat: text,
    format: undefined,
  };
  // `(SELECT 1) FORMAT JSON` begins with a bracket.
  if (!GIVES_ROWS.test(word) && word !== '(') return traits;
  return { ...traits, ...scan(text) };
}

const nameOf = (written: string): string =>
  /^[`"]/.test(written) ? (readString(written.slice(1, -1)) ?? written) : written;

function scan(text: string): Pick<StatementTraits, 'withTotals' | 'withoutFormat' | 'format'> {
  let withTotals = false;
  let previous = '';
  for (let token = nextToken(text, 0); token.kind !== 'end'; token = nextToken(text, token.end)) {
    const word = token.kind === 'word' ? text.slice(token.start, token.end).toLowerCase() : '';
    if (word === 'totals' && previous === 'with') withTotals = true;
    if (word === 'outfile' && previous === 'into')
      throw new StatementError("INTO OUTFILE is not allowed: rows go to the task's result");
    previous = word;
    if (word !== 'format') continue;
    const name = nextToken(text, token.end);
    if (name.kind !== 'word') continue;
    const after = nextToken(text, name.end);
    const isLast = after.kind === 'end' || text.slice(after.start, after.end).toLowerCase() === 'settings';
    if (!isLast) continue;
    const withoutFormat = `${text.slice(0, token.start)}${text.slice(after.start)}`.trimEnd();
    return { withTotals, withoutFormat, format: text.slice(name.start, name.end) };
  }
  return { withTotals, withoutFormat: text, format: undefined };
}
