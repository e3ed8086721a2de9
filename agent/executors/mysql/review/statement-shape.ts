import type { ServerVersion } from '../text/executable-comment.ts';
import { statementKind } from '../text/statement-kind.ts';
import type { StatementKind } from '../text/statement-kind.ts';
import { changeOf } from './change-shape.ts';
import { definitionOf } from './definition-shape.ts';
import { countListed, isLongList, LIST_HEAD_CHARS } from './listed-rows.ts';
import { StatementTokens } from './statement-tokens.ts';
import { tableReferences } from './table-references.ts';
import { distinct, used } from './table-use.ts';
import type { TableUse } from './table-use.ts';

/** What stands behind the list of tables of an UPDATE, DELETE or SELECT. */
export interface Narrowing {
  /** Tokens of the condition; undefined: there is none. */
  readonly where: readonly [from: number, to: number] | undefined;
  /** Rows; undefined: there is none, or it is no number. */
  readonly limit: number | undefined;
  readonly hasLimit: boolean;
  readonly ordered: boolean;
  /** Tables are joined by a condition that leaves out rows of each. */
  readonly joined: boolean;
}

/** What can be told of a statement by its text. */
export interface StatementShape {
  readonly kind: StatementKind;
  /** `UPDATE`, `CREATE TABLE`, `SET`: what it is called. */
  readonly verb: string;
  readonly tokens: StatementTokens;
  readonly tables: readonly TableUse[];
  readonly narrowing: Narrowing | undefined;
  /** A query that gives the rows that it would change, which changes nothing itself. */
  readonly query: string | undefined;
  /** How many rows an INSERT lists. */
  readonly listed: number | undefined;
}

const VERBS = new Set('SELECT TABLE VALUES INSERT REPLACE UPDATE DELETE'.split(' '));

/** Reads a statement of the splitter, of a long one the begin. Never throws: what cannot be read has no tables. */
export function shapeOf(text: string, server?: ServerVersion, maxChars?: number): StatementShape {
  const kind = statementKind(text, server);
  const isList = isLongList(text);
  const tokens = new StatementTokens(text, server, isList ? LIST_HEAD_CHARS : maxChars);
  let start = 0;
  // MariaDB's SET STATEMENT … FOR, and EXPLAIN or ANALYZE, have a statement within.
  if (tokens.word(0) === 'SET' && tokens.word(1) === 'STATEMENT') start = after(tokens.find(new Set(['FOR']), 0, 0));
  else if (/^(?:EXPLAIN|DESCRIBE|DESC|ANALYZE)$/.test(tokens.word(0))) start = Math.max(0, tokens.find(VERBS, 0, 0));
  while (tokens.isSymbol(start, '(')) start += 1;
  const main = tokens.word(start) === 'WITH' ? tokens.find(VERBS, start, tokens.depth(start)) : start;
  const verb = tokens.word(Math.max(main, start));
  const shape = { kind, verb, tokens, tables: [], narrowing: undefined, query: undefined, listed: undefined };
  switch (verb) {
    case 'UPDATE':
    case 'DELETE':
    case 'INSERT':
    case 'REPLACE':
      return { ...shape, ...changeOf(tokens, start, main), ...(isList && { listed: countListed(text, tokens, main) }) };
    case 'SELECT':
    case 'WITH':
    case 'TABLE':
    case 'VALUES': {
      const tables = tableReferences(tokens, start, tokens.length).map(used('read'));
      const query = kind === 'select' && start === 0 ? tokens.text : undefined;
      return { ...shape, tables: distinct(tables), query: tokens.cut ? undefined : query };
    }
    default:
      return { ...shape, ...definitionOf(tokens) };
  }
}

const after = (index: number): number => (index < 0 ? 0 : index + 1);
