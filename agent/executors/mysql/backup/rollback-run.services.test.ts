import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../../test/services/service.ts';
import { TestDatabase } from '../testing/test-database.ts';

describe.each((['mysql', 'mariadb'] as const).filter((name) => hasServices(name)))('a rollback on %s', (flavour) => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await TestDatabase.create(await service(flavour));
  });
  afterAll(() => database?.drop());
  beforeEach(async () => {
    await database.witness.query('DROP TABLE IF EXISTS a');
    await database.witness.query('CREATE TABLE a (id INT PRIMARY KEY, name VARCHAR(20), n INT)');
    await database.witness.query(`INSERT INTO a VALUES (1, 'one', 1), (2, 'two', 2), (3, 'three', 3)`);
  });

  const rollBack = (script: Buffer, params: Record<string, unknown> = {}): ReturnType<TestDatabase['run']> =>
    database.run(script.toString(), { rollback_of: 'task-1', ...params });
  const rows = (): Promise<unknown[]> => database.values(`SELECT CONCAT_WS(':', id, name, n) FROM a ORDER BY id`);

  it.each([
    [
      `UPDATE a SET name = 'mine' WHERE id < 3`,
      `UPDATE a SET n = 7 WHERE id = 1`,
      ['1:mine:7', '2:mine:2', '3:three:3'],
    ],
    [`UPDATE a SET name = 'mine' WHERE id < 3`, `DELETE FROM a WHERE id = 2`, ['1:mine:1', '3:three:3']],
    [`INSERT INTO a VALUES (4, 'four', 4)`, `UPDATE a SET name = 'Four' WHERE id = 4`, undefined],
    [`DELETE FROM a WHERE id = 2`, `INSERT INTO a VALUES (2, 'theirs', 0)`, undefined],
    [`UPDATE a SET name = 'mine' WHERE id = 1`, `ALTER TABLE a DROP COLUMN name`, []],
  ])('leaves all as it is after %s and then %s of another', async (mine, theirs, expected) => {
    const done = await database.run(mine);
    await database.witness.query(theirs);
    const before = expected?.length === 0 ? [] : await rows();
    const undone = await rollBack(done.rollback);
    expect(undone.outcome).toMatchObject({ state: 'Failed', reason: 'RollbackConflict' });
    expect(undone.outcome.message).toMatch(/the row is not as the task left it: .*params\.force overwrites/s);
    if (expected?.length !== 0) expect(await rows()).toEqual(expected ?? before);
  });

  it('names the row that another has changed', async () => {
    const done = await database.run(`UPDATE a SET name = 'mine' WHERE id = 2`);
    await database.witness.query(`UPDATE a SET n = 9 WHERE id = 2`);
    const { outcome } = await rollBack(done.rollback);
    expect(outcome.message).toContain(
      `\`${database.name}\`.\`a\` WHERE \`id\`=2: it has been changed or deleted since`,
    );
  });

  it('overwrites what others have changed when it is forced', async () => {
    const done = await database.run(
      `UPDATE a SET name = 'mine' WHERE id = 1; DELETE FROM a WHERE id = 2; INSERT INTO a VALUES (4, 'four', 4); UPDATE a SET n = 0 WHERE id = 3`,
    );
    await database.witness.query(`UPDATE a SET name = 'theirs', n = 7 WHERE id = 1`);
    await database.witness.query(`INSERT INTO a VALUES (2, 'again', 8)`);
    await database.witness.query(`UPDATE a SET name = 'theirs' WHERE id = 4`);
    await database.witness.query(`DELETE FROM a WHERE id = 3`);
    const undone = await rollBack(done.rollback, { force: true });
    expect(undone.outcome).toMatchObject({ state: 'Succeeded' });
    expect(await rows()).toEqual(['1:one:7', '2:two:2']);
    expect(undone.log.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
      expect.stringContaining('WHERE `id`=3'),
    ]);
  });

  it('is one transaction, of many rows too', async () => {
    const done = await database.run(`UPDATE a SET n = n + 10`, {});
    await database.witness.query(`UPDATE a SET n = 99 WHERE id = 1`);
    const undone = await rollBack(done.rollback, { exec_options: { trans_batch_size: 1 } });
    expect(undone.outcome).toMatchObject({ reason: 'RollbackConflict' });
    expect(await rows()).toEqual(['1:one:99', '2:two:12', '3:three:13']);
    expect(undone.rollbackSummary).toMatchObject({ available: false });
  });

  it('does not run a script that is not exact unless it is forced', async () => {
    const done = await database.run(`UPDATE a SET n = 5 WHERE id = 1; CREATE TABLE b (id INT); DROP TABLE b`);
    expect(done.rollbackSummary).toMatchObject({ available: true, exact: false, statements: 1 });
    const refused = await rollBack(done.rollback);
    expect(refused.outcome).toMatchObject({ state: 'Failed', reason: 'RollbackNotExact' });
    expect(await rows()).toContain('1:one:5');
    expect((await rollBack(done.rollback, { force: true })).outcome).toMatchObject({ state: 'Succeeded' });
    expect(await rows()).toContain('1:one:1');
  });
});
