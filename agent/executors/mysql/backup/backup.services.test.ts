import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HoldingProxy } from '../../../../test/services/holding-proxy.ts';
import { hasServices, service } from '../../../../test/services/service.ts';
import { TestDatabase } from '../testing/test-database.ts';

describe.each((['mysql', 'mariadb'] as const).filter((name) => hasServices(name)))(
  'the backup of a task on %s',
  (flavour) => {
    let database: TestDatabase;

    beforeAll(async () => {
      database = await TestDatabase.create(await service(flavour));
    });
    afterAll(() => database?.drop());

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

    it('knows from the log what was committed when the answer to COMMIT is lost', async () => {
      await database.witness.query('CREATE TABLE lost (id INT PRIMARY KEY)');
      const proxy = new HoldingProxy(database.server, 'COMMIT');
      const target = database.target({ host: '127.0.0.1', port: await proxy.listen() });
      const done = await database.run('INSERT INTO lost VALUES (1)', { target, exec_options: { timeout_ms: 2000 } });
      await proxy.close();
      expect(done.outcome).toMatchObject({ state: expect.stringMatching(/Failed|Succeeded/) as string });
      expect(done.rollbackSummary).toEqual({ available: true, exact: true, statements: 1 });
      expect(done.result.toString()).toContain('Rollback SQL: DELETE FROM');
      await rollBack(done.rollback);
      expect(await database.values('SELECT id FROM lost')).toEqual([]);
    });

    it('is there of what was committed when the task is stopped in that moment', async () => {
      await database.witness.query('CREATE TABLE stopped (id INT PRIMARY KEY)');
      const stop = new AbortController();
      const inserts = Array.from({ length: 300 }, (_, id) => `INSERT INTO stopped VALUES (${id})`);
      let commits = 0;
      const { outcome, rollbackSummary } = await database.run(
        inserts.join(';'),
        { exec_options: { trans_batch_size: 1 } },
        {
          signal: stop.signal,
          onEvidence: (text) => {
            if (text.startsWith('COMMIT')) commits += 1;
            if (commits === 20) setTimeout(() => stop.abort(), 1);
          },
        },
      );
      expect(outcome.state).toBe('Failed');
      const rows = (await database.values('SELECT id FROM stopped')).length;
      expect(rows).toBeGreaterThanOrEqual(19);
      expect(rollbackSummary).toEqual({ available: true, exact: true, statements: rows });
    });

    it('says that it has none of a server that falls silent, and lets the task end', async () => {
      await database.witness.query('CREATE TABLE silent (id INT PRIMARY KEY)');
      const proxy = new HoldingProxy(database.server, 'SHOW GRANTS');
      const target = database.target({ host: '127.0.0.1', port: await proxy.listen() });
      const done = await database.run('INSERT INTO silent VALUES (1)', { target, exec_options: { timeout_ms: 4000 } });
      await proxy.close();
      expect(proxy.seen).toBe(1);
      expect(done.outcome).toMatchObject({ state: 'Failed', reason: 'TimeoutExceeded' });
      expect(done.rollbackSummary).toMatchObject({ available: false });
    });
  },
);
