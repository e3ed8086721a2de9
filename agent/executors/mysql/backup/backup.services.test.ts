import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { HoldingProxy } from '../../../../test/services/holding-proxy.ts';
import { hasServices, service } from '../../../../test/services/service.ts';
import { execute } from '../../../conformance/executor.ts';
import type { Execution } from '../../../conformance/executor.ts';
import { TaskAborted } from '../../executor.ts';
import { MysqlExecutor } from '../mysql-executor.ts';
import { TestDatabase } from '../testing/test-database.ts';

describe.each((['mysql', 'mariadb'] as const).filter((name) => hasServices(name)))(
  'the backup of a task on %s',
  (flavour) => {
    let database: TestDatabase;
    let executor: MysqlExecutor;

    beforeEach(async () => {
      database = await TestDatabase.create(await service(flavour));
      // A statement without an answer is waited for as long as an agent does.
      executor = new MysqlExecutor({ connections: new Map(), spoolFolder: database.spoolFolder });
    });
    afterEach(async () => {
      await executor.close();
      await database?.drop();
    });

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

    /** Runs a task by way of the proxy, and cancels it when the proxy holds an answer back and what was asked is done. */
    async function cancelHeld(proxy: HoldingProxy, command: string, done: () => Promise<boolean>): Promise<Execution> {
      const target = database.target({ host: '127.0.0.1', port: await proxy.listen() });
      onTestFinished(() => proxy.close());
      const stop = new AbortController();
      const running = execute(executor, database.work(command, { target }, { signal: stop.signal }));
      await vi.waitUntil(async () => proxy.seen > 0 && (await done()));
      stop.abort(new TaskAborted('User', 'canceled by user'));
      return running;
    }

    it('knows from the log what was committed when the answer to COMMIT is lost', async () => {
      await database.witness.query('CREATE TABLE lost (id INT PRIMARY KEY)');
      const isCommitted = async (): Promise<boolean> => (await database.values('SELECT id FROM lost')).length > 0;
      const done = await cancelHeld(
        new HoldingProxy(database.server, 'COMMIT'),
        'INSERT INTO lost VALUES (1)',
        isCommitted,
      );
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
      const done = await cancelHeld(proxy, 'INSERT INTO silent VALUES (1)', () => Promise.resolve(true));
      expect(proxy.seen).toBe(1);
      expect(done.outcome).toMatchObject({ state: 'Failed', reason: 'Aborted' });
      expect(done.rollbackSummary).toMatchObject({ available: false });
    });
  },
);
