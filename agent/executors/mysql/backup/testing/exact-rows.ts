import type { CellValue } from '../../binlog/cell-value.ts';
import { quoteName } from '../../session/session.ts';
import type { MysqlSession } from '../../session/session.ts';
import type { TableFacts } from '../table-facts.ts';
import { quoteTable } from '../quote.ts';

type Column = TableFacts['columns'][number];

/** Every row of a table, each value in a text that no other value has; sorted, for tables have no order. */
export async function exactRows(session: MysqlSession, facts: TableFacts, where = '1'): Promise<string[]> {
  const rows = await select(session, facts, where);
  return rows.map((row) => JSON.stringify(row)).sort();
}

/** The rows as their images would stand in the log, generated columns included. */
export async function rowImages(session: MysqlSession, facts: TableFacts, where: string): Promise<CellValue[][]> {
  const rows = await select(session, facts, where);
  return rows.map((row) => facts.columns.map((column, place) => toCell(column, row[place] ?? null)));
}

async function select(session: MysqlSession, facts: TableFacts, where: string): Promise<(string | null)[][]> {
  const columns = facts.columns.map((column, place) => `${shown(column)} AS c${place}`).join(', ');
  const rows = await session.rows(`SELECT ${columns} FROM ${quoteTable(facts.schema, facts.table)} WHERE ${where}`);
  return rows.map((row) => facts.columns.map((_, place) => row[`c${place}`] ?? null));
}

const base = ({ type }: Column): string => /^[a-z0-9]+/i.exec(type)?.[0].toLowerCase() ?? '';

function shown(column: Column): string {
  const name = quoteName(column.name);
  switch (base(column)) {
    case 'float':
    case 'double':
      // As text, digits are lost where they would not fit into 22 characters.
      return `HEX(POINT(${name}, 0))`;
    case 'json':
      return `CAST(${name} AS CHAR)`;
    case 'bit':
    case 'enum':
    case 'set':
      return `CAST(${name}+0 AS CHAR)`;
    case 'geometry':
    case 'point':
    case 'vector':
    case 'binary':
    case 'varbinary':
    case 'blob':
    case 'longblob':
      return `HEX(${name})`;
    case 'char':
    case 'varchar':
    case 'text':
    case 'longtext':
      return `HEX(CAST(${name} AS BINARY))`;
    default:
      return `CAST(${name} AS CHAR)`;
  }
}

function toCell(column: Column, value: string | null): CellValue {
  if (value === null) return null;
  const bytes = (): Buffer => Buffer.from(value, 'hex');
  switch (base(column)) {
    case 'float':
    case 'double':
      return { kind: 'float', text: floatText(bytes().readDoubleLE(9)) };
    case 'json':
      return { kind: 'json', text: value, inexact: undefined };
    case 'bit':
      return { kind: 'bit', bytes: Buffer.from(BigInt(value).toString(16).padStart(16, '0'), 'hex') };
    case 'enum':
      return { kind: 'enum', index: Number(value), member: '' };
    case 'set':
      return { kind: 'set', bits: BigInt(value), members: [] };
    case 'geometry':
    case 'point':
      return { kind: 'geometry', bytes: bytes() };
    case 'vector':
    case 'binary':
    case 'varbinary':
    case 'blob':
    case 'longblob':
      return { kind: 'bytes', bytes: bytes() };
    case 'char':
    case 'varchar':
    case 'text':
    case 'longtext':
      return { kind: 'text', bytes: bytes(), charset: column.charset ?? '' };
    case 'date':
    case 'time':
    case 'datetime':
    case 'timestamp':
      return { kind: 'temporal', text: value };
    case 'uuid':
    case 'inet4':
    case 'inet6':
      return { kind: 'name', text: value };
    default:
      return { kind: 'number', text: value };
  }
}

const floatText = (value: number): string => (Object.is(value, -0) ? '-0e0' : value.toExponential());
