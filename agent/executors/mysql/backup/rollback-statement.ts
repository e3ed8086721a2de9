import type { CellValue } from '../binlog/cell-value.ts';
import type { RowChange } from '../binlog/row-change.ts';
import { inexactTable } from './inexact-table.ts';
import { quoteName } from '../session/session.ts';
import { quoteTable } from './quote.ts';
import { exactCondition, keyCondition, sqlLiteral } from './sql-literal.ts';
import type { TableFacts } from './table-facts.ts';

/** What undoes one changed row. */
export interface RollbackStatement {
  /** One line without `;`, which touches one row; undefined: there is no such statement. */
  readonly sql: string | undefined;
  /** Why running it does not bring back exactly what was; undefined: it does. */
  readonly inexact: string | undefined;
}

/** Between what finds the row and what tells whether it is still as the task left it. A forced rollback leaves out the latter. */
export const GUARD = ' /*guard*/ AND ';
export const GUARD_END = ' LIMIT 1';

/** The statement that undoes a change, when all later ones have been undone. */
export function rollbackStatement(change: RowChange, facts: TableFacts): RollbackStatement {
  const unusual = unusualName(facts);
  if (unusual !== undefined) return { sql: undefined, inexact: unusual };
  const table = quoteTable(facts.schema, facts.table);
  const problems = [inexactTable(change, facts)];
  let sql: string | undefined;
  if (change.kind === 'delete') sql = insertBack(table, change.before, facts, problems);
  else {
    const where = findRow(change.after, facts, problems);
    if (where === undefined) sql = undefined;
    else if (change.kind === 'insert') sql = `DELETE FROM ${table} WHERE ${where}`;
    else {
      const set = setBack(change.before, change.after, facts, problems);
      sql = set === '' ? undefined : `UPDATE${ignoring(change.before)} ${table} SET ${set} WHERE ${where}`;
    }
  }
  return { sql, inexact: problems.find((problem) => problem !== undefined) };
}

type Image = readonly CellValue[];
type Problems = (string | undefined)[];

function insertBack(table: string, row: Image, facts: TableFacts, problems: Problems): string {
  const names: string[] = [];
  const values: string[] = [];
  for (const [place, column] of facts.columns.entries()) {
    if (column.generated) continue;
    const value = row[place];
    const sql = value === undefined ? undefined : sqlLiteral(value);
    if (sql === undefined) problems.push(undecoded(facts, column.name, value));
    else {
      names.push(quoteName(column.name));
      values.push(sql);
      problems.push(inexactValue(facts, column.name, value));
    }
  }
  return `INSERT${ignoring(row)} INTO ${table} (${names.join(', ')}) VALUES (${values.join(', ')})`;
}

/** What sets back the columns that changed, and those that would change by themselves. */
function setBack(before: Image, after: Image, facts: TableFacts, problems: Problems): string {
  const parts: string[] = [];
  for (const [place, column] of facts.columns.entries()) {
    if (column.generated) continue;
    const [was, is] = [before[place], after[place]];
    const sql = was === undefined ? undefined : sqlLiteral(was);
    if (sql === undefined) problems.push(undecoded(facts, column.name, was));
    else if (column.onUpdate || is === undefined || sql !== sqlLiteral(is)) {
      parts.push(`${quoteName(column.name)}=${sql}`);
      problems.push(inexactValue(facts, column.name, was));
    }
  }
  return parts.join(', ');
}

/** The empty value of an ENUM comes from an error, and a strict server makes one again of it. */
const ignoring = (row: Image): string =>
  row.some((value) => value?.kind === 'enum' && value.index === 0) ? ' IGNORE' : '';

/** Finds the one row that has this image: by its key and a guard, else by all that is known of it. */
function findRow(row: Image, facts: TableFacts, problems: Problems): string | undefined {
  const guard: string[] = [];
  for (const [place, column] of facts.columns.entries()) {
    const value = row[place];
    // They follow from the others.
    if (column.generated) continue;
    const sql = value === undefined ? undefined : exactCondition(column, value);
    if (sql === undefined) problems.push(undecoded(facts, column.name, value));
    else guard.push(sql);
  }
  if (facts.key === undefined) {
    if (guard.length > 0) return `${guard.join(' AND ')}${GUARD_END}`;
    problems.push(`no column of ${quoteTable(facts.schema, facts.table)} can be compared`);
    return undefined;
  }
  const key: string[] = [];
  for (const place of facts.key) {
    const [column, value] = [facts.columns[place], row[place]];
    const sql = column === undefined || value === undefined ? undefined : keyCondition(column, value);
    if (sql === undefined) return undefined;
    key.push(sql);
  }
  return `${key.join(' AND ')}${guard.length === 0 ? '' : `${GUARD}(${guard.join(' AND ')})`}${GUARD_END}`;
}

const undecoded = (facts: TableFacts, name: string, value: CellValue | undefined): string =>
  `${columnOf(facts, name)}: ${value !== null && value?.kind === 'undecoded' ? value.why : 'the log does not have it'}`;

const inexactValue = (facts: TableFacts, name: string, value: CellValue | undefined): string | undefined =>
  value !== null && value?.kind === 'json' && value.inexact !== undefined && value.sql === undefined
    ? `${columnOf(facts, name)}: ${value.inexact}`
    : undefined;

const columnOf = (facts: TableFacts, name: string): string =>
  `${quoteTable(facts.schema, facts.table)}.${quoteName(name)}`;

/** A script has a statement in each line, and what stands before the guard is told from it by its text. */
function unusualName({ schema, table, columns }: TableFacts): string | undefined {
  const found = [schema, table, ...columns.map(({ name }) => name)].find((name) => /[\r\n]|\/\*guard\*\//.test(name));
  return found === undefined ? undefined : `the name ${JSON.stringify(found)} cannot stand in a rollback`;
}
