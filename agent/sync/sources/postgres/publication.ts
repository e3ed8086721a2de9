import { SourceError } from '../../source.ts';
import type { PostgresConfig } from './postgres-config.ts';
import { quote, quoteName } from './queries.ts';
import type { Queries } from './queries.ts';

/** Tables whose rows nothing tells apart: PostgreSQL would refuse to change such rows once they are published. */
const WITHOUT_KEY = `c.relreplident = 'n' OR (c.relreplident = 'd' AND NOT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary))`;
const OF_USERS = `c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p' AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'`;

interface FoundTable {
  readonly name: string;
  /** As SQL writes it. */
  readonly sql: string;
  readonly hasKey: boolean;
}

/** The tables of the configuration, or all there are; partitions go with the table that they are of. */
export async function findTables(queries: Queries, { tables }: PostgresConfig): Promise<readonly FoundTable[]> {
  const rows = await queries.rows(
    `SELECT n.nspname || '.' || c.relname, CASE c.relkind WHEN 'r' THEN 'ONLY ' ELSE '' END || quote_ident(n.nspname) || '.' || quote_ident(c.relname), NOT (${WITHOUT_KEY}) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${OF_USERS} ORDER BY 1`,
  );
  const found = rows.map(([name, sql, hasKey]) => ({ name: name ?? '', sql: sql ?? '', hasKey: hasKey === 't' }));
  return tables === undefined ? found : found.filter(({ name }) => tables.includes(name));
}

/** Why a publication for the configuration cannot be, in plain words. Undefined: it can. */
export function tablesProblem({ tables }: PostgresConfig, found: readonly FoundTable[]): string | undefined {
  const missing = tables?.filter((name) => !found.some((table) => table.name === name)) ?? [];
  if (missing.length > 0) return `driver_params.tables: there is no table ${missing.join(', ')}`;
  const without = tables === undefined ? [] : found.filter(({ hasKey }) => !hasKey).map(({ name }) => name);
  if (without.length > 0)
    return `driver_params.tables: ${without.join(', ')} has neither a primary key nor a replica identity: give it one (ALTER TABLE … REPLICA IDENTITY), or take it out`;
  return found.some(({ hasKey }) => hasKey) ? undefined : 'there is no table with a primary key or a replica identity';
}

/** The statements that make the publication. Tables without a key are left out: their rows could be changed no more. */
export function publicationSql({ publication }: PostgresConfig, found: readonly FoundTable[]): string {
  const names = found.filter(({ hasKey }) => hasKey).map(({ sql }) => sql);
  return `CREATE PUBLICATION ${quoteName(publication)} FOR TABLE ${names.join(', ')} WITH (publish = 'insert, update, delete, truncate', publish_via_partition_root = true)`;
}

export async function hasPublication(queries: Queries, { publication }: PostgresConfig): Promise<boolean> {
  const rows = await queries.rows(`SELECT 1 FROM pg_publication WHERE pubname = ${quote(publication)}`);
  return rows.length > 0;
}

/** Makes the publication where it is ours and is missing. Rejects with a `SourceError` that says what an administrator must do. */
export async function ensurePublication(queries: Queries, config: PostgresConfig): Promise<void> {
  if (await hasPublication(queries, config)) return;
  const { publication, ownsPublication } = config;
  if (!ownsPublication) throw refuse('PublicationMissing', `there is no publication ${publication}`);
  const found = await findTables(queries, config);
  const problem = tablesProblem(config, found);
  if (problem !== undefined) throw refuse('ConfigurationInvalid', problem);
  const sql = publicationSql(config, found);
  try {
    await queries.rows(sql);
  } catch (err) {
    // Another SyncTask has made it at the same time.
    if (await hasPublication(queries, config)) return;
    if ((err as { code?: string }).code !== '42501') throw err;
    throw refuse(
      'PrivilegeMissing',
      `the publication ${publication} is missing, and this login may not make it: run as the owner of the tables: ${sql.slice(0, 1000)}`,
      err,
    );
  }
}

const refuse = (reason: string, message: string, cause?: unknown): SourceError =>
  new SourceError(reason, message, { retryable: false, cause });
