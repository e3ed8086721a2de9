import type { Credential } from '../../../../executors/executor.ts';
import { SourceError } from '../../../source.ts';
import type { PostgresConfig } from './postgres-config.ts';
import { ensurePublication } from '../tables/publication.ts';
import { quote, quoteName } from './queries.ts';
import type { Queries } from './queries.ts';

/** From this version on one role may read everything. */
const READ_ALL_SINCE = 140_000;

/**
 * Makes the login that the agent uses, with the right to read the log and all tables, and the publication where it is ours. One
 * that is there keeps its password.
 */
export async function createAgentUser(
  queries: Queries,
  config: PostgresConfig,
  { data }: Credential,
  signal: AbortSignal,
): Promise<void> {
  const { user = '', passwd = data['password'] } = data;
  if (user === '' || user.includes('\0') || passwd?.includes('\0') === true)
    throw new SourceError('ConfigurationInvalid', 'the user of credential must be a name', { retryable: false });
  const name = quoteName(user);
  const [[version, exists] = []] = await queries.rows(
    `SELECT current_setting('server_version_num'), EXISTS (SELECT 1 FROM pg_roles WHERE rolname = ${quote(user)})`,
    signal,
  );
  const password = passwd === undefined ? '' : ` PASSWORD ${quote(passwd)}`;
  if (exists !== 't') await queries.rows(`CREATE ROLE ${name} LOGIN REPLICATION${password}`, signal);
  else await giveReplication(queries, user, signal);
  await queries.rows(`GRANT CONNECT ON DATABASE ${quoteName(config.target.database)} TO ${name}`, signal);
  if (Number(version) >= READ_ALL_SINCE) await queries.rows(`GRANT pg_read_all_data TO ${name}`, signal);
  else await grantSchemas(queries, name, signal);
  const advice = config.ownsPublication ? await ensurePublication(queries, config) : undefined;
  if (advice !== undefined) throw new SourceError('PrivilegeMissing', advice, { retryable: false });
}

async function giveReplication(queries: Queries, user: string, signal: AbortSignal): Promise<void> {
  const rows = await queries.rows(
    `SELECT 1 FROM pg_roles WHERE rolname = ${quote(user)} AND (rolreplication OR rolsuper)`,
    signal,
  );
  if (rows.length === 0) await queries.rows(`ALTER ROLE ${quoteName(user)} REPLICATION`, signal);
}

async function grantSchemas(queries: Queries, name: string, signal: AbortSignal): Promise<void> {
  const schemas = await queries.rows(
    "SELECT quote_ident(nspname) FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'",
    signal,
  );
  for (const [schema] of schemas)
    await queries.rows(
      `GRANT USAGE ON SCHEMA ${schema ?? ''} TO ${name}; GRANT SELECT ON ALL TABLES IN SCHEMA ${schema ?? ''} TO ${name}`,
      signal,
    );
}
