import type { StatementRange } from './ledger-past.ts';

const MAX_NAMED = 10;

/** `Statements 1-4, 7`, and the same for JSON. */
export function describeRanges(ranges: readonly StatementRange[]): {
  readonly label: string;
  readonly fields: Readonly<Record<string, number | undefined>>;
} {
  const named = ranges.slice(0, MAX_NAMED).map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`));
  const one = ranges.length === 1 && ranges[0]?.first === ranges[0]?.last;
  const more = ranges.length > MAX_NAMED ? ' and more' : '';
  return {
    label: `${one ? 'Statement' : 'Statements'} ${named.join(', ')}${more}`,
    fields: { first_statement: ranges[0]?.first, last_statement: ranges.at(-1)?.last },
  };
}
