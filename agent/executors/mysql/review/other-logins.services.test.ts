import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { service } from '../../../../test/services/service.ts';
import { execute } from '../../../conformance/executor.ts';
import { DorisExecutor } from '../../doris/doris-executor.ts';
import { TestDatabase } from '../testing/test-database.ts';

describe.each(['mysql', 'mariadb'] as const)('a review on %s', (flavour) => {
  let database: TestDatabase;
  const poor = (): string => `${database.name}_poor`;

  beforeAll(async () => {
    database = await TestDatabase.create(await service(flavour));
    const { witness, name, password } = database;
    await witness.query('CREATE TABLE t (id INT PRIMARY KEY, a INT)');
    await witness.query('INSERT INTO t VALUES (1, 1)');
    await witness.query('CREATE VIEW v AS SELECT a FROM t');
    await witness.query(`CREATE USER ${poor()}@'%' IDENTIFIED BY '${password}'`);
    await witness.query(`GRANT SELECT, INSERT ON ${name}.* TO ${poor()}@'%'`);
  });
  afterAll(async () => {
    await database.witness.query(`DROP USER IF EXISTS ${poor()}@'%'`);
    await database.drop();
  });

  it('says what the login has no right to, and why there is no backup', async () => {
    const sql =
      'UPDATE t SET a = 2 WHERE id = 1; INSERT INTO t VALUES (2, 2); SELECT * FROM v; SELECT * FROM mysql.user';
    const { outcome, result } = await database.run(sql, {
      review: 'only',
      target: database.target({ user: poor() }),
    });
    expect(outcome).toMatchObject({ state: 'Succeeded' });
    const entries = String(result).split('\n\n');
    expect(entries).toHaveLength(4);
    expect(entries[0]).toMatch(/Error Level: 2\nError: AccessDenied: .*UPDATE command denied/);
    expect(entries[1]).toMatch(/Rollback SQL: \(none: .*(?:GRANT|may not|cannot)/);
    expect(entries[2]).not.toMatch(/Error/);
    expect(entries[3]).toMatch(/AccessDenied/);
    expect(String(result)).not.toContain(database.password);
  });

  it('ends with its deadline, and with a text that cannot be split', async () => {
    const late = await database.run('SELECT 1', { review: 'only' }, { signal: AbortSignal.abort(new Error('stop')) });
    expect(late.outcome.state).toBe('Failed');
    const broken = await database.run('SELECT 1; /* SELECT 2', { review: 'only' });
    expect(broken.outcome).toMatchObject({ state: 'Failed', reason: 'InvalidSQL' });
    expect(String(broken.result)).toMatch(/^Order ID: 1\nStage: CHECKED\n/);
  });

  it('asks Doris in its own way, and learns what it can', async () => {
    const doris = new DorisExecutor({ connections: new Map(), spoolFolder: database.spoolFolder });
    // A server of MySQL understands as much of it as Doris would.
    const { outcome, result } = await execute(
      doris,
      database.work('SELECT * FROM t; DELETE FROM t; SELECT * FROM nowhere; INSERT INTO t VALUES (1, 2)', {
        review: 'only',
      }),
    );
    await doris.close();
    expect(outcome).toMatchObject({ state: 'Succeeded' });
    const entries = String(result).split('\n\n');
    expect(entries[1]).toContain('NoWhere');
    expect(entries[1]).toContain('Rollback SQL: (none: Doris keeps no binary log)');
    expect(entries[2]).toContain('UnknownTable');
    expect(await database.values('SELECT COUNT(*) FROM t')).toEqual([1]);
  });

  it('goes to the log before each statement of a run, and refuses nothing', async () => {
    const { outcome, log } = await database.run(
      'CREATE TABLE run (id INT PRIMARY KEY, a INT); INSERT INTO run VALUES (1, 1), (2, 2); SELECT ROW_COUNT(); BEGIN; UPDATE run SET a = 3; COMMIT; DELETE FROM run WHERE id = 1 LIMIT 1; DROP TABLE run',
    );
    expect(outcome).toMatchObject({ state: 'Succeeded' });
    const said = log.filter(({ message }) => message.startsWith('[CHECKED]'));
    expect(said.map(({ level, message }) => `${level} ${message.replace(/: about.*|rows: \d+/i, '')}`)).toEqual([
      expect.stringMatching(/^info .*Order ID: 2\)/),
      expect.stringMatching(/^warn .*Order ID: 5\).*NoWhere: UPDATE without WHERE/),
      expect.stringMatching(/^warn .*Order ID: 7\).*LimitWithoutOrder/),
      expect.stringMatching(/^warn .*Order ID: 8\).*DropTable/),
    ]);
    const update = log.findIndex(({ message }) => /^\[CHECKED\].*Order ID: 5\)/.test(message));
    const executed = log.findIndex(({ message }) => /^\[EXECUTED\].*Order ID: 5\)/.test(message));
    expect(update).toBeLessThan(executed);
  });

  it('does not disturb what a run asks about its own statements', async () => {
    const { result } = await database.run(
      'INSERT INTO t VALUES (10, 1), (11, 1); SELECT ROW_COUNT() AS changed; DELETE FROM t WHERE id IN (10, 11)',
    );
    expect(String(result)).toMatch(/changed\n-+\n\s+2\n/);
  });
});
