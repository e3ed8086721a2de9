import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../../test/services/service.ts';
import { TestDatabase } from '../testing/test-database.ts';

describe.each((['mysql', 'mariadb'] as const).filter((name) => hasServices(name)))(
  'what a backup on %s cannot bring back',
  (flavour) => {
    let database: TestDatabase;

    // For each try of a test its own: what it changes, no second one could change.
    beforeEach(async () => {
      database = await TestDatabase.create(await service(flavour));
      for (const statement of [
        'CREATE TABLE t (id INT PRIMARY KEY, n INT)',
        'CREATE TABLE logged (id INT PRIMARY KEY, n INT)',
        'CREATE TABLE log (n INT)',
        'CREATE TRIGGER tr AFTER UPDATE ON logged FOR EACH ROW INSERT INTO log VALUES (NEW.n)',
        'CREATE TABLE parent (id INT PRIMARY KEY, n INT)',
        'CREATE TABLE child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parent (id) ON DELETE CASCADE)',
        'CREATE TABLE mine (id INT PRIMARY KEY, n INT) ENGINE = MyISAM',
        'CREATE TABLE dropped (id INT PRIMARY KEY)',
        'CREATE PROCEDURE twice() BEGIN UPDATE t SET n = n + 1 WHERE id = 1; COMMIT; UPDATE t SET n = n + 1 WHERE id = 1; END',
        'INSERT INTO t VALUES (1, 1)',
        'INSERT INTO logged VALUES (1, 1)',
        'INSERT INTO parent VALUES (1, 1), (2, 2)',
        'INSERT INTO child VALUES (1, 1)',
        'INSERT INTO mine VALUES (1, 1)',
      ])
        await database.witness.query(statement);
    });
    afterEach(() => database?.drop());

    it.each([
      ['UPDATE logged SET n = 2', /has the trigger tr/],
      ['DELETE FROM parent WHERE id = 1', /foreign key of .*child/],
      ['INSERT INTO parent VALUES (3, 3)', /foreign key of .*child/],
      ['UPDATE mine SET n = 2', /MyISAM|no transactions/],
      ['TRUNCATE TABLE log; UPDATE t SET n = 3', /TRUNCATE TABLE removes rows/],
      ['UPDATE t SET n = 4; DROP TABLE dropped', /DROP TABLE removes rows/],
      ['UPDATE t SET n = 5; ALTER TABLE log DROP COLUMN n, ADD COLUMN m INT', /ALTER TABLE may remove/],
    ])('is told of %s', async (command, why) => {
      const { outcome, rollbackSummary } = await database.run(command);
      expect(outcome).toMatchObject({ state: 'Succeeded' });
      expect(rollbackSummary).toMatchObject({ exact: false, message: expect.stringMatching(why) as string });
    });

    it.runIf(flavour === 'mariadb')(
      'is told of CREATE OR REPLACE TABLE, which drops the table that there was',
      async () => {
        const { outcome, rollbackSummary } = await database.run(
          'CREATE OR REPLACE TABLE replaced (id INT); INSERT INTO replaced VALUES (1)',
        );
        expect(outcome).toMatchObject({ state: 'Succeeded' });
        expect(rollbackSummary).toMatchObject({ available: true, exact: false, statements: 1 });
        expect(rollbackSummary?.message).toMatch(/CREATE OR REPLACE TABLE removes rows/);
      },
    );

    it.each([
      ['UPDATE parent SET n = n + 1', 2],
      ['CREATE TEMPORARY TABLE x (id INT); INSERT INTO x VALUES (1), (2); INSERT INTO t SELECT id + 10, 0 FROM x', 2],
      ['BEGIN; INSERT INTO t VALUES (20, 1); ROLLBACK; INSERT INTO t VALUES (20, 1)', 1],
      ['CREATE TABLE fresh (id INT PRIMARY KEY); INSERT INTO fresh VALUES (1)', 1],
      ['ALTER TABLE t ADD COLUMN s VARCHAR(9) FIRST; INSERT INTO t (s, id) VALUES (0x41, 30)', 1],
      ['SELECT * FROM t WHERE id = 1 FOR UPDATE; UPDATE t SET n = n WHERE id = 1; DELETE FROM t WHERE id = 1', 1],
      ['CALL twice()', 2],
      ['SET sql_select_limit = 1; UPDATE parent SET n = n + 1', 2],
      [
        'UPDATE parent SET n = n + 1 WHERE id = 2; SELECT n INTO @n FROM parent WHERE id = 2; CREATE TEMPORARY TABLE y AS SELECT 1 AS id; UPDATE parent SET n = @n + 1 WHERE id = 2',
        2,
      ],
      [
        'SET autocommit = 0; INSERT INTO t (id) VALUES (40); COMMIT; SET autocommit = 1; INSERT INTO t (id) VALUES (41)',
        2,
      ],
    ])('is nothing of %s', async (command, statements) => {
      const { outcome, rollbackSummary } = await database.run(command);
      expect(outcome).toMatchObject({ state: 'Succeeded' });
      expect(rollbackSummary).toEqual({ available: true, exact: true, statements });
    });

    it('is all of what the text itself keeps out of the log', async () => {
      const { outcome, result, rollbackSummary } = await database.run(
        'SET sql_log_bin = 0; INSERT INTO t (id) VALUES (50)',
        { result_format: 'json' },
      );
      expect(outcome).toMatchObject({ state: 'Succeeded' });
      expect(rollbackSummary).toMatchObject({ available: false, exact: false });
      expect(result.toString()).toContain('sql_log_bin is 0');
      const asked = await database.run('SET sql_log_bin = 0; INSERT INTO t (id) VALUES (51)', {
        exec_options: { backup: true },
      });
      expect(asked.outcome).toMatchObject({ state: 'Failed', reason: 'BackupNotPossible' });
      expect(await database.values('SELECT id FROM t WHERE id = 51')).toEqual([]);
    });

    it('is told of what a failed statement leaves in a table without transactions', async () => {
      const { outcome, rollbackSummary } = await database.run('INSERT INTO mine VALUES (7, 7), (1, 1)');
      expect(outcome).toMatchObject({ state: 'Failed', reason: 'StatementFailed' });
      expect(await database.values('SELECT id FROM mine WHERE id = 7')).toEqual([7]);
      expect(rollbackSummary).toMatchObject({ available: false, exact: false });
      expect(rollbackSummary?.message).toMatch(/could be rolled back/);
    });

    it('is told in the result of each statement', async () => {
      const { result } = await database.run(
        'CREATE TABLE said (id INT); INSERT INTO said VALUES (1); UPDATE said SET id = 1; SELECT * FROM said; UPDATE logged SET n = 9',
      );
      const told = result.toString().match(/^Rollback SQL: .*$/gm);
      expect(told).toEqual([
        'Rollback SQL: (not exact: only by hand: it drops whatever rows the table has by then) DROP TABLE `said`',
        `Rollback SQL: DELETE FROM \`${database.name}\`.\`said\` WHERE \`id\`<=>1 LIMIT 1;`,
        'Rollback SQL: (none: nothing was changed)',
        expect.stringMatching(/^Rollback SQL: \(not exact: .*trigger tr.*\) .*DELETE FROM .*`log`/),
      ]);
    });
  },
);
