import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import type { Service } from '../../services/service.ts';
import { sqlWorld } from './sql-world.ts';
import type { SqlConnection } from './sql-world.ts';
import { WRITERS } from './writer-world.ts';
import type { WriterWorld } from './writer-world.ts';

/** A database of its own on a PostgreSQL server. */
export async function postgresWorld({ host, port, user, password }: Service): Promise<WriterWorld> {
  const database = `chaos_${randomBytes(4).toString('hex')}`;
  const admin = new Client({ host, port, user, password });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${database}`);
  const open = Array.from({ length: WRITERS + 1 }, () => new Client({ host, port, user, password, database }));
  await Promise.all(open.map((client) => client.connect()));
  return sqlWorld({
    source: { driver: 'postgres', uri: `${host}:${port}/${database}` },
    login: { user, passwd: password },
    schema: 'public',
    connections: open.map((client): SqlConnection => ({
      run: async (sql) => (await client.query<Record<string, unknown>>(sql)).rows,
    })),
    close: async () => {
      await Promise.all(open.map((client) => client.end()));
      const slots = `FROM pg_replication_slots WHERE database = '${database}'`;
      await admin.query(`SELECT pg_terminate_backend(active_pid) ${slots} AND active`);
      await admin.query(`SELECT pg_drop_replication_slot(slot_name) ${slots}`);
      await admin.query(`DROP DATABASE ${database} WITH (FORCE)`);
      await admin.end();
    },
  });
}
