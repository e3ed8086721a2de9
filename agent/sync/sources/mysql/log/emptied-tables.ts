import { SqlTokens } from '../../../../executors/mysql/text/sql-tokens.ts';
import type { SqlToken } from '../../../../executors/mysql/text/sql-tokens.ts';

/** A table, or all tables of a schema, that lost its rows without a word of each. */
export interface Emptied {
  readonly schema: string;
  readonly table: string | undefined;
}

/** What a statement of the log empties or drops; `schema` is the one that it was executed in. */
export function emptiedTables(text: string, schema: string): readonly Emptied[] {
  const tokens = new SqlTokens(text);
  let token = tokens.next();
  const next = (): SqlToken => (token = tokens.next());
  const isWord = (word: string): boolean => token.kind === 'word' && token.text === word;
  /** A name, which `next` stands behind afterwards. */
  const name = (): string | undefined => {
    const { kind, start, end } = token;
    if (kind !== 'word' && kind !== 'name') return undefined;
    const found = kind === 'name' ? token.text : text.slice(start, end);
    next();
    return found;
  };
  const verb = token.text;
  if (!isWord('TRUNCATE') && !isWord('DROP')) return [];
  next();
  if (isWord('TEMPORARY')) return [];
  const isSchema = verb === 'DROP' && (isWord('DATABASE') || isWord('SCHEMA'));
  if (isWord('TABLE') || isSchema) next();
  else if (verb === 'DROP') return [];
  if (isWord('IF')) {
    next();
    next();
  }
  const emptied: Emptied[] = [];
  for (;;) {
    const first = name();
    if (first === undefined) return emptied;
    const second = token.text === '.' ? (next(), name()) : undefined;
    if (isSchema) return [{ schema: first, table: undefined }];
    emptied.push(second === undefined ? { schema, table: first } : { schema: first, table: second });
    if (verb === 'TRUNCATE' || token.text !== ',') return emptied;
    next();
  }
}
