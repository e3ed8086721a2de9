import { randomBytes } from 'node:crypto';
import { createConnection } from 'mysql2/promise';
import type { Service } from '../../services/service.ts';
import { sqlWorld } from './sql-world.ts';
import type { SqlConnection } from './sql-world.ts';
import { WRITERS } from './writer-world.ts';
import type { WriterWorld } from './writer-world.ts';

/** A database of its own on a MySQL server. */
export async function mysqlWorld({ host, port, user, password }: Service): Promise<WriterWorld> {
  const database = `chaos_${randomBytes(4).toString('hex')}`;
  const open = await Promise.all(
    Array.from({ length: WRITERS + 1 }, () => createConnection({ host, port, user, password })),
  );
  await open[0]?.query(`CREATE DATABASE ${database}`);
  await Promise.all(open.map((connection) => connection.query(`USE ${database}`)));
  // Each statement sees what others committed before it, as on PostgreSQL.
  await Promise.all(open.map((connection) => connection.query("SET transaction_isolation = 'READ-COMMITTED'")));
  return sqlWorld({
    source: { driver: 'mysql', uri: `${host}:${port}`, driver_params: { databases: [database] } },
    login: { user, passwd: password },
    schema: database,
    connections: open.map((connection): SqlConnection => ({
      run: async (sql) => {
        const [rows] = await connection.query(sql);
        return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : [];
      },
    })),
    close: async () => {
      await open[0]?.query(`DROP DATABASE ${database}`);
      await Promise.all(open.map((connection) => connection.end()));
    },
  });
}
