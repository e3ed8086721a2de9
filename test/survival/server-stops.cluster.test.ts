import { createClient } from '@clickhouse/client';
import { createPool } from 'mysql2/promise';
import type { RowDataPacket } from 'mysql2/promise';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { freePort } from '../kubernetes/free-port.ts';
import { hasCluster, sharedCluster } from '../kubernetes/shared.ts';
import { startPrograms } from '../programs/programs.ts';
import type { Programs } from '../programs/programs.ts';
import { TaskClient } from '../programs/task-client.ts';
import { HoldingProxy } from '../services/holding-proxy.ts';
import { hasServices, ownService } from '../services/service.ts';
import type { OwnService, ServiceName } from '../services/service.ts';

const SOON = { timeout: 60_000, interval: 50 };

/** A task that goes on until its server stops, and one that is over at once. */
interface Work {
  readonly type: string;
  readonly params: object;
  readonly long: string;
  readonly short: string;
  readonly isInTheMiddle: () => Promise<boolean>;
}

const targetOf = ({ host, port, user, password }: OwnService): Record<string, unknown> => ({
  ...{ host, port, user, password },
});

async function postgres(server: OwnService): Promise<Work> {
  const pool = new Pool({ ...targetOf(server), database: 'postgres', max: 1 });
  // The server's end is what is tested.
  pool.on('error', () => undefined);
  onTestFinished(() => pool.end());
  const long = 'SELECT pg_sleep(3600)';
  const running = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE query = '${long}' AND state = 'active'`;
  return {
    ...{ type: 'postgres', params: { target: targetOf(server) }, long, short: 'SELECT 1' },
    isInTheMiddle: async () => (await pool.query<{ n: number }>(running)).rows[0]?.n === 1,
  };
}

async function mysql(server: OwnService): Promise<Work> {
  const pool = createPool({ ...targetOf(server), connectionLimit: 1 });
  onTestFinished(() => pool.end());
  // A SLEEP alone ends with 1 when the server stops, and so succeeds.
  const long = 'SELECT 1 FROM mysql.user WHERE SLEEP(3600)';
  const running = `SELECT id FROM information_schema.processlist WHERE info = '${long}'`;
  return {
    ...{ type: 'mysql', params: { target: targetOf(server) }, long, short: 'SELECT 1' },
    isInTheMiddle: async () => (await pool.query<RowDataPacket[]>(running))[0].length === 1,
  };
}

async function clickhouse(server: OwnService, protocol: 'native' | 'http'): Promise<Work> {
  const witness = createClient({ url: `http://${server.host}:${server.port}` });
  onTestFinished(() => witness.close());
  const port = protocol === 'native' ? server.ports['native'] : server.port;
  const query = "SELECT query_id FROM system.processes WHERE query LIKE 'SELECT count() AS endless%'";
  return {
    ...{ type: 'clickhouse', params: { target: { host: server.host, port, protocol } }, short: 'SELECT 1' },
    long: 'SELECT count() AS endless FROM system.numbers WHERE NOT ignore(sleep(0.1))',
    isInTheMiddle: async () =>
      (await (await witness.query({ query, format: 'JSONEachRow' })).json<object>()).length === 1,
  };
}

/** What is over too soon to be met in the middle is held by a proxy, which ends with the server. */
async function held(server: OwnService, type: string, long: object, short: object): Promise<Work> {
  const proxy = new HoldingProxy(server, 'held_here');
  const port = await proxy.listen();
  onTestFinished(() => proxy.close());
  return {
    ...{ type, params: { target: { ...targetOf(server), port } } },
    ...{ long: JSON.stringify(long), short: JSON.stringify(short) },
    isInTheMiddle: async () => proxy.seen > 0,
  };
}

const mongo = (server: OwnService): Promise<Work> => {
  const insert = (collection: string): object => ({ operation: 'insert', collection, documents: [{ a: 1 }] });
  return held(server, 'mongo', insert('held_here'), insert('other'));
};

const elasticsearch = (server: OwnService): Promise<Work> => {
  const index = (text: string): object => ({ operation: 'index', index: 'test', doc: { text } });
  return held(server, 'elasticsearch', index('held_here'), index('other'));
};

describe.skipIf(!hasCluster())('when its server stops in the middle', () => {
  let programs: Programs;
  let tasks: TaskClient;

  beforeAll(async () => {
    programs = await startPrograms(await sharedCluster());
    tasks = new TaskClient(programs);
  });

  afterAll(() => programs.stop());

  const types: [string, ServiceName, (server: OwnService) => Promise<Work>][] = [
    ['postgres', 'postgres', postgres],
    ['mysql to MySQL', 'mysql', mysql],
    ['mysql to MariaDB', 'mariadb', mysql],
    ['clickhouse by the native protocol', 'clickhouse-18', (server) => clickhouse(server, 'native')],
    ['clickhouse by HTTP', 'clickhouse-18', (server) => clickhouse(server, 'http')],
    ['mongo', 'mongo', mongo],
    ['elasticsearch', 'elasticsearch', elasticsearch],
  ];
  it.each(types.filter(([, name]) => hasServices(name)))(
    'a task of %s fails and says so, as does the next one, and the one after its start succeeds',
    { timeout: 300_000 },
    async (_title, name, prepare) => {
      const server = await ownService(name, await freePort());
      onTestFinished(() => server.remove());
      const { type, params, long, short, isInTheMiddle } = await prepare(server);
      const { id } = await tasks.create({ type, command: long, params });
      await vi.waitUntil(isInTheMiddle, SOON);

      await server.stop();
      const cut = await tasks.ended(id);
      expect(cut.status).toBe('failed');
      expect(cut.error).toMatch(/connection|terminat|closed|shut ?down|cancel/i);
      const away = await tasks.run({ type, command: short, params });
      expect(away.status).toBe('failed');
      expect(away.error).toMatch(/connection|closed/i);

      await server.start();
      const next = await tasks.run({ type, command: short, params });
      expect(next.status, next.error).toBe('success');
    },
  );
});
