import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import type { Service } from '../../../test/services/service.ts';
import { describeExecutor, execute } from '../../conformance/executor.ts';
import type { Execution, Work } from '../../conformance/executor.ts';
import { ClickHouseExecutor } from './clickhouse-executor.ts';

type Protocol = 'native' | 'http';

/** A login of the server 18.16 that has a password. */
const LOGIN = { user: 'tiangong', password: 'secret' };

let server: Service;
let executor: ClickHouseExecutor;
const database = `t_${randomUUID().replaceAll('-', '')}`;

/** Asks the server by HTTP, as a witness. */
async function ask(query: string, on = server): Promise<string> {
  const response = await fetch(`http://${on.host}:${on.port}/?database=${database}`, { method: 'POST', body: query });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}

const target = (protocol: Protocol, more: object = {}): Record<string, unknown> => ({
  host: server.host,
  port: protocol === 'native' ? server.ports['native'] : server.port,
  protocol,
  database,
  ...more,
});

const run = (protocol: Protocol, command: string, params: object = {}, work: Partial<Work> = {}): Promise<Execution> =>
  execute(executor, { command, params: { target: target(protocol), ...params }, ...work });

const credential = (password: string) => ({ login: { data: { ...LOGIN, password }, allowedHosts: undefined } });

describe.skipIf(!hasServices('clickhouse-18')).each(['native', 'http'] as const)(
  'ClickHouse 18.16 by %s',
  (protocol) => {
    beforeAll(async () => {
      server = await service('clickhouse-18');
      executor = new ClickHouseExecutor({ connections: new Map(), spoolFolder: tmpdir() });
      await fetch(`http://${server.host}:${server.port}/`, {
        method: 'POST',
        body: `CREATE DATABASE IF NOT EXISTS ${database}`,
      });
    });

    afterAll(async () => {
      await executor.close();
      await ask(`DROP DATABASE IF EXISTS ${database}`);
    });

    describeExecutor(
      `ClickHouseExecutor (${protocol})`,
      async () => {
        const mark = randomUUID();
        const endless = `SELECT count() FROM system.numbers WHERE number = 0 AND '${mark}' != ''`;
        const running = async (): Promise<number> =>
          Number(
            await ask(
              `SELECT count() FROM system.processes WHERE query LIKE '%${mark}%' AND query NOT LIKE '%processes%'`,
            ),
          );
        const params = { target: target(protocol) };
        const secret = `wrong-${randomUUID()}`;
        return {
          executor,
          succeeding: { command: 'SELECT 1', params },
          failing: { command: 'SELECT nothing FROM nowhere', params },
          endless: {
            command: endless,
            params,
            begun: () => expect.poll(running).toBeGreaterThan(0),
          },
          big: (bytes) => ({ command: `SELECT substring(${longText(bytes)}, 1, ${bytes})`, params }),
          invalid: [
            { command: 'SELECT 1', params: { target: { ...target(protocol), protocol: 'smoke' } } },
            { command: 'SELECT 1', params: { target: { ...target(protocol), sslmode: 'prefer' } } },
            { command: ' ', params },
            { command: 'SELECT 1', params: { ...params, exec_options: { timeout_ms: 'long' } } },
            { command: 'SELECT 1', params: { ...params, result_format: 'xml' } },
          ],
          remote: {
            unreachable: { command: 'SELECT 1', params: { target: { ...target(protocol), port: 1 } } },
            wrongPassword: {
              command: 'SELECT 1',
              params: { target: { ...target(protocol), secret_ref: 'login' } },
              credentials: credential(secret),
            },
            secrets: [secret],
            running,
            endlessFor: (timeoutMs) => ({
              command: endless,
              params: { ...params, exec_options: { timeout_ms: timeoutMs } },
            }),
          },
        };
      },
      'remote',
    );

    it('creates a table and writes a row, as the manual shows', async () => {
      await ask(`DROP TABLE IF EXISTS test_${protocol}`);
      const { outcome, result, log } = await run(
        protocol,
        `CREATE TABLE test_${protocol} (id UInt32, name String) ENGINE = MergeTree() ORDER BY id; INSERT INTO test_${protocol} VALUES (1, 'test');`,
        { exec_options: { timeout_ms: 600_000 } },
      );
      expect(outcome).toEqual({ state: 'Succeeded', message: '2 statements executed' });
      expect(result.toString()).toBe(
        `Statement 1: SUCCESS (Affected rows: 0)\nSQL: CREATE TABLE test_${protocol} (id UInt32, name String) ENGINE = MergeTree() ORDER BY id\n\n` +
          `Statement 2: SUCCESS (Affected rows: 1)\nSQL: INSERT INTO test_${protocol} VALUES (1, 'test')`,
      );
      expect(await ask(`SELECT * FROM test_${protocol}`)).toBe('1\ttest\n');
      const lines = log.map(({ message }) => message).filter((line) => !line.includes(' MiB'));
      expect(lines).toEqual([
        expect.stringMatching(/^Executing the command on clickhouse:.* by (native protocol|HTTP), ClickHouse 18\.16/),
        expect.stringMatching(/^Statement 1: SUCCESS \(Affected rows: 0\) in [\d.]+ s$/),
        expect.stringMatching(/^Statement 2: SUCCESS \(Affected rows: 1\) in [\d.]+ s$/),
      ]);
      const read = await run(protocol, `SELECT * FROM test_${protocol}`);
      expect(read.result.toString()).toBe(
        `Statement 1: SUCCESS (Affected rows: 1)\nSQL: SELECT * FROM test_${protocol}\n id | name\n----+------\n  1 | test\n(1 row)`,
      );
    });
  },
);

/** A text of at least so many bytes of x, from a short query. */
function longText(bytes: number): string {
  return `replaceAll(toString(arrayStringConcat(arrayMap(i -> '${'x'.repeat(1000)}', range(${Math.ceil(bytes / 1000)})), '')), 'y', 'x')`;
}
