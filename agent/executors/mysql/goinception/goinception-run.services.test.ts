import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../../test/services/service.ts';
import { InceptionDatabase } from './testing/inception-database.ts';

describe.each(['mysql', 'mariadb'] as const)('a task of %s that goes through goInception', (name) => {
  describe.skipIf(!hasServices(name))('with a backup server', () => {
    let database: InceptionDatabase;

    beforeAll(async () => {
      database = await InceptionDatabase.create(await service(name));
    });
    afterAll(() => database?.drop());

    it("executes the manual's example, with its lines in the manual's order", async () => {
      const { outcome, result, log, rollback, rollbackSummary } = await database.run(
        "CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(100)); INSERT INTO users VALUES (1, 'test');",
        { exec_options: { trans_batch_size: 200, backup: true, timeout_ms: 600000 } },
      );
      expect(outcome).toEqual({ state: 'Succeeded', message: '2 statements executed, 1 row' });
      const { backupDatabase, name: schema } = database;
      const time = expect.stringMatching(/^Execute Time: \d+\.\d{3}s$/) as string;
      const [first, second] = result.toString().split('\n\n');
      expect(first?.split('\n')).toEqual([
        'Order ID: 1',
        'Stage: EXECUTED',
        'Status: Execute Successfully',
        'Affected Rows: 0',
        time,
        `Backup DB: ${backupDatabase}`,
        `Rollback SQL: DROP TABLE \`${schema}\`.\`users\`;`,
        'SQL: CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(100))',
      ]);
      expect(second?.split('\n').filter((line) => !line.startsWith('Error: MariaDB '))).toEqual([
        'Order ID: 2',
        'Stage: EXECUTED',
        'Status: Execute Successfully',
        'Affected Rows: 1',
        time,
        `Backup DB: ${backupDatabase}`,
        `Rollback SQL: DELETE FROM \`${schema}\`.\`users\` WHERE \`id\`=1;`,
        "SQL: INSERT INTO users VALUES (1, 'test')",
      ]);
      expect(rollback.toString().split('\n').slice(1)).toEqual([
        `DELETE FROM \`${schema}\`.\`users\` WHERE \`id\`=1;`,
        `DROP TABLE \`${schema}\`.\`users\`;`,
        '',
      ]);
      expect(rollbackSummary).toMatchObject({ available: true, exact: false, statements: 2 });
      expect(log).toContainEqual({
        level: 'info',
        message: expect.stringMatching(
          /^\[EXECUTED\] Execute Successfully \(Order ID: 1\) \(Affected rows: 0\) \(Execute time: \d\.\d{3}s\)$/,
        ) as string,
      });
    });
  });
});
