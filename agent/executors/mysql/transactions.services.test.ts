import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import type { Execution } from '../../conformance/executor.ts';
import { TestDatabase } from './testing/test-database.ts';

const SERVERS = ['mysql', 'mariadb'] as const;

describe.each(SERVERS.filter((name) => hasServices(name)))('MysqlExecutor and transactions on %s', (server) => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await TestDatabase.create(await service(server));
    await database.witness.query('CREATE TABLE t (a int primary key) ENGINE InnoDB');
    await database.witness.query('CREATE TABLE loose (a int) ENGINE MyISAM');
  });
  beforeEach(async () => {
    for (const table of ['t', 'loose']) await database.witness.query(`DELETE FROM ${table}`);
    for (const table of ['ddl', 'ends']) await database.witness.query(`DROP TABLE IF EXISTS ${table}`);
    for (const name of ['p', 'half', 'q']) await database.witness.query(`DROP PROCEDURE IF EXISTS ${name}`);
  });
  afterAll(() => database?.drop());

  const run = (command: string, options: Record<string, unknown> = {}): Promise<Execution> =>
    database.run(command, { exec_options: { backup: false, ...options } });
  const failure = ({ outcome }: Execution): string => (outcome.state === 'Failed' ? outcome.message : '');
  const stored = (): Promise<unknown[]> => database.values('SELECT a FROM t ORDER BY a');
  const statuses = ({ result }: Execution): string[] =>
    [...result.toString().matchAll(/^Status: (.*)$/gm)].map(([, status]) => status ?? '');

  it('keeps the batches before a failure, rolls back its own, and says so', async () => {
    const execution = await run(
      'INSERT INTO t VALUES (1);\nINSERT INTO t VALUES (2);\nINSERT INTO t VALUES (3);\nINSERT INTO t VALUES (1);\nSELECT 1',
      { trans_batch_size: 2 },
    );
    expect(execution.outcome).toMatchObject({ state: 'Failed', reason: 'StatementFailed' });
    expect(failure(execution)).toMatch(
      /^SQL execution failed: Statement 4: ERROR - Duplicate entry '1' for key '[^']+'\nSQL: INSERT INTO t VALUES \(1\)\nSQLSTATE: 23000, error 1062, line 4\nStatements 1-2 were committed\. Statement 3 was rolled back\.$/,
    );
    expect(await stored()).toEqual([1, 2]);
    const success = 'Execute Successfully';
    expect(statuses(execution)).toEqual([success, success, 'Rolled back', 'Execute failed']);
  });

  it('makes a transaction of each batch, and sleeps between them', async () => {
    const since = performance.now();
    await run('INSERT INTO t VALUES (1); INSERT INTO t VALUES (2); INSERT INTO t VALUES (3)', {
      trans_batch_size: 1,
      sleep_ms: 150,
    });
    expect(performance.now() - since).toBeGreaterThanOrEqual(300);
    expect(await stored()).toEqual([1, 2, 3]);
  });

  it('executes all in one transaction when exec_options asks for it', async () => {
    const execution = await run('INSERT INTO t VALUES (1); INSERT INTO t VALUES (2); INSERT INTO t VALUES (1)', {
      transaction: true,
      trans_batch_size: 1,
    });
    expect(failure(execution)).toContain('Statements 1-2 were rolled back.');
    expect(await stored()).toEqual([]);
  });

  it.each(['BEGIN', 'COMMIT', 'ROLLBACK', 'CREATE TABLE x (a int)', 'LOCK TABLES t WRITE', "XA START 'x'"])(
    'refuses %s when all is to be in one transaction',
    async (statement) => {
      const execution = await run(`INSERT INTO t VALUES (1); ${statement}`, { transaction: true });
      expect(failure(execution)).toMatch(/exec_options\.transaction executes the whole text in one transaction/);
      expect(await stored()).toEqual([]);
    },
  );

  it('ends well with a transaction that only AND CHAIN has begun', async () => {
    const execution = await run('BEGIN; INSERT INTO t VALUES (1); COMMIT AND CHAIN');
    expect(execution.outcome).toMatchObject({ state: 'Succeeded' });
    expect(await stored()).toEqual([1]);
    expect((await run('SET autocommit = 0; INSERT INTO t VALUES (2)')).outcome).toMatchObject({ state: 'Failed' });
    expect(await stored()).toEqual([1]);
  });

  it('executes by themselves what commits by itself, and says that DDL before a failure stays', async () => {
    const execution = await run(
      'INSERT INTO t VALUES (1); CREATE TABLE ddl (a int); INSERT INTO t VALUES (2); SELECT * FROM nowhere',
    );
    expect(failure(execution)).toContain('Statements 1-2 were committed. Statement 3 was rolled back.');
    expect(await stored()).toEqual([1]);
    expect(await database.values("SHOW TABLES LIKE 'ddl'")).toEqual(['ddl']);
    await database.witness.query('DROP TABLE ddl');
  });

  it('lets a SELECT see what its batch has changed', async () => {
    const execution = await run('INSERT INTO t VALUES (7); SELECT a FROM t; INSERT INTO t VALUES (8)');
    expect(execution.result.toString()).toContain('---\n 7\n(1 row)');
    expect(await stored()).toEqual([7, 8]);
  });

  it.each([1, 2, 200])('tells what the last change did, in batches of %i', async (size) => {
    const execution = await database.run(
      'INSERT INTO t VALUES (1), (2); SELECT ROW_COUNT() AS n; INSERT IGNORE INTO t VALUES (1), (9); SHOW WARNINGS; SELECT 1; INSERT INTO t VALUES (10)',
      { exec_options: { trans_batch_size: size } },
    );
    expect(execution.result.toString()).toMatch(/ n\n---\n 2\n\(1 row\)/);
    expect(execution.result.toString()).toContain("Duplicate entry '1'");
    expect(execution.log).toContainEqual({
      level: 'info',
      message: expect.stringMatching(/^\[EXECUTED\] .* \(Order ID: 3\) .*s\) \(Warnings: 1\)$/) as string,
    });
    expect(await stored()).toEqual([1, 2, 9, 10]);
  });

  describe('of the text itself', () => {
    it('are its batches, whatever the size asked for', async () => {
      const execution = await run(
        'BEGIN; INSERT INTO t VALUES (1); INSERT INTO t VALUES (2); COMMIT; START TRANSACTION; INSERT INTO t VALUES (3); INSERT INTO t VALUES (1); COMMIT',
        { trans_batch_size: 1 },
      );
      expect(failure(execution)).toContain('Statements 1-4 were committed. Statements 5-6 were rolled back.');
      expect(await stored()).toEqual([1, 2]);
    });

    it('commit what stands before them', async () => {
      const execution = await run('INSERT INTO t VALUES (1); BEGIN; INSERT INTO t VALUES (2); ROLLBACK');
      expect(execution.outcome.state).toBe('Succeeded');
      expect(await stored()).toEqual([1]);
      expect(statuses(execution)).toEqual(['Execute Successfully', ...['Rolled back', 'Rolled back', 'Rolled back']]);
    });

    it('may be chained', async () => {
      await run(
        'BEGIN; INSERT INTO t VALUES (1); COMMIT AND CHAIN; INSERT INTO t VALUES (2); ROLLBACK AND CHAIN; INSERT INTO t VALUES (3); COMMIT',
      );
      expect(await stored()).toEqual([1, 3]);
    });

    it('have savepoints', async () => {
      await run(
        'BEGIN; INSERT INTO t VALUES (1); SAVEPOINT s; INSERT INTO t VALUES (2); ROLLBACK TO SAVEPOINT s; INSERT INTO t VALUES (3); COMMIT',
      );
      expect(await stored()).toEqual([1, 3]);
    });

    it('fail the task when the text does not end them', async () => {
      const execution = await run('BEGIN;\nINSERT INTO t VALUES (1)');
      expect(failure(execution)).toContain(
        'the text ends without COMMIT in the transaction that statement 1 begins in line 1',
      );
      expect(await stored()).toEqual([]);
    });

    it('are ended by DDL', async () => {
      const execution = await run(
        'BEGIN; INSERT INTO t VALUES (1); CREATE TABLE ends (a int); INSERT INTO t VALUES (1)',
      );
      expect(failure(execution)).toContain('Statements 1-3 were committed.');
      expect(await stored()).toEqual([1]);
      await database.witness.query('DROP TABLE ends');
    });

    it('are open without BEGIN while autocommit is off', async () => {
      const rolledBack = await run('SET autocommit = 0; INSERT INTO t VALUES (1); INSERT INTO t VALUES (1)');
      expect(failure(rolledBack)).toContain('Statement 1 was committed. Statement 2 was rolled back.');
      expect(await stored()).toEqual([]);
      const committed = await run(
        'SET autocommit = 0; INSERT INTO t VALUES (1); COMMIT; INSERT INTO t VALUES (2); SET autocommit = 1; INSERT INTO t VALUES (3); INSERT INTO t VALUES (3)',
        { trans_batch_size: 1 },
      );
      expect(failure(committed)).toContain('Statements 1-6 were committed.');
      expect(await stored()).toEqual([1, 2, 3]);
      const open = await run('SET autocommit = 0; INSERT INTO t VALUES (9)');
      expect(failure(open)).toContain('the text ends without COMMIT');
      expect(await stored()).toEqual([1, 2, 3]);
    });

    it('may be of XA, and left prepared', async () => {
      const id = database.name;
      const execution = await database.run(
        `XA START '${id}'; INSERT INTO t VALUES (1); XA END '${id}'; XA PREPARE '${id}'`,
        { exec_options: { backup: false }, result_format: 'json' },
      );
      expect(JSON.parse(execution.result.toString())).toMatchObject({
        ...{ success: true, committed: [], prepared: [[1, 4]], rolled_back: [] },
      });
      expect(await stored()).toEqual([]);
      // The connection that prepared it is back in the pool, or closed.
      await database.run(`XA COMMIT '${id}'`);
      expect(await stored()).toEqual([1]);
    });

    it('may be of XA', async () => {
      const committed = await run(
        "XA START 'x'; INSERT INTO t VALUES (1); XA END 'x'; XA PREPARE 'x'; XA COMMIT 'x'; INSERT INTO t VALUES (1)",
      );
      expect(failure(committed)).toContain("Duplicate entry '1'");
      expect(await stored()).toEqual([1]);
      const failed = await run("XA START 'y'; INSERT INTO t VALUES (2); INSERT INTO t VALUES (2)");
      expect(failure(failed)).toContain('Statements 1-2 were rolled back.');
      await expect.poll(stored).toEqual([1]);
    });
  });

  it('commits nothing at a ROLLBACK without BEGIN', async () => {
    const execution = await run('INSERT INTO t VALUES (1); ROLLBACK', { trans_batch_size: 2 });
    expect(failure(execution)).toContain('there is no BEGIN before it');
    expect(await stored()).toEqual([]);
  });

  it('keeps the locks of LOCK TABLES', async () => {
    const execution = await run(
      'LOCK TABLES t WRITE; INSERT INTO t VALUES (1); SELECT a FROM loose; UNLOCK TABLES; INSERT INTO t VALUES (2)',
    );
    expect(failure(execution)).toMatch(/Statement 3: ERROR - Table 'loose' was not locked with LOCK TABLES/);
    expect(await stored()).toEqual([1]);
  });

  it('says what a ROLLBACK could not undo', async () => {
    const execution = await run('INSERT INTO loose VALUES (1); INSERT INTO t VALUES (1); INSERT INTO t VALUES (1)');
    expect(failure(execution)).toMatch(
      /Statements 1-2 were rolled back\.\nNot everything could be rolled back: Some non-transactional changed tables couldn't be rolled back\.$/,
    );
    await database.witness.query('DELETE FROM loose');
  });

  it('executes procedures, whatever they give and commit', async () => {
    await database.witness.query(
      'CREATE PROCEDURE p() BEGIN SELECT 1 AS one; INSERT INTO t VALUES (1); COMMIT; SELECT 2 AS two; END',
    );
    const execution = await run('INSERT INTO t VALUES (5); CALL p(); BEGIN; INSERT INTO t VALUES (6); CALL nowhere()');
    expect(execution.result.toString()).toMatch(/ one\n-----\n {3}1\n\(1 row\)\n\nOrder ID: 2, result 2\n two\n-----/);
    expect(failure(execution)).toContain('Statements 1-2 were committed. Statements 3-4 were rolled back.');
    expect(await stored()).toEqual([1, 5]);
  });

  it('says that a procedure that fails may have committed', async () => {
    await database.witness.query(
      'CREATE PROCEDURE half() BEGIN INSERT INTO t VALUES (1); INSERT INTO t VALUES (1); END',
    );
    const execution = await run('CALL half()');
    expect(failure(execution)).toContain('What it had changed before is committed, unless it has a transaction');
    expect(await stored()).toEqual([1]);
    expect(failure(await run('CALL nowhere()'))).not.toContain('What it had changed');
  });

  it('executes definitions of routines behind DELIMITER', async () => {
    const execution = await run(
      'DELIMITER $$\nCREATE PROCEDURE q() BEGIN INSERT INTO t VALUES (1); INSERT INTO t VALUES (2); END$$\nDELIMITER ;\nCALL q();',
    );
    expect([failure(execution), await stored()]).toEqual(['', [1, 2]]);
  });

  it('keeps what a text sets, and leaves nothing of it in its connection', async () => {
    const first = await run(
      'SET @x = 5; USE mysql; SET SESSION sql_mode = ""; SET NAMES utf8mb3; CREATE TEMPORARY TABLE gone (a int); SELECT @x, DATABASE(), GET_LOCK("tiangong", 0), CONNECTION_ID()',
    );
    expect(first.result.toString()).toMatch(/ 5 +\| mysql +\| +1 \| +\d+/);
    const second = await run(
      `SELECT @x, DATABASE() = '${database.name}', @@sql_mode = @@global.sql_mode, @@character_set_client, @@autocommit, IS_FREE_LOCK("tiangong"), CONNECTION_ID(); SELECT * FROM gone`,
    );
    expect(second.result.toString()).toMatch(/ NULL +\| +1 \| +1 \| utf8mb4 +\| +1 \| +1 \|/);
    const id = (execution: Execution): string | undefined => / (\d+)\n\(1 row\)/.exec(execution.result.toString())?.[1];
    expect(id(second)).toBe(id(first));
    expect(failure(second)).toMatch(/gone' doesn't exist/);
  });

  it('leaves no role in its connection', async () => {
    const role = `role_${database.name.slice(-8)}`;
    await database.witness.query(`DROP ROLE IF EXISTS ${role}`);
    await database.witness.query(`CREATE ROLE ${role}`);
    await database.witness.query(`GRANT ${role} TO ${database.name}`);
    await run(`SET ROLE ${role}`);
    const { result } = await run('SELECT COALESCE(CURRENT_ROLE(), "NONE") AS role');
    expect(result.toString()).toMatch(/ NONE\n\(1 row\)$/);
    await database.witness.query(`DROP ROLE ${role}`);
  });

  it('refuses text that the session would take for another character set', async () => {
    const execution = await run("SET NAMES latin1; SELECT 'ascii'; SELECT 'é'");
    expect(failure(execution)).toContain(
      'Statement 3: ERROR - character_set_client is latin1, but the text is sent in UTF-8',
    );
  });
});
