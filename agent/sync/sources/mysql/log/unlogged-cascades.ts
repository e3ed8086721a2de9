import type { RowSource } from '../../../../executors/mysql/backup/table-facts.ts';
import type { ServerFacts } from '../server-facts.ts';
import type { TableFilter } from '../table-filter.ts';

const CHANGES = "('CASCADE', 'SET NULL', 'SET DEFAULT')";

/**
 * Tables whose rows foreign keys change without a word in the log: InnoDB does so by itself before MySQL 9.6, and in MariaDB.
 * Rejects as the session does.
 */
export async function unloggedCascades(
  session: RowSource,
  { variables }: ServerFacts,
  filter: TableFilter,
): Promise<readonly string[]> {
  if (variables.get('innodb_native_foreign_keys') === 'OFF') return [];
  const rows = await session.rows(
    `SELECT DISTINCT CONSTRAINT_SCHEMA AS s, TABLE_NAME AS t FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE DELETE_RULE IN ${CHANGES} OR UPDATE_RULE IN ${CHANGES}`,
  );
  return rows
    .map(({ s, t }) => ({ schema: s ?? '', table: t ?? '' }))
    .filter(({ schema, table }) => filter.has(schema, table))
    .map(({ schema, table }) => `${schema}.${table}`);
}
