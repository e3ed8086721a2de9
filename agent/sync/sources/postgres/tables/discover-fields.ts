import type { FieldsSchema, FieldSchema } from '../../../driver-action.ts';
import type { PostgresConfig } from '../server/postgres-config.ts';
import { findTables } from './publication.ts';
import { quote } from '../server/queries.ts';
import type { Queries } from '../server/queries.ts';
import { TypeCatalog } from '../values/type-catalog.ts';
import { schemaType } from '../values/value-readers.ts';

/** The columns of the tables that can be synchronised, as `schema.table.column`. */
export async function discoverFields(queries: Queries, config: PostgresConfig): Promise<FieldsSchema> {
  const tables = (await findTables(queries, config)).filter(({ hasKey }) => hasKey).map(({ name }) => name);
  if (tables.length === 0) return { properties: {} };
  const rows = await queries.rows(
    `SELECT n.nspname || '.' || c.relname || '.' || a.attname, a.atttypid, row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum) - 1
     FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND n.nspname || '.' || c.relname IN (${tables.map(quote).join(', ')})
     ORDER BY n.nspname, c.relname, a.attnum`,
  );
  const types = new TypeCatalog(queries);
  await types.learn(rows.map(([, type]) => Number(type)));
  const properties: Record<string, FieldSchema> = {};
  for (const [name, type, index] of rows)
    properties[name ?? ''] = { type: schemaType(Number(type), types.factsOf), column_index: Number(index) };
  return { properties };
}
