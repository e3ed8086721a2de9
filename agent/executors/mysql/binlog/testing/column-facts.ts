import type { MysqlSession } from '../../session/session.ts';
import type { ColumnFact } from '../column-fact.ts';

/** The facts of a table's columns as they are now. */
export async function columnFacts(session: MysqlSession, schema: string, table: string): Promise<ColumnFact[]> {
  const rows = await session.rows(
    `SELECT COLUMN_NAME AS name, COLUMN_TYPE AS type, CHARACTER_SET_NAME AS charset, COLLATION_NAME AS collation, IS_NULLABLE AS nullable, EXTRA AS extra FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = '${schema}' AND TABLE_NAME = '${table}' ORDER BY ORDINAL_POSITION`,
  );
  return rows.map(({ name, type, charset, collation, nullable, extra }) => ({
    name: name ?? '',
    type: type ?? '',
    charset: charset ?? undefined,
    collation: collation ?? undefined,
    unsigned: /^(?!enum|set).*\bunsigned\b/i.test(type ?? ''),
    generated: /VIRTUAL|STORED|PERSISTENT/i.test(extra ?? ''),
    nullable: nullable === 'YES',
    onUpdate: /on update/i.test(extra ?? ''),
  }));
}
