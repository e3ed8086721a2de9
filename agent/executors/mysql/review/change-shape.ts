import { countTuples } from './listed-rows.ts';
import type { Narrowing, StatementShape } from './statement-shape.ts';
import type { StatementTokens } from './statement-tokens.ts';
import { readName, tableReferences } from './table-references.ts';
import type { TableName, TableReference } from './table-references.ts';
import { distinct, used } from './table-use.ts';
import type { TableUse } from './table-use.ts';

type Change = Pick<StatementShape, 'tables' | 'narrowing' | 'query' | 'listed'>;

const MODIFIERS = new Set('LOW_PRIORITY HIGH_PRIORITY DELAYED QUICK IGNORE HISTORY'.split(' '));
const BEHIND_TABLES = new Set('WHERE ORDER LIMIT RETURNING'.split(' '));

/** An UPDATE, DELETE, INSERT or REPLACE whose verb is at `main`; a WITH before it begins at `start`. */
export function changeOf(tokens: StatementTokens, start: number, main: number): Change {
  let first = main + 1;
  while (MODIFIERS.has(tokens.word(first))) first += 1;
  const named = new Set<string>();
  const inWith = tableReferences(tokens, start, main, { named });
  const work = { tokens, start, main, first, named, inWith };
  switch (tokens.word(main)) {
    case 'UPDATE':
      return updateOf(work);
    case 'DELETE':
      return deleteOf(work);
    default:
      return insertOf(work);
  }
}

interface Work {
  readonly tokens: StatementTokens;
  readonly start: number;
  readonly main: number;
  /** The first token that is neither the verb nor about how it works. */
  readonly first: number;
  /** Names of a WITH before the verb. */
  readonly named: Set<string>;
  readonly inWith: readonly TableReference[];
}

function updateOf(work: Work): Change {
  const { tokens, main, first, named } = work;
  const depth = tokens.depth(main);
  const set = tokens.find(new Set(['SET']), first, depth);
  const end = set < 0 ? tokens.length : set;
  const references = tableReferences(tokens, first, end, { inTables: true, named });
  const top = references.filter((reference) => reference.top);
  const qualifiers = set < 0 ? [] : assigned(tokens, set);
  const isChanged = (reference: TableReference): boolean =>
    reference.top && (top.length === 1 || qualifiers.some((name) => name === undefined || goesBy(reference, name)));
  return {
    ...rest(work, {
      behind: end,
      tables: references.map((reference) => used(isChanged(reference) ? 'change' : 'read')(reference)),
      from: tokens.slice(first, end),
      depth,
    }),
    listed: undefined,
  };
}

function deleteOf(work: Work): Change {
  const { tokens, main, first, named } = work;
  const depth = tokens.depth(main);
  let index = first;
  const targets: (TableName & { readonly next: number })[] = [];
  const hasFrom = tokens.word(index) === 'FROM';
  if (hasFrom) index += 1;
  for (let name = readName(tokens, index); name !== undefined; name = readName(tokens, index)) {
    targets.push(name);
    index = tokens.isSymbol(name.next, '.') ? name.next + 2 : name.next;
    if (tokens.isSymbol(index, '*')) index += 1;
    if (!tokens.isSymbol(index, ',')) break;
    index += 1;
  }
  // DELETE FROM a, b USING …; DELETE a, b FROM …; DELETE FROM a WHERE …
  const many = hasFrom ? tokens.word(index) === 'USING' : true;
  const tablesFrom = hasFrom && !many ? first + 1 : index + 1;
  const behind = tokens.find(BEHIND_TABLES, tablesFrom, depth);
  const end = behind < 0 ? tokens.length : behind;
  const references = tableReferences(tokens, tablesFrom, end, { inTables: true, named });
  const isChanged = (reference: TableReference): boolean =>
    reference.top && (!many || targets.some(({ name }) => goesBy(reference, name)));
  return {
    ...rest(work, {
      behind: end,
      tables: references.map((reference) => used(isChanged(reference) ? 'change' : 'read')(reference)),
      from: tokens.slice(tablesFrom, end),
      depth,
    }),
    listed: undefined,
  };
}

const INSERT_PARTS = new Set('VALUES VALUE SELECT SET TABLE WITH'.split(' '));
const INSERT_ENDS = new Set('ON RETURNING'.split(' '));

function insertOf({ tokens, main, first }: Work): Change {
  const depth = tokens.depth(main);
  const target = readName(tokens, tokens.word(first) === 'INTO' ? first + 1 : first);
  const behind = target?.next ?? first;
  const tables: TableUse[] = target === undefined ? [] : [used('change')(target)];
  let part = tokens.find(INSERT_PARTS, behind, depth);
  // INSERT INTO t (a, b) (SELECT …)
  if (part < 0) part = tokens.find(new Set(['SELECT', 'WITH']), behind, depth + 1) - 1;
  const word = tokens.word(part);
  if (part < 0) return { tables, narrowing: undefined, query: undefined, listed: undefined };
  tables.push(...tableReferences(tokens, part, tokens.length).map(used('read')));
  const lists = /^VALUES?$/.test(word);
  const end = tokens.find(INSERT_ENDS, part + 1, depth);
  const query = lists || word === 'SET' || tokens.cut ? undefined : tokens.slice(part, end < 0 ? tokens.length : end);
  return {
    tables: distinct(tables),
    narrowing: undefined,
    query,
    listed: word === 'SET' ? 1 : lists && !tokens.cut ? countTuples(tokens, part + 1, end) : undefined,
  };
}

interface Behind {
  /** Where the list of tables ends. */
  readonly behind: number;
  readonly tables: readonly TableUse[];
  /** The list of tables, as text. */
  readonly from: string;
  readonly depth: number;
}

/** What stands behind the list of tables, and the query for the same rows. */
function rest(
  { tokens, start, main, named, inWith }: Work,
  { behind, tables, from, depth }: Behind,
): Pick<StatementShape, 'tables' | 'narrowing' | 'query'> {
  const narrowing = { ...narrowingOf(tokens, behind, depth), joined: isJoined(tokens, main, behind) };
  const tail = tokens.find(BEHIND_TABLES, behind, depth);
  const returning = tokens.find(new Set(['RETURNING']), behind, depth);
  const end = returning < 0 ? tokens.length : returning;
  const query = `${tokens.slice(start, main)} SELECT 1 FROM ${from} ${tail < 0 ? '' : tokens.slice(tail, end)}`.trim();
  return {
    tables: distinct([
      ...tables,
      ...inWith.map(used('read')),
      ...tableReferences(tokens, behind, tokens.length, { named }).map(used('read')),
    ]),
    narrowing,
    query: from === '' || tokens.cut ? undefined : query,
  };
}

function narrowingOf(tokens: StatementTokens, from: number, depth: number): Omit<Narrowing, 'joined'> {
  const where = tokens.find(new Set(['WHERE']), from, depth);
  const order = tokens.find(new Set(['ORDER']), from, depth);
  const limit = tokens.find(new Set(['LIMIT']), from, depth);
  const ends = tokens.find(new Set(['ORDER', 'LIMIT', 'RETURNING']), where + 1, depth);
  const rows = tokens.at(limit + 1);
  return {
    where: where < 0 ? undefined : [where + 1, ends < 0 ? tokens.length : ends],
    limit: limit >= 0 && rows?.kind === 'number' ? Number(rows.text) : undefined,
    hasLimit: limit >= 0,
    ordered: order >= 0,
  };
}

/** Whether a join leaves rows out: an outer one keeps all of a side. */
function isJoined(tokens: StatementTokens, main: number, behind: number): boolean {
  const depth = tokens.depth(main);
  const has = (...words: string[]): boolean => tokens.find(new Set(words), main, depth, behind) >= 0;
  return has('JOIN', 'STRAIGHT_JOIN') && has('ON', 'USING', 'NATURAL') && !has('LEFT', 'RIGHT');
}

/** By which names the columns that SET assigns are qualified. */
function assigned(tokens: StatementTokens, set: number): (string | undefined)[] {
  const depth = tokens.depth(set);
  const end = tokens.find(BEHIND_TABLES, set, depth);
  const found: (string | undefined)[] = [];
  for (let index = set; index < (end < 0 ? tokens.length : end); index += 1) {
    if (tokens.depth(index) !== depth || (index !== set && !tokens.isSymbol(index, ','))) continue;
    const column = readName(tokens, index + 1);
    if (column === undefined) found.push(undefined);
    // db.table.column has one part more than a table's name.
    else found.push(tokens.isSymbol(column.next, '.') ? column.name : column.schema);
  }
  return found;
}

const goesBy = ({ alias, name }: TableReference, written: string): boolean =>
  (alias ?? name).toLowerCase() === written.toLowerCase();
