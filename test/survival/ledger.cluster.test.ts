import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import type { RowDataPacket } from 'mysql2/promise';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { agents, deployTasks } from '../../kube/resource.ts';
import { hasCluster, sharedCluster } from '../kubernetes/shared.ts';
import type { SharedCluster } from '../kubernetes/shared.ts';
import { startPrograms } from '../programs/programs.ts';
import type { Programs } from '../programs/programs.ts';
import { TaskClient } from '../programs/task-client.ts';
import { hasServices, service } from '../services/service.ts';
import type { Service } from '../services/service.ts';
import { StoppingProxy } from '../services/stopping-proxy.ts';
import { DDL, killPoints, MYSQL, POSTGRES, scriptOf, STATEMENTS } from './killed-tasks.ts';
import type { KillPoint } from './killed-tasks.ts';

const SOON = { timeout: 90_000, interval: 50 };
const DATABASE = `survival_${randomBytes(4).toString('hex')}`;
/** So many tasks stand still at once: each has connections of its own. */
const AT_ONCE = 24;
const NUMBERS = Array.from({ length: STATEMENTS }, (_, index) => index + 1);
const INSERTED = NUMBERS.filter((number) => number !== DDL);

/** What looks at a database without the agent. */
interface Witness {
  execute(sql: string): Promise<void>;
  numbers(sql: string): Promise<number[]>;
  end(): Promise<void>;
}

async function postgresWitness({ host, port, user, password }: Service): Promise<Witness> {
  const admin = new Client({ host, port, user, password, database: 'postgres' });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${DATABASE}`);
  const client = new Client({ host, port, user, password, database: DATABASE });
  await client.connect();
  return {
    execute: async (sql) => {
      await client.query(sql);
    },
    numbers: async (sql) => (await client.query<{ n: number }>(sql)).rows.map(({ n }) => n),
    end: async () => {
      await client.end();
      const made = 'SELECT datname FROM pg_database WHERE starts_with(datname, $1)';
      for (const { datname } of (await admin.query<{ datname: string }>(made, [DATABASE])).rows)
        await admin.query(`DROP DATABASE ${datname} WITH (FORCE)`);
      await admin.end();
    },
  };
}

async function mysqlWitness({ host, port, user, password }: Service): Promise<Witness> {
  const client = await createConnection({ host, port, user, password });
  await client.query(`CREATE DATABASE ${DATABASE}`);
  await client.query(`USE ${DATABASE}`);
  return {
    execute: async (sql) => {
      await client.query(sql);
    },
    numbers: async (sql) => (await client.query<(RowDataPacket & { n: number })[]>(sql))[0].map(({ n }) => n),
    end: async () => {
      await client.query(`DROP DATABASE ${DATABASE}`);
      await client.end();
    },
  };
}

/** A task that stands still at its point. */
interface Held {
  readonly point: KillPoint;
  readonly table: string;
  readonly id: string;
  readonly uid: string;
  readonly proxy: StoppingProxy;
}

describe.skipIf(!hasCluster())('an agent that is killed at every step of ten statements', () => {
  let cluster: SharedCluster;
  let programs: Programs;
  let tasks: TaskClient;
  let tables = 0;

  beforeAll(async () => {
    cluster = await sharedCluster();
    programs = await startPrograms(cluster);
    tasks = new TaskClient(programs);
    const spec = { maxConcurrent: AT_ONCE };
    await cluster.client.patch(agents, cluster.namespace, programs.agentName, { spec });
  });
  afterAll(() => programs?.stop());

  const journalOf = (uid: string): string =>
    readFileSync(join(programs.folder, 'agent', 'journal'), 'utf8')
      .split('\n')
      .filter((line) => line.includes(uid) && line.includes('"evidence"'))
      .join('\n');

  describe.each([
    ['postgres', POSTGRES, postgresWitness],
    ['mysql', MYSQL, mysqlWitness],
    ['mariadb', MYSQL, mysqlWitness],
  ] as const)('on %s', (name, dialect, witnessOf) => {
    describe.skipIf(!hasServices(name))('a real one', () => {
      let server: Service;
      let witness: Witness;

      beforeAll(async () => {
        server = await service(name);
        witness = await witnessOf(server);
      });
      afterAll(() => witness?.end());

      async function hold(point: KillPoint, ledger: boolean): Promise<Held> {
        const table = `${DATABASE}_${(tables += 1)}`;
        await witness.execute(`CREATE TABLE ${table} (a int)`);
        const proxy = new StoppingProxy(server, point.stop);
        const port = await proxy.listen();
        const { user, password } = server;
        const { id } = await tasks.create({
          type: dialect.type,
          command: scriptOf(dialect, table, point),
          params: {
            target: { host: '127.0.0.1', port, user, password, database: DATABASE },
            exec_options: { trans_batch_size: 2, ledger, ...(dialect.type === 'mysql' && { backup: false }) },
            result_format: 'json',
          },
        });
        const { uid = '' } = (await cluster.client.get(deployTasks, cluster.namespace, id)).metadata;
        return { point, table, id, uid, proxy };
      }

      const stored = ({ table }: Held): Promise<number[]> => witness.numbers(`SELECT a AS n FROM ${table} ORDER BY a`);

      async function isHeld({ id, uid, point, proxy }: Held): Promise<void> {
        try {
          await vi.waitFor(async () => {
            const { error, result } = await tasks.get(id);
            expect(proxy.hasStopped, `${error} ${result}`).toBe(true);
            expect(journalOf(uid)).toMatch(/statements? \d+/);
          }, SOON);
        } catch (err) {
          throw new Error(`not ${point.name}: ${programs.agent.log.slice(-3000)}`, { cause: err });
        }
      }

      /** Lets tasks come to their points, kills the agent there, starts it again and looks at each task's end. */
      async function killAt(
        points: readonly KillPoint[],
        ledger: boolean,
        check: (held: Held) => Promise<void>,
      ): Promise<void> {
        for (let first = 0; first < points.length; first += AT_ONCE) {
          const wave: Held[] = [];
          onTestFinished(async () => {
            for (const { proxy } of wave) await proxy.close();
          });
          // All others stand still already when those that cannot wait come to their points.
          for (const isBrief of [false, true]) {
            const some = points.slice(first, first + AT_ONCE).filter(({ brief = false }) => brief === isBrief);
            const holding = await Promise.all(some.map((point) => hold(point, ledger)));
            wave.push(...holding);
            for (const held of holding) await isHeld(held);
          }
          await programs.agent.kill();
          for (const { proxy } of wave) proxy.letGo();
          programs.agent.start();
          for (const held of wave) await check(held);
        }
      }

      it(
        'goes on with a ledger: no statement runs twice, none is missing, and its report is whole',
        { timeout: 400_000 },
        async () => {
          await killAt(killPoints(dialect, true), true, async (held) => {
            const { status, error, result } = await tasks.ended(held.id);
            expect([held.point.name, status, error]).toEqual([held.point.name, 'success', '']);
            expect([held.point.name, ...(await stored(held))]).toEqual([held.point.name, ...INSERTED]);
            expect([held.point.name, ...toldBy(result)]).toEqual([held.point.name, ...NUMBERS]);
            const logged = (await tasks.logs(held.id)).map(({ id }) => id);
            expect([held.point.name, ...logged]).toEqual([held.point.name, ...logged.map((_, index) => index + 1)]);
          });
        },
      );

      it('is Unknown without one, runs nothing again, and names the statement', { timeout: 400_000 }, async () => {
        await killAt(killPoints(dialect, false), false, async (held) => {
          const { status, error } = await tasks.ended(held.id);
          expect([held.point.name, status]).toEqual([held.point.name, 'failed']);
          expect(error).toMatch(/^outcome unknown, the work may or may not have been done: /);
          const [, from = '', to = from] = /it had come to: .*?statements? (\d+)(?:-(\d+))?/.exec(error) ?? [];
          expect([held.point.name, Number(from) <= held.point.at]).toEqual([held.point.name, true]);
          const rows = await stored(held);
          expect([held.point.name, new Set(rows).size]).toEqual([held.point.name, rows.length]);
          // What came before the named one's transaction is there; what comes after it is not.
          const begun = Math.min(Number(from), held.point.at);
          const earlier = INSERTED.filter((number) => number < begun - 1);
          expect([held.point.name, ...rows.filter((number) => number < begun - 1)]).toEqual([
            held.point.name,
            ...earlier,
          ]);
          const last = Math.max(Number(to), held.point.at);
          expect([held.point.name, ...rows.filter((number) => number > last)]).toEqual([held.point.name]);
        });
      });
    });
  });
});

/** The numbers of the statements that a result tells of, in its order. */
function toldBy(result: string): number[] {
  const { statements } = JSON.parse(result) as { statements: Record<string, number | undefined>[] };
  return statements.flatMap((entry) => {
    const first = entry['statement'] ?? entry['first_statement'] ?? entry['order_id'] ?? 0;
    const last = entry['last_statement'] ?? entry['last_order_id'] ?? first;
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
