import { SourceError } from '../../../source.ts';
import type { PostgresConfig } from '../server/postgres-config.ts';
import { quote, quoteName } from '../server/queries.ts';
import type { Queries } from '../server/queries.ts';

/** Of tables whose rows something tells apart. PostgreSQL would refuse to change rows of others once they are published. */
const HAS_KEY = `(c.relreplident = 'f' AND c.relkind = 'r' OR EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND CASE c.relreplident WHEN 'n' THEN false WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END))`;
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
    `SELECT n.nspname || '.' || c.relname, CASE c.relkind WHEN 'r' THEN 'ONLY ' ELSE '' END || quote_ident(n.nspname) || '.' || quote_ident(c.relname), ${HAS_KEY} FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${OF_USERS} ORDER BY 1`,
  );
  const found = rows.map(([name, sql, hasKey]) => ({ name: name ?? '', sql: sql ?? '', hasKey: hasKey === 't' }));
  return tables === undefined ? found : found.filter(({ name }) => tables.some((pattern) => matches(name, pattern)));
}

/** `*` stands for anything. */
const matches = (name: string, pattern: string): boolean =>
  new RegExp(`^${pattern.split('*').map(escaped).join('.*')}$`, 's').test(name);

const escaped = (text: string): string => text.replace(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);

/** Why a publication for the configuration cannot be, in plain words. Undefined: it can. */
export function tablesProblem({ tables }: PostgresConfig, found: readonly FoundTable[]): string | undefined {
  const missing = tables?.filter((pattern) => !found.some(({ name }) => matches(name, pattern))) ?? [];
  if (missing.length > 0) return `driver_params.tables: there is no table ${missing.join(', ')}`;
  const without = found.filter(({ name, hasKey }) => !hasKey && tables?.includes(name)).map(({ name }) => name);
  if (without.length > 0)
    return `driver_params.tables: ${without.join(', ')} has neither a primary key nor a replica identity: give it one (ALTER TABLE … REPLICA IDENTITY), or take it out`;
  return found.some(({ hasKey }) => hasKey) ? undefined : 'there is no table with a primary key or a replica identity';
}

export async function hasPublication(queries: Queries, { publication }: PostgresConfig): Promise<boolean> {
  const rows = await queries.rows(`SELECT 1 FROM pg_publication WHERE pubname = ${quote(publication)}`);
  return rows.length > 0;
}

/**
 * Makes the publication where it is ours, or adds the tables that it lacks. Tables without a key are left out: their rows could be
 * changed no more. Rejects with a `SourceError` that says what an administrator must do; when only tables are lacking, it resolves
 * with that.
 */
export async function ensurePublication(queries: Queries, config: PostgresConfig): Promise<string | undefined> {
  const { publication, ownsPublication } = config;
  const exists = await hasPublication(queries, config);
  if (exists && !ownsPublication) return undefined;
  if (!exists && !ownsPublication) throw refuse('PublicationMissing', `there is no publication ${publication}`);
  const found = await findTables(queries, config);
  const problem = tablesProblem(config, found);
  if (problem !== undefined) throw refuse('ConfigurationInvalid', problem);
  const published = exists ? await publishedTables(queries, config) : [];
  const lacking = found.filter(({ name, hasKey }) => hasKey && !published.includes(name));
  if (lacking.length === 0) return undefined;
  const names = lacking.map(({ sql }) => sql).join(', ');
  const sql = exists
    ? `ALTER PUBLICATION ${quoteName(publication)} ADD TABLE ${names}`
    : `CREATE PUBLICATION ${quoteName(publication)} FOR TABLE ${names} WITH (publish = 'insert, update, delete, truncate', publish_via_partition_root = true)`;
  try {
    await queries.rows(sql);
    return undefined;
  } catch (err) {
    const { code = '' } = err as { code?: string };
    // Another SyncTask has done it at the same time.
    if (['42710', '23505', 'XX000'].includes(code) && (await hasPublication(queries, config))) return undefined;
    if (code !== '42501') throw err;
    const advice = `the publication ${publication} lacks tables, and this login may not add them: run as their owner: ${sql.slice(0, 1000)}`;
    if (exists) return advice;
    throw refuse('PrivilegeMissing', advice, err);
  }
}

async function publishedTables(queries: Queries, { publication }: PostgresConfig): Promise<readonly string[]> {
  const rows = await queries.rows(
    `SELECT schemaname || '.' || tablename FROM pg_publication_tables WHERE pubname = ${quote(publication)}`,
  );
  return rows.map(([name]) => name ?? '');
}

const refuse = (reason: string, message: string, cause?: unknown): SourceError =>
  new SourceError(reason, message, { retryable: false, cause });
