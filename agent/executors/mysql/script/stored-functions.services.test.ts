import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../../test/services/service.ts';
import { TestDatabase } from '../testing/test-database.ts';

const SERVERS = (['mysql', 'mariadb'] as const).filter((name) => hasServices(name));

describe.each(SERVERS)('a stored function that changes rows, on %s', (server) => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await TestDatabase.create(await service(server));
    for (const statement of [
      'CREATE TABLE t (id INT PRIMARY KEY, n INT)',
      'CREATE FUNCTION `writ``es`(x INT) RETURNS INT DETERMINISTIC MODIFIES SQL DATA BEGIN UPDATE t SET n = n + 1 WHERE id = x; RETURN 1; END',
      'CREATE PROCEDURE adds() UPDATE t SET n = n + 10',
    ])
      await database.witness.query(statement);
  });
  beforeEach(() => database.witness.query('REPLACE INTO t VALUES (1, 1), (2, 2)'));
  afterAll(() => database?.drop());

  const rows = (): Promise<unknown[]> => database.values(`SELECT CONCAT(id, ':', n) FROM t ORDER BY id`);

  it.each([
    'SELECT `writ``es`(1)',
    'SET @x = `writ``es`(1)',
    'SELECT x.id, `writ``es` (x.id) FROM (SELECT 1 AS id) AS x',
  ])('is backed up when it is called by %s', async (command) => {
    const done = await database.run(`${command}; UPDATE t SET n = 9 WHERE id = 2`);
    expect(done.outcome).toMatchObject({ state: 'Succeeded' });
    expect(await rows()).toEqual(['1:2', '2:9']);
    expect(done.rollbackSummary).toEqual({ available: true, exact: true, statements: 2 });
    const undone = await database.run(done.rollback.toString(), { rollback_of: 'task-1' });
    expect(undone.outcome).toMatchObject({ state: 'Succeeded' });
    expect(await rows()).toEqual(['1:1', '2:2']);
  });

  it.each([
    'SELECT `writ``es`(1)',
    'CALL adds()',
    'UPDATE t SET n = 7; CREATE TEMPORARY TABLE own (id INT); DROP TEMPORARY TABLE own',
  ])('leaves nothing of %s when the one transaction of the text fails', async (command) => {
    const { outcome } = await database.run(`${command}; INSERT INTO t VALUES (1, 0)`, {
      exec_options: { transaction: true },
    });
    expect(outcome).toMatchObject({ state: 'Failed', reason: 'StatementFailed' });
    expect(await rows()).toEqual(['1:1', '2:2']);
  });

  it('lets no setting commit the one transaction of the text', async () => {
    const { outcome } = await database.run('UPDATE t SET n = 7; SET autocommit = 0; UPDATE t SET n = 8', {
      exec_options: { transaction: true },
    });
    expect(outcome.message).toContain('put it before the first change');
    expect(await rows()).toEqual(['1:1', '2:2']);
  });
});
