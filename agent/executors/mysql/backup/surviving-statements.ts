import { SqlTokens } from '../text/sql-tokens.ts';
import type { SentStatement } from '../script/transaction-observer.ts';

/** The statements of a committed transaction that no ROLLBACK TO SAVEPOINT has undone, in order. */
export function survivingStatements(statements: readonly SentStatement[]): readonly SentStatement[] {
  if (!statements.some(({ kind }) => kind === 'savepoint')) return statements;
  let kept: SentStatement[] = [];
  /** Savepoints from the oldest on, and how many statements were kept then. */
  let points: { readonly name: string; readonly kept: number }[] = [];
  for (const statement of statements) {
    if (statement.kind !== 'savepoint') {
      kept.push(statement);
      continue;
    }
    const { verb, name } = parse(statement.text);
    const place = points.findLastIndex((point) => point.name === name);
    // A second one of the same name replaces the first.
    if (verb === 'SAVEPOINT') points = [...points.filter((point) => point.name !== name), { name, kept: kept.length }];
    else if (verb === 'ROLLBACK' && place >= 0) {
      kept = kept.slice(0, points[place]?.kept);
      points = points.slice(0, place + 1);
    } else if (verb === 'RELEASE' && place >= 0) points = points.slice(0, place);
  }
  return kept;
}

/** `SAVEPOINT s`, `ROLLBACK WORK TO SAVEPOINT s`, `RELEASE SAVEPOINT s`: names have no case. */
function parse(text: string): { readonly verb: string; readonly name: string } {
  const tokens = new SqlTokens(text);
  const verb = tokens.next().text.toUpperCase();
  let name = '';
  for (let token = tokens.next(); token.kind !== 'end'; token = tokens.next())
    if (token.kind === 'word' || token.kind === 'name') name = token.text;
  return { verb, name: name.toLowerCase() };
}
