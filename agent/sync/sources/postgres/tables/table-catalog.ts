import { quote } from '../server/queries.ts';
import type { Queries } from '../server/queries.ts';

export interface CatalogColumn {
  readonly name: string;
  readonly type: number;
  /** As SQL writes it. */
  readonly sql: string;
}

/** A table of a publication as it is now. */
export interface CatalogTable {
  readonly oid: number;
  readonly schema: string;
  readonly table: string;
  readonly isPartitioned: boolean;
  /** `d`: the primary key, `i`: an index, `f`: the whole row, `n`: nothing. */
  readonly identity: string;
  /** A condition that published rows meet. */
  readonly filter: string | null;
  readonly estimatedRows: number;
  /** Those that are published; generated ones are not, before PostgreSQL 18. */
  readonly columns: readonly CatalogColumn[];
  /** The names of the columns of its key, in the order of the index; empty: it has none. */
  readonly key: readonly string[];
}

/** The columns of what tells rows apart: the replica identity where it is an index, else the primary key. */
const KEY = `(SELECT json_agg(a.attname ORDER BY k.place) FROM pg_index i CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY k(number, place) JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number WHERE i.indrelid = c.oid AND k.place <= i.indnkeyatts AND CASE c.relreplident WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END)`;

/** Lists of columns and conditions are of PostgreSQL 15 and later. */
const LISTS_SINCE = 150_000;
/** From here on generated columns may be published. */
const GENERATED_SINCE = 180_000;

/** The tables of a publication, by schema and name. */
export async function readTables(queries: Queries, publication: string): Promise<readonly CatalogTable[]> {
  const [[version] = []] = await queries.rows("SELECT current_setting('server_version_num')");
  const hasLists = Number(version) >= LISTS_SINCE;
  const published = [
    ...(hasLists ? ['a.attname = ANY (p.attnames)'] : []),
    ...(Number(version) >= GENERATED_SINCE ? [] : ["a.attgenerated = ''"]),
  ].join(' AND ');
  const rows = await queries.rows(
    `SELECT json_build_object('oid', c.oid::int8, 'schema', n.nspname, 'table', c.relname, 'isPartitioned', c.relkind = 'p', 'identity', c.relreplident,
       'filter', ${hasLists ? 'p.rowfilter' : 'NULL'}, 'estimatedRows', greatest(c.reltuples, 0)::int8, 'key', coalesce(${KEY}, '[]'),
       'columns', (SELECT coalesce(json_agg(json_build_object('name', a.attname, 'type', a.atttypid::int8, 'sql', format_type(a.atttypid, a.atttypmod)) ORDER BY a.attnum), '[]')
         FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND ${published}))
     FROM pg_publication_tables p JOIN pg_namespace n ON n.nspname = p.schemaname JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = p.tablename
     WHERE p.pubname = ${quote(publication)}`,
  );
  const tables = rows.map(([json]) => JSON.parse(json ?? '') as CatalogTable);
  return tables.sort((a, b) => compare(a.schema, b.schema) || compare(a.table, b.table));
}

/** The names of the columns of a table's key. */
export async function readKey(queries: Queries, oid: number): Promise<readonly string[]> {
  const [[key] = []] = await queries.rows(`SELECT ${KEY} FROM pg_class c WHERE c.oid = ${oid}`);
  return JSON.parse(key ?? '[]') as string[];
}

/** The order of code units, the same everywhere. */
export const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
