import type { StatementTokens } from './statement-tokens.ts';

/** A table as a statement names it. */
export interface TableName {
  /** Undefined: the current database's. */
  readonly schema: string | undefined;
  readonly name: string;
}

export interface TableReference extends TableName {
  readonly alias: string | undefined;
  /** It stands in the statement's own list of tables, not in a query within it. */
  readonly top: boolean;
}

/** A name and where it ends. */
export interface FoundName extends TableName {
  readonly next: number;
}

interface Level {
  /** A table's name comes next, or a query in brackets. */
  expect: boolean;
  /** In a list of tables: a comma separates two. */
  tables: boolean;
  /** SELECT has been read: FROM is its own, not that of EXTRACT(… FROM …). */
  query: boolean;
  /** Nothing has been read yet. */
  fresh: boolean;
  /** In WITH, before the query. */
  names: boolean;
  /** The name of a WITH comes next. */
  expectName: boolean;
  /** In the statement's own list of tables. */
  top: boolean;
}

/** These end a list of tables. */
const ENDS_TABLES = new Set(
  'WHERE GROUP HAVING ORDER LIMIT WINDOW SET VALUES UNION EXCEPT INTERSECT LOCK INTO PROCEDURE RETURNING FETCH OFFSET'.split(
    ' ',
  ),
);
/** What may follow a table's name and is not its alias. */
const NO_ALIAS = new Set([
  ...ENDS_TABLES,
  ...'JOIN INNER CROSS LEFT RIGHT NATURAL STRAIGHT_JOIN ON USING USE FORCE IGNORE FOR SELECT'.split(' '),
]);
/** Words that stand before a table's name or instead of it. */
const NO_TABLE = new Set('LATERAL USE FORCE IGNORE ONLY'.split(' '));

/**
 * The tables that queries name between two tokens, names of WITH left out. `inTables`: it begins within a list of
 * tables, as behind UPDATE. `named`: the names of WITH so far, to which those found here are added.
 */
export function tableReferences(
  tokens: StatementTokens,
  from: number,
  to: number,
  { inTables = false, named = new Set() }: { readonly inTables?: boolean; readonly named?: Set<string> } = {},
): TableReference[] {
  const found: TableReference[] = [];
  const level = (over: Partial<Level>): Level => ({
    expect: false,
    tables: false,
    query: false,
    fresh: true,
    names: false,
    expectName: false,
    top: false,
    ...over,
  });
  const base = level({ expect: inTables, tables: inTables, query: inTables, top: true });
  const stack: Level[] = [base];
  for (let index = from; index < to; index += 1) {
    const at = stack.at(-1) ?? base;
    if (tokens.isSymbol(index, '(')) {
      stack.push(level({ expect: at.expect, tables: at.expect, top: at.expect && at.top }));
      at.expect = false;
      at.fresh = false;
      continue;
    }
    if (tokens.isSymbol(index, ')')) {
      if (stack.length > 1) stack.pop();
      continue;
    }
    if (tokens.isSymbol(index, ',')) {
      at.expect = at.tables;
      at.expectName = at.names;
      continue;
    }
    const word = tokens.word(index);
    if (at.expectName && word !== 'RECURSIVE') {
      const name = readName(tokens, index);
      if (name !== undefined) named.add(name.name.toLowerCase());
      at.expectName = false;
      continue;
    }
    if (at.expect && word !== 'SELECT' && word !== 'VALUES' && word !== 'WITH' && word !== 'TABLE') {
      if (NO_TABLE.has(word) || tokens.isSymbol(index, '{')) {
        if (word === '') index += 1;
        continue;
      }
      at.expect = false;
      at.fresh = false;
      const name = readName(tokens, index);
      // A function that gives rows, as JSON_TABLE(…).
      if (name === undefined || (tokens.isSymbol(name.next, '(') && word !== '')) continue;
      const alias = readAlias(tokens, name.next);
      index = alias.next - 1;
      if (name.schema !== undefined || name.name.toUpperCase() !== 'DUAL')
        found.push({ schema: name.schema, name: name.name, alias: alias.name, top: at.top });
      continue;
    }
    followWord(at, word, tokens.word(index - 1), tokens.word(index + 1));
  }
  return found.filter(({ schema, name }) => schema !== undefined || !named.has(name.toLowerCase()));
}

function followWord(level: Level, word: string, previous: string, next: string): void {
  const { fresh } = level;
  level.fresh = false;
  switch (word) {
    case 'WITH':
      if (fresh) level.names = level.expectName = true;
      return;
    case 'SELECT':
    case 'VALUES':
      Object.assign(level, { query: true, tables: false, expect: false, names: false, top: false });
      return;
    case 'TABLE':
      if (fresh || level.expect || /^(?:UNION|ALL|DISTINCT|EXCEPT|INTERSECT)$/.test(previous))
        Object.assign(level, { query: true, tables: true, expect: true, names: false });
      return;
    case 'UPDATE':
    case 'DELETE':
      level.names = false;
      return;
    case 'FROM':
      // t FOR SYSTEM_TIME FROM … TO …, and a IS DISTINCT FROM b.
      if (level.query && !/^(?:SYSTEM_TIME|DISTINCT)$/.test(previous)) level.tables = level.expect = true;
      return;
    case 'JOIN':
    case 'STRAIGHT_JOIN':
      // USE INDEX FOR JOIN
      if (level.tables && previous !== 'FOR') level.expect = true;
      return;
    case 'FOR':
      if (next === 'UPDATE' || next === 'SHARE') level.tables = false;
      return;
    default:
      if (ENDS_TABLES.has(word)) {
        level.tables = level.expect = false;
        // (SELECT …) UNION SELECT … begins a query anew.
        if (/^(?:UNION|EXCEPT|INTERSECT)$/.test(word)) level.fresh = true;
      }
  }
}

/** `a`, `a.b` or `.b` at a place; undefined: there is no name. */
export function readName(tokens: StatementTokens, index: number): FoundName | undefined {
  if (tokens.isSymbol(index, '.')) return readName(tokens, index + 1);
  const first = nameAt(tokens, index);
  if (first === undefined) return undefined;
  if (!tokens.isSymbol(index + 1, '.')) return { schema: undefined, name: first, next: index + 1 };
  const second = nameAt(tokens, index + 2);
  return second === undefined
    ? { schema: undefined, name: first, next: index + 2 }
    : { schema: first, name: second, next: index + 3 };
}

/** A string in double quotes is a name under ANSI_QUOTES, and where a table stands nothing else can be. */
function nameAt(tokens: StatementTokens, index: number): string | undefined {
  const token = tokens.at(index);
  if (token?.kind === 'name') return token.text;
  if (token?.kind === 'word') return tokens.raw(index);
  return token?.kind === 'string' && tokens.raw(index).startsWith('"') ? token.text : undefined;
}

function readAlias(
  tokens: StatementTokens,
  from: number,
): { readonly name: string | undefined; readonly next: number } {
  let index = from;
  if (tokens.word(index) === 'PARTITION' && tokens.isSymbol(index + 1, '(')) index = tokens.closing(index + 1) + 1;
  if (tokens.word(index) === 'AS') index += 1;
  else if (NO_ALIAS.has(tokens.word(index))) return { name: undefined, next: index };
  const name = nameAt(tokens, index);
  return name === undefined ? { name, next: index } : { name, next: index + 1 };
}
