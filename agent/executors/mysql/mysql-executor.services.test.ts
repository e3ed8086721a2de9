import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import { describeExecutor } from '../../conformance/executor.ts';
import type { Execution } from '../../conformance/executor.ts';
import { TestDatabase } from './testing/test-database.ts';

const WRONG_PASSWORD = 'wr0ng-pa55word';

describe.each(['mysql', 'mariadb'] as const)('MysqlExecutor on %s', (server) => {
  describe.skipIf(!hasServices(server))('that is there', () => {
    let database: TestDatabase;

    beforeAll(async () => {
      database = await TestDatabase.create(await service(server));
    });
    afterAll(() => database?.drop());

    const run: TestDatabase['run'] = (...args) => database.run(...args);
    const text = ({ result }: Execution): string => result.toString();
    const failure = ({ outcome }: Execution): string => (outcome.state === 'Failed' ? outcome.message : '');

    describeExecutor(
      `MysqlExecutor on ${server}`,
      async () => ({
        executor: database.executor,
        succeeding: database.work('SELECT 1'),
        failing: database.work('SELECT * FROM nowhere'),
        endless: {
          ...database.work('SELECT SLEEP(600)'),
          begun: () => expect.poll(() => database.running('SLEEP(600)')).toBe(1),
        },
        big: (bytes: number) => database.work(`SELECT REPEAT('x', ${bytes})`),
        invalid: [
          database.work(' \n'),
          { command: 'SELECT 1' },
          { command: 'SELECT 1', params: { target: { port: 3306 } } },
          database.work('SELECT 1', { target: database.target({ sslmode: 'sometimes' }) }),
          database.work('SELECT 1', { target: database.target({ sslmode: 'verify-ca', verify_ssl: false }) }),
          database.work('SELECT 1', { target: database.target({ sslmode: 'require', ca: 'none' }) }),
          database.work('SELECT 1', { exec_options: { trans_batch_size: 0 } }),
          database.work('SELECT 1', { exec_options: { concurrency: 0 } }),
          database.work('SELECT 1', { result_format: 'xml' }),
          database.work('-- nothing\n;'),
        ],
        remote: {
          unreachable: database.work('SELECT 1', { target: database.target({ port: 1 }) }),
          wrongPassword: database.work(
            'SELECT 1',
            {},
            { credentials: { login: { data: { password: WRONG_PASSWORD }, allowedHosts: undefined } } },
          ),
          secrets: [database.password, WRONG_PASSWORD],
          running: () => database.running('SLEEP'),
          endlessFor: (timeout: number) =>
            database.work('SELECT SLEEP(600)', { exec_options: { timeout_ms: timeout } }),
        },
      }),
      'remote',
    );

    it("gives the manual's text", async () => {
      await database.witness.query('DROP TABLE IF EXISTS users');
      const execution = await run(
        "CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(100)); INSERT INTO users VALUES (1, 'test');",
        { exec_options: { backup: false } },
      );
      expect([execution.outcome.state, failure(execution)]).toEqual(['Succeeded', '']);
      expect(text(execution).replaceAll(/\d\.\d{3}s/g, '0.001s')).toBe(
        [
          'Order ID: 1',
          'Stage: EXECUTED',
          'Status: Execute Successfully',
          'Affected Rows: 0',
          'Execute Time: 0.001s',
          'SQL: CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(100))',
          '',
          'Order ID: 2',
          'Stage: EXECUTED',
          'Status: Execute Successfully',
          'Affected Rows: 1',
          'Execute Time: 0.001s',
          "SQL: INSERT INTO users VALUES (1, 'test')",
        ].join('\n'),
      );
    });
  });
});
