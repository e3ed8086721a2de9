import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import type { Service } from '../../../test/services/service.ts';
import { execute } from '../../conformance/executor.ts';
import type { Execution } from '../../conformance/executor.ts';
import { ClickHouseExecutor } from './clickhouse-executor.ts';

let server: Service;
let executor: ClickHouseExecutor;
const table = `t_${randomUUID().replaceAll('-', '')}`;

const run = (command: string, params: object = {}): Promise<Execution> =>
  execute(executor, {
    command,
    params: { target: { host: server.host, port: server.port, protocol: 'http' }, ...params },
  });

describe.skipIf(!hasServices('clickhouse'))('ClickHouse 26 by HTTP', () => {
  beforeAll(async () => {
    server = await service('clickhouse');
    executor = new ClickHouseExecutor({ connections: new Map(), spoolFolder: tmpdir() });
  });

  afterAll(async () => {
    await run(`DROP TABLE IF EXISTS ${table}`);
    await executor.close();
  });

  it("executes the manual's examples", async () => {
    await run(`DROP TABLE IF EXISTS ${table}`);
    const written = await run(
      `CREATE TABLE ${table} (id UInt32, name String) ENGINE = MergeTree() ORDER BY id; INSERT INTO ${table} VALUES (1, 'test');`,
    );
    expect(written.outcome).toEqual({ state: 'Succeeded', message: '2 statements executed' });
    expect(written.result.toString()).toMatch(/Statement 2: SUCCESS \(Affected rows: 1\)/);
    const read = await run(`SELECT * FROM ${table}`);
    expect(read.result.toString()).toBe(
      `Statement 1: SUCCESS (Affected rows: 1)\nSQL: SELECT * FROM ${table}\n id | name\n----+------\n  1 | test\n(1 row)`,
    );
  });

  it('shows types that only new servers have', async () => {
    const { result } = await run(
      `SELECT toInt256(-1) AS i, true AS b, map('a', 1) AS m, toLowCardinality('x') AS l, toDateTime64('2026-01-01 00:00:00.123', 3, 'UTC') AS d, [(1, 'a\\'b')] AS n`,
      { result_format: 'json' },
    );
    expect(JSON.parse(result.toString()).statements[0].rows).toEqual([
      { i: -1, b: true, m: "{'a':1}", l: 'x', d: '2026-01-01 00:00:00.123', n: [[1, "a'b"]] },
    ]);
  });

  it("gives the server's code and name of an error", async () => {
    expect((await run('SELECT * FROM no_such_table')).outcome).toMatchObject({
      reason: 'StatementFailed',
      message: expect.stringMatching(
        /^SQL execution failed: Statement 1: ERROR - Code: 60\. DB::Exception: [^]*no_such_table[^]*\(UNKNOWN_TABLE\)\nSQL: SELECT \* FROM no_such_table$/,
      ) as string,
    });
  });
});
