import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { service } from '../../../../test/services/service.ts';
import { TestDatabase } from '../testing/test-database.ts';

describe.each(['mysql', 'mariadb'] as const)('the backup of a task on %s', (flavour) => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await TestDatabase.create(await service(flavour));
  });
  afterAll(() => database.drop());

  const rollBack = (script: Buffer, params: Record<string, unknown> = {}): ReturnType<TestDatabase['run']> =>
    database.run(script.toString(), { rollback_of: 'task-1', ...params });

  it('undoes inserts, updates and deletes, the newest first', async () => {
    await database.witness.query(`CREATE TABLE a (id INT PRIMARY KEY, name VARCHAR(20))`);
    await database.witness.query(`INSERT INTO a VALUES (1, 'one'), (2, 'two')`);
    const done = await database.run(
      `INSERT INTO a VALUES (3, 'three'); UPDATE a SET name = 'deux' WHERE id = 2; DELETE FROM a WHERE id IN (1, 3)`,
    );
    expect(done.outcome).toMatchObject({ state: 'Succeeded' });
    expect(done.rollbackSummary).toEqual({ available: true, exact: true, statements: 4 });
    expect(done.result.toString()).toContain(
      `Rollback SQL: UPDATE \`${database.name}\`.\`a\` SET \`name\`=_utf8mb4 0x74776F WHERE \`id\`=2 /*guard*/`,
    );
    const undone = await rollBack(done.rollback);
    expect(undone.outcome).toMatchObject({ state: 'Succeeded' });
    expect(await database.values(`SELECT CONCAT(id, name) FROM a ORDER BY id`)).toEqual(['1one', '2two']);
    // It is a task with a backup like any other.
    expect(undone.rollbackSummary).toEqual({ available: true, exact: true, statements: 4 });
    await rollBack(undone.rollback);
    expect(await database.values(`SELECT CONCAT(id, name) FROM a ORDER BY id`)).toEqual(['2deux']);
  });
});
