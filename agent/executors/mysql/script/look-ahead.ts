import type { SqlStatement } from '../../sql/split-statements.ts';

/** How much of a text is kept to look at it before anything of it is executed. */
const MAX_CHARS = 1024 * 1024;

export interface LookedAt {
  /** Whether one of the statements is as wanted; undefined: none of those that were looked at, and there are more. */
  readonly found: boolean | undefined;
  /** All of them, to be read once. */
  readonly statements: AsyncIterable<SqlStatement>;
}

/** Looks for a statement in the first part of a text. What reading it throws comes with the statements. */
export async function lookAhead(
  statements: AsyncIterable<SqlStatement>,
  isWanted: (statement: SqlStatement) => boolean,
): Promise<LookedAt> {
  const source = statements[Symbol.asyncIterator]();
  const kept: SqlStatement[] = [];
  let found: boolean | undefined;
  let failure: unknown;
  for (let chars = 0; found === undefined && failure === undefined && chars <= MAX_CHARS;) {
    try {
      const next = await source.next();
      if (next.done === true) found = false;
      else {
        kept.push(next.value);
        chars += next.value.text.length;
        if (isWanted(next.value)) found = true;
      }
    } catch (err) {
      failure = err;
    }
  }
  return { found, statements: givenBack(kept, source, failure) };
}

async function* givenBack(
  kept: SqlStatement[],
  source: AsyncIterator<SqlStatement>,
  failure: unknown,
): AsyncGenerator<SqlStatement> {
  try {
    for (let first = kept.shift(); first !== undefined; first = kept.shift()) yield first;
    if (failure !== undefined) throw failure as Error;
    for (let next = await source.next(); next.done !== true; next = await source.next()) yield next.value;
  } finally {
    await source.return?.();
  }
}
