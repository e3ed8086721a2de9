import type { StatementShape } from './statement-shape.ts';
import type { StatementTokens } from './statement-tokens.ts';
import { readName, tableReferences } from './table-references.ts';
import { distinct, used } from './table-use.ts';
import type { TableUse, Use } from './table-use.ts';

type Definition = Pick<StatementShape, 'verb' | 'tables'>;

/** What CREATE, ALTER, DROP, RENAME make or unmake. */
const OBJECTS = new Set(
  'TABLE TABLES VIEW DATABASE SCHEMA INDEX TRIGGER PROCEDURE FUNCTION EVENT USER ROLE SERVER TABLESPACE SEQUENCE PACKAGE INSTANCE LOGFILE PREPARE UNDO RESOURCE SPATIAL'.split(
    ' ',
  ),
);
/** These stand before the object or between it and its name. */
const AROUND_OBJECT = new Set(
  'OR REPLACE TEMPORARY ONLINE OFFLINE IGNORE UNIQUE FULLTEXT SPATIAL AGGREGATE DEFINER SQL SECURITY INVOKER ALGORITHM UNDEFINED MERGE TEMPTABLE CURRENT_USER VECTOR'.split(
    ' ',
  ),
);
const ADMINISTRATIVE = /^(?:ANALYZE|OPTIMIZE|CHECK|REPAIR|CHECKSUM|LOCK|FLUSH|BACKUP)$/;

/** A statement that is neither a query nor a change of rows: its name and its tables. */
export function definitionOf(tokens: StatementTokens): Definition {
  const first = tokens.word(0);
  switch (first) {
    case 'CREATE':
    case 'ALTER':
    case 'DROP':
    case 'RENAME':
      return objectOf(tokens, first);
    case 'TRUNCATE':
      return { verb: 'TRUNCATE TABLE', tables: names(tokens, tokens.word(1) === 'TABLE' ? 2 : 1, 'truncate') };
    case 'LOAD':
      return { verb: tokens.word(1) === 'XML' ? 'LOAD XML' : 'LOAD DATA', tables: loaded(tokens) };
    case 'DESC':
    case 'DESCRIBE':
    case 'EXPLAIN':
      return { verb: first, tables: names(tokens, 1, 'read').slice(0, 1) };
    case 'HANDLER':
      return { verb: first, tables: names(tokens, 1, 'read').slice(0, 1) };
    default: {
      const table = tokens.find(new Set(['TABLE', 'TABLES']), 0, 0);
      const isAbout = ADMINISTRATIVE.test(first) && table > 0;
      return { verb: isAbout ? `${first} TABLE` : first, tables: isAbout ? names(tokens, table + 1, 'read') : [] };
    }
  }
}

function objectOf(tokens: StatementTokens, first: string): Definition {
  const place = findObject(tokens);
  const object = tokens.word(place);
  const verb = `${first} ${object === 'SCHEMA' ? 'DATABASE' : object === 'TABLES' ? 'TABLE' : object}`.trim();
  const from = behindConditions(tokens, place + 1);
  switch (verb) {
    case 'CREATE TABLE':
      return { verb, tables: createdTable(tokens, from) };
    case 'CREATE VIEW':
      return { verb, tables: [...names(tokens, from, 'create').slice(0, 1), ...queried(tokens, from)] };
    case 'ALTER VIEW':
      return { verb, tables: [...names(tokens, from, 'alter').slice(0, 1), ...queried(tokens, from)] };
    case 'ALTER TABLE':
    case 'ALTER SEQUENCE':
      return { verb, tables: [...names(tokens, from, 'alter').slice(0, 1), ...referenced(tokens, from)] };
    case 'CREATE SEQUENCE':
      return { verb, tables: names(tokens, from, 'create').slice(0, 1) };
    case 'DROP TABLE':
    case 'DROP VIEW':
    case 'DROP SEQUENCE':
      return { verb, tables: names(tokens, from, 'drop') };
    case 'RENAME TABLE':
      return { verb, tables: renamed(tokens, from) };
    case 'CREATE INDEX':
    case 'DROP INDEX':
    case 'CREATE TRIGGER': {
      const on = tokens.find(new Set(['ON']), from, 0);
      return { verb, tables: on < 0 ? [] : names(tokens, on + 1, 'alter').slice(0, 1) };
    }
    default:
      return { verb, tables: [] };
  }
}

function findObject(tokens: StatementTokens): number {
  for (let index = 1; index < Math.min(tokens.length, 24); index += 1) {
    const word = tokens.word(index);
    if (OBJECTS.has(word) && !(AROUND_OBJECT.has(word) && tokens.word(index + 1) === 'INDEX')) return index;
    // DEFINER = `a`@`b`, ALGORITHM = MERGE
    if (word !== '' && !AROUND_OBJECT.has(word) && !tokens.isSymbol(index - 1, '=')) return tokens.length;
  }
  return tokens.length;
}

/** Behind IF EXISTS or IF NOT EXISTS. */
function behindConditions(tokens: StatementTokens, from: number): number {
  if (tokens.word(from) !== 'IF') return from;
  return from + (tokens.word(from + 1) === 'NOT' ? 3 : 2);
}

/** Names with commas between them, aliases and modes left out. */
function names(tokens: StatementTokens, from: number, use: Use): TableUse[] {
  const found: TableUse[] = [];
  for (let index = from; index < tokens.length;) {
    const name = readName(tokens, index);
    if (name === undefined) break;
    found.push(used(use)(name));
    const comma = nextComma(tokens, name.next);
    if (comma < 0) break;
    index = comma + 1;
  }
  return found;
}

function nextComma(tokens: StatementTokens, from: number): number {
  for (let index = from; index < tokens.length; index += 1)
    if (tokens.depth(index) === 0 && tokens.isSymbol(index, ',')) return index;
  return -1;
}

/** CREATE TABLE a LIKE b, CREATE TABLE a … SELECT … */
function createdTable(tokens: StatementTokens, from: number): readonly TableUse[] {
  const name = readName(tokens, from);
  if (name === undefined) return [];
  const like = tokens.word(name.next) === 'LIKE' ? name.next : tokens.isSymbol(name.next, '(') ? name.next + 1 : -1;
  const model = like >= 0 && tokens.word(like) === 'LIKE' ? readName(tokens, like + 1) : undefined;
  return distinct([
    used('create')(name),
    ...(model === undefined ? [] : [used('read')(model)]),
    ...referenced(tokens, name.next),
    ...queried(tokens, name.next),
  ]);
}

const queried = (tokens: StatementTokens, from: number): TableUse[] =>
  tableReferences(tokens, from, tokens.length).map(used('read'));

/** What foreign keys refer to. */
function referenced(tokens: StatementTokens, from: number): TableUse[] {
  const found: TableUse[] = [];
  for (let index = from; index < tokens.length; index += 1) {
    const name = tokens.word(index) === 'REFERENCES' ? readName(tokens, index + 1) : undefined;
    if (name !== undefined) found.push(used('read')(name));
  }
  return found;
}

/** RENAME TABLE a TO b, c TO d */
function renamed(tokens: StatementTokens, from: number): TableUse[] {
  const found: TableUse[] = [];
  for (let index = from; index >= 0 && index < tokens.length;) {
    const name = readName(tokens, index);
    const to = tokens.find(new Set(['TO']), name?.next ?? index, 0);
    const other = to < 0 ? undefined : readName(tokens, to + 1);
    if (name === undefined || other === undefined) break;
    found.push(used('drop')(name), used('create')(other));
    index = tokens.isSymbol(other.next, ',') ? other.next + 1 : -1;
  }
  return found;
}

/** LOAD DATA … INTO TABLE t */
function loaded(tokens: StatementTokens): TableUse[] {
  const into = tokens.find(new Set(['INTO']), 0, 0);
  return into < 0 ? [] : names(tokens, into + 2, 'change').slice(0, 1);
}
