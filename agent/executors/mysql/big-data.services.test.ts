import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import { TestDatabase } from './testing/test-database.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const MIB = 1024 ** 2;
const SERVERS = (['mysql', 'mariadb'] as const).filter((name) => hasServices(name));

/** What JavaScript and its buffers keep, in MiB, after garbage is collected. */
const kept = (): number => {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / MIB;
};

describe.each(SERVERS)('MysqlExecutor with much data on %s', (server) => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await TestDatabase.create(await service(server));
  });
  afterAll(() => database?.drop());

  it.each(['text', 'json'] as const)('gives 1,000,000 rows as %s and keeps few of them', async (format) => {
    const command = `WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 1000)
      SELECT a.n * 1000 + b.n AS id, LEFT(SHA2(a.n, 256), 32) AS digest, REPEAT('x', 30) AS pad FROM r a, r b`;
    let [bytes, pieces, most] = [0, 0, 0];
    const before = kept();
    const { outcome } = await database.executor
      .execute({
        name: 'task',
        uid: 'big',
        epoch: 1,
        command,
        params: { ...database.work('').params, result_format: format },
        signal: new AbortController().signal,
        resumed: false,
        rollback: { write: () => undefined, end: () => undefined },
        output: {
          write: (piece) => {
            bytes += piece.length;
            pieces += 1;
            if (pieces % 100 === 0) most = Math.max(most, kept() - before);
            return new Promise((resolve) => setImmediate(resolve));
          },
          log: () => undefined,
        },
        credential: () => Promise.resolve({ data: { password: database.password }, allowedHosts: undefined }),
        fileId: undefined,
        file: () => Promise.reject(new Error('not found')),
        processStarted: () => undefined,
        evidence: () => undefined,
      })
      .then((outcome) => ({ outcome }));
    expect(outcome).toMatchObject({ state: 'Succeeded', message: '1 statement executed, 1000000 rows' });
    expect(bytes).toBeGreaterThan(70 * MIB);
    expect(most).toBeLessThan(30);
  });

  it.each([
    ['without backup', { backup: false }],
    ['with backup', { backup: true }],
  ])('executes a transaction of 50,000 statements %s and keeps little of it', async (_, options) => {
    await database.witness.query('DROP TABLE IF EXISTS long_one');
    await database.witness.query('CREATE TABLE long_one (a int primary key, b varchar(200))');
    const inserts = Array.from(
      { length: 50_000 },
      (__, row) => `INSERT INTO long_one VALUES (${row}, REPEAT('x', 100));\n`,
    );
    const command = `BEGIN;\n${inserts.join('')}COMMIT;`;
    let most = 0;
    const before = kept();
    const watch = setInterval(() => (most = Math.max(most, kept() - before)), 1000);
    const { outcome } = await database.run(command, { exec_options: options });
    clearInterval(watch);
    expect(outcome).toMatchObject({ state: 'Succeeded', message: '50002 statements executed, 50000 rows' });
    expect(await database.values('SELECT COUNT(*) FROM long_one')).toEqual([50_000]);
    expect(most).toBeLessThan(80);
  });
});
