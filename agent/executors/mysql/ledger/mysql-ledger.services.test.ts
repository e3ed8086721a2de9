import { randomUUID } from 'node:crypto';
import type { RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { hasServices, service } from '../../../../test/services/service.ts';
import type { Execution, Work } from '../../../conformance/executor.ts';
import { execute } from '../../../conformance/executor.ts';
import { TaskAborted } from '../../executor.ts';
import { serverProxy } from '../../database/testing/server-proxy.ts';
import { TestDatabase } from '../testing/test-database.ts';

describe.each(['mysql', 'mariadb'] as const)('The ledger of a task of %s', (name) => {
  describe.skipIf(!hasServices(name))('keeps what is committed', () => {
    let database: TestDatabase;
    let uid: string;

    beforeAll(async () => {
      database = await TestDatabase.create(await service(name));
    });
    afterAll(() => database?.drop());
    beforeEach(async () => {
      uid = randomUUID();
      await database.witness.query('DROP TABLE IF EXISTS notes');
      await database.witness.query('CREATE TABLE notes (a int)');
    });

    const run = (command: string, options: object = {}, changes: Partial<Work> = {}): Promise<Execution> =>
      database.run(command, { exec_options: { ledger: true, backup: false, ...options } }, { uid, ...changes });
    const resume = (command: string, options: object = {}, lookOnly?: string): Promise<Execution> =>
      run(command, options, { resumed: true, resumption: { evidence: undefined, lookOnly } });
    const notes = (): Promise<unknown[]> => database.values('SELECT a FROM notes ORDER BY a');
    const rows = async (): Promise<unknown[]> => {
      const [found] = await database.witness.query<RowDataPacket[]>(
        'SELECT first_statement AS first, last_statement AS last, state, affected_rows AS affected FROM tiangong.statement_ledger WHERE task_uid = ? AND statement_index > 0 ORDER BY statement_index',
        [uid],
      );
      return found;
    };
    const inserts = (...values: number[]): string => values.map((a) => `INSERT INTO notes VALUES (${a});`).join('\n');

    it('has a row in each transaction: batches, the text’s own, and single statements', async () => {
      const text = `${inserts(1, 2, 3)}\nBEGIN;\n${inserts(4)}\nCOMMIT;\nBEGIN;\n${inserts(5)}\nROLLBACK;\n${inserts(6)}`;
      const { outcome } = await run(text, { trans_batch_size: 2 });
      expect(outcome).toMatchObject({ state: 'Succeeded' });
      expect(await rows()).toEqual([
        { first: 1, last: 2, state: 'committed', affected: 2 },
        { first: 3, last: 3, state: 'committed', affected: 1 },
        { first: 4, last: 6, state: 'committed', affected: 1 },
        { first: 10, last: 10, state: 'committed', affected: 1 },
      ]);
      uid = randomUUID();
      expect((await run(inserts(7, 8), { trans_batch_size: 1 })).outcome.state).toBe('Succeeded');
      expect(await rows()).toMatchObject([{ last: 1 }, { last: 2 }]);
      expect(await notes()).toEqual([1, 2, 3, 4, 6, 7, 8]);
    });

    it('keeps before and after what commits by itself', async () => {
      await database.witness.query('CREATE OR REPLACE VIEW seen AS SELECT 1').catch(() => undefined);
      const text = `${inserts(1)}\nALTER TABLE notes ADD COLUMN b int;\nLOCK TABLES notes WRITE;\nINSERT INTO notes VALUES (2, 2);\nUNLOCK TABLES`;
      expect((await run(text)).outcome).toMatchObject({ state: 'Succeeded' });
      expect(await rows()).toMatchObject([
        { last: 1, state: 'committed' },
        { last: 2, state: 'done' },
        { last: 3, state: 'done' },
        { last: 4, state: 'done', affected: 1 },
        { last: 5, state: 'done' },
      ]);
      uid = randomUUID();
      expect((await run('DROP TABLE not_here')).outcome.state).toBe('Failed');
      expect(await rows()).toEqual([]);
    });

    it('says of a CALL after a batch nothing before it is sent', async () => {
      await database.witness.query('CREATE PROCEDURE IF NOT EXISTS noted() INSERT INTO notes VALUES (100)');
      const aborting = new AbortController();
      const running = run(`${inserts(1, 2)}\nCALL noted()`, { sleep_ms: 600_000 }, { signal: aborting.signal });
      await expect.poll(rows).toEqual([{ first: 1, last: 2, state: 'committed', affected: 2 }]);
      aborting.abort(new TaskAborted('User', 'canceled by user'));
      expect((await running).outcome.state).toBe('Failed');
      expect(await notes()).toEqual([1, 2]);
    });

    it('keeps before a CALL that it is sent, in a transaction of the whole text as well', async () => {
      await database.witness.query(
        'CREATE PROCEDURE IF NOT EXISTS ended() BEGIN INSERT INTO notes VALUES (5); COMMIT; SELECT SLEEP(600); END',
      );
      const aborting = new AbortController();
      const running = run('CALL ended()', { transaction: true }, { signal: aborting.signal });
      await expect.poll(notes).toEqual([5]);
      expect(await rows()).toMatchObject([{ last: 1, state: 'started' }]);
      aborting.abort(new TaskAborted('User', 'canceled by user'));
      await running;
    });

    it('lets a resumed run execute what is left, and only that, with its settings', async () => {
      const other = `${database.name}_other`;
      await database.witness.query(`DROP DATABASE IF EXISTS ${other}`);
      await database.witness.query(`CREATE DATABASE ${other}`);
      onTestFinished(async () => {
        await database.witness.query(`DROP DATABASE IF EXISTS ${other}`);
      });
      await database.witness.query(`CREATE TABLE ${other}.things (a int)`);
      const text = `${inserts(1, 2)}\nUSE ${other};\nINSERT INTO things VALUES (3);\nINSERT INTO later VALUES (4);\nINSERT INTO things VALUES (5)`;
      expect((await run(text, { trans_batch_size: 1 })).outcome.state).toBe('Failed');
      await database.witness.query(`CREATE TABLE ${other}.later (a int)`);
      const resumed = await resume(text, { trans_batch_size: 1 });
      expect(resumed.outcome).toMatchObject({ state: 'Succeeded' });
      expect(resumed.result.toString()).toMatch(
        /^Order IDs: 1-4\nStage: EXECUTED\nStatus: Execute Successfully \(committed before the agent restarted\)\nAffected Rows: 3\n\nOrder ID: 5\n/,
      );
      expect((await resume(text, { trans_batch_size: 1 })).outcome.state).toBe('Succeeded');
      expect(await notes()).toEqual([1, 2]);
      expect(await database.values(`SELECT a FROM ${other}.things`)).toEqual([3, 5]);
      expect(await database.values(`SELECT a FROM ${other}.later`)).toEqual([4]);
    });

    it.each([
      ['ALTER TABLE notes ADD COLUMN b int', true],
      ['CREATE TABLE made (a int)', true],
      ['DROP TABLE notes', true],
      ['CREATE INDEX a ON notes (a)', true],
      ['TRUNCATE TABLE notes', false],
    ])('finds out whether %s was executed when the agent died in it', async (statement, canTell) => {
      const text = `${inserts(1)}\n${statement};\nSELECT 1`;
      await database.witness.query('DROP TABLE IF EXISTS made');
      expect((await run(text)).outcome.state).toBe('Succeeded');
      const begun = `UPDATE tiangong.statement_ledger SET state = 'started' WHERE task_uid = '${uid}' AND statement_index = 2`;
      await database.witness.query(begun);
      const executed = await resume(text);
      expect(executed.outcome.state, executed.outcome.message).toBe(canTell ? 'Succeeded' : 'Unknown');
      if (!canTell) expect(executed.outcome.message).toContain('statement 2 was begun before the agent restarted');
      // Now it was begun, but never executed.
      await database.witness.query('DROP TABLE IF EXISTS made, notes');
      await database.witness.query('CREATE TABLE notes (a int)');
      await database.witness.query(begun);
      const again = await resume(text);
      expect(again.outcome.state, again.outcome.message).toBe(canTell ? 'Succeeded' : 'Unknown');
    });

    it.each([{}, { transaction: true }])('keeps what a procedure does: %j', async (options) => {
      await database.witness.query('DROP PROCEDURE IF EXISTS adds');
      await database.witness.query('CREATE PROCEDURE adds (n int) INSERT INTO notes VALUES (n)');
      const text = `${inserts(1)}\nCALL adds(2);\n${inserts(3)}\nCALL adds(4)`;
      const { outcome } = await run(text, options);
      expect([outcome.state, await notes()], outcome.message).toEqual(['Succeeded', [1, 2, 3, 4]]);
      const found = (await rows()) as { last: number; state: string }[];
      expect(found.at(-1)).toMatchObject({ last: 4 });
      expect(found.every(({ state }) => state !== 'started')).toBe(true);
      expect((await resume(text, options)).outcome.state).toBe('Succeeded');
      expect(await notes()).toEqual([1, 2, 3, 4]);
    });

    it('leaves its own rows out of the backup', async () => {
      const text = `${inserts(1, 2)}\nUPDATE notes SET a = 3 WHERE a = 2`;
      const { outcome, rollback, rollbackSummary } = await run(text, { backup: true, trans_batch_size: 2 });
      expect([outcome.state, rollbackSummary?.statements], outcome.message).toEqual(['Succeeded', 3]);
      expect(rollback.toString()).not.toContain('statement_ledger');
      expect(await rows()).toMatchObject([{ last: 2 }, { last: 3 }]);
    });

    it('is Unknown when a table without transactions was being changed', async () => {
      await database.witness.query('DROP TABLE IF EXISTS plain');
      await database.witness.query('CREATE TABLE plain (a int) ENGINE = MyISAM');
      const text = 'INSERT INTO plain VALUES (1); INSERT INTO plain VALUES (2)';
      expect((await run(text)).outcome.state).toBe('Succeeded');
      await database.witness.query(
        `DELETE FROM tiangong.statement_ledger WHERE task_uid = '${uid}' AND statement_index = 2`,
      );
      await database.witness.query(
        `UPDATE tiangong.statement_ledger SET state = 'started' WHERE task_uid = '${uid}' AND statement_index = 1`,
      );
      const { outcome } = await resume(text);
      expect(outcome).toMatchObject({ state: 'Unknown', reason: 'OutcomeUnknown' });
      expect(await database.values('SELECT a FROM plain')).toEqual([1, 2]);
    });

    it.each([
      [
        'CREATE TEMPORARY TABLE notes (a int)',
        'SELECT a FROM missing',
        'made something that is of its connection alone',
      ],
      ['SET @a = (SELECT 1)', 'SELECT a FROM missing', 'set what it computed'],
      ['SET @a = CURRENT_TIMESTAMP', 'SELECT a FROM missing', 'set what it computed'],
      ['SELECT 1 INTO @a', 'SELECT a FROM missing', 'made something that is of its connection alone'],
      ['GET DIAGNOSTICS @a = NUMBER', 'SELECT a FROM missing', 'set a variable'],
      ['CALL gave(@a)', 'SELECT a FROM missing', 'set a variable'],
      ["SELECT GET_LOCK('a', 0)", 'SELECT a FROM missing', 'took a lock'],
      [
        'INSERT INTO numbered VALUES (NULL)',
        'INSERT INTO notes VALUES (LAST_INSERT_ID(), 1)',
        'needs LAST_INSERT_ID()',
      ],
    ])('does not go on after %s with what was lost with its connection', async (first, then, why) => {
      await database.witness.query('CREATE TABLE IF NOT EXISTS numbered (id int AUTO_INCREMENT PRIMARY KEY)');
      await database.witness.query('CREATE PROCEDURE IF NOT EXISTS gave(OUT a int) SET a = 1');
      const text = `${first};\n${inserts(1)}\n${then}`;
      expect((await run(text, { trans_batch_size: 1 })).outcome.state).toBe('Failed');
      const { outcome } = await resume(text, { trans_batch_size: 1 });
      expect(outcome).toMatchObject({ state: 'Failed', reason: 'ResumptionNotPossible' });
      expect(outcome.message).toContain(why);
    });

    it.each([
      ['notes', 'Failed', []],
      ['made', 'Succeeded', [2]],
    ])('takes an id only from what it executed itself: INSERT INTO %s', async (table, state, ids) => {
      await database.witness.query('DROP TABLE IF EXISTS made, late');
      await database.witness.query('CREATE TABLE made (id int AUTO_INCREMENT PRIMARY KEY, a int)');
      const text = `INSERT INTO made (a) VALUES (1);\nINSERT INTO late VALUES (1);\nINSERT INTO ${table} (a) VALUES (2);\nINSERT INTO notes VALUES (LAST_INSERT_ID())`;
      expect((await run(text, { trans_batch_size: 1 })).outcome.state).toBe('Failed');
      await database.witness.query('CREATE TABLE late (a int)');
      const { outcome } = await resume(text, { trans_batch_size: 1 });
      expect(outcome.state, outcome.message).toBe(state);
      expect(await notes()).toEqual(ids);
    });

    it.each(['SELECT RELEASE_ALL_LOCKS()', 'COMMIT AND CHAIN', "SET completion_type = 'CHAIN'"])(
      'refuses %s',
      async (statement) => {
        const { outcome } = await run(`BEGIN; ${inserts(1)} ${statement}; COMMIT`);
        expect(outcome).toMatchObject({ state: 'Failed' });
        expect(outcome.message).toContain('exec_options.ledger');
        expect(await notes()).toEqual([]);
      },
    );

    it('refuses what is committed nobody knows when', async () => {
      const { outcome } = await run(`SET autocommit = 0; ${inserts(1)} COMMIT`);
      expect(outcome.message).toContain('exec_options.ledger needs autocommit');
      expect(await notes()).toEqual([]);
    });

    it.each(['COMMIT', 'CREATE INDEX'])('finds out what became of a %s whose answer was lost', async (marker) => {
      let dropped = false;
      const proxy = await serverProxy(await service(name), {
        dropAfter: (bytes) => !dropped && (dropped = bytes.includes(marker)),
      });
      const options = { ledger: true, backup: false };
      const work = database.work(`${inserts(1)}\nCREATE INDEX i ON notes (a)`, { exec_options: options }, { uid });
      const params = { ...work.params, target: database.target(proxy) };
      const { outcome } = await execute(database.executor, { ...work, params });
      expect([dropped, await notes()]).toEqual([true, [1]]);
      // With the connection only what comes after it is lost.
      expect(outcome.message).toMatch(/Statements? 1(-2)? (was|were) committed\./);
      expect(outcome.message).not.toContain('perhaps committed');
      expect(outcome.state).toBe('Failed');
    });

    it('only looks when nothing more is to be executed', async () => {
      await run(`${inserts(1, 2)}\nSELECT a FROM missing;`, { trans_batch_size: 2 });
      const { outcome } = await resume(
        `${inserts(1, 2)}\nSELECT a FROM missing;`,
        { trans_batch_size: 2 },
        'canceled by user',
      );
      expect(outcome).toMatchObject({ state: 'Failed', reason: 'NotResumed' });
      expect(outcome.message).toContain('Statements 1-2 were committed.');
    });

    it.each([
      ['no right', '', /^ledger is not possible: .*denied.*\nGRANT CREATE, SELECT/],
      [
        'none to delete',
        'SELECT, INSERT, UPDATE',
        /^ledger is not possible: DELETE command denied.*\nGRANT CREATE, SELECT/,
      ],
    ])('that cannot be kept (%s) fails before anything runs, and says what to grant', async (_, rights, message) => {
      await run(inserts(1));
      await database.witness.query('TRUNCATE TABLE notes');
      const user = `plain_${uid.slice(0, 8)}`;
      await database.witness.query(`CREATE USER ${user}@'%' IDENTIFIED BY '${database.password}'`);
      await database.witness.query(`GRANT ALL ON ${database.name}.* TO ${user}@'%'`);
      if (rights !== '') await database.witness.query(`GRANT ${rights} ON tiangong.statement_ledger TO ${user}@'%'`);
      const work = database.work(inserts(1), { exec_options: { ledger: true, backup: false } });
      const { outcome } = await execute(database.executor, {
        ...work,
        params: { ...work.params, target: database.target({ user }) },
      });
      await database.witness.query(`DROP USER ${user}@'%'`);
      expect(outcome).toMatchObject({ state: 'Failed', reason: 'LedgerNotPossible' });
      expect(outcome.message).toMatch(message);
      expect(await notes()).toEqual([]);
    });
  });
});
