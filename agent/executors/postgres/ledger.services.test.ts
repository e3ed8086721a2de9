import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import type { Execution, Work } from '../../conformance/executor.ts';
import { serverProxy } from '../database/testing/server-proxy.ts';
import { TestDatabase } from './testing/test-database.ts';

describe.skipIf(!hasServices('postgres'))('The ledger of a postgres task', () => {
  let database: TestDatabase;
  let uid: string;

  beforeAll(async () => {
    database = await TestDatabase.create(await service('postgres'));
  });
  afterAll(() => database?.drop());
  beforeEach(async () => {
    uid = randomUUID();
    await database.empty();
    await database.witness.query('CREATE TABLE notes (a int)');
  });

  const run = (command: string, options: object = {}, changes: Partial<Work> = {}): Promise<Execution> =>
    database.run(command, { exec_options: { ledger: true, ...options } }, { uid, ...changes });
  const notes = (): Promise<unknown[]> => database.values('SELECT a FROM notes ORDER BY a');
  const rows = async (): Promise<unknown[]> =>
    (
      await database.witness.query(
        'SELECT first_statement::int AS first, last_statement::int AS last, state, affected_rows::int AS affected FROM tiangong.statement_ledger WHERE task_uid = $1 AND statement_index > 0 ORDER BY statement_index',
        [uid],
      )
    ).rows;
  const inserts = (...values: number[]): string => values.map((a) => `INSERT INTO notes VALUES (${a});`).join('\n');

  it('is not there unless it is asked for', async () => {
    await database.witness.query('DROP SCHEMA IF EXISTS tiangong CASCADE');
    await database.run(inserts(1));
    expect(await database.values("SELECT to_regnamespace('tiangong')")).toEqual([null]);
  });

  it('has a row in each transaction: batches, the text’s own, and single statements', async () => {
    const text = `${inserts(1, 2, 3)}\nBEGIN;\n${inserts(4)}\nCOMMIT;\nBEGIN;\n${inserts(5)}\nROLLBACK;\n${inserts(6)}`;
    expect((await run(text, { trans_batch_size: 2 })).outcome.state).toBe('Succeeded');
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
    const text = `${inserts(1)}\nCREATE INDEX CONCURRENTLY notes_a ON notes (a);\nVACUUM notes;\n${inserts(2)}`;
    expect((await run(text)).outcome.state).toBe('Succeeded');
    expect(await rows()).toMatchObject([
      { last: 1 },
      { last: 2, state: 'done' },
      { last: 3, state: 'done' },
      { last: 4 },
    ]);
    uid = randomUUID();
    const call = 'DO $$ BEGIN INSERT INTO notes VALUES (3); COMMIT; END $$; VACUUM nothing_here';
    expect((await run(call, { trans_batch_size: 1 })).outcome.state).toBe('Failed');
    expect(await rows()).toMatchObject([{ last: 1, state: 'done' }]);
  });

  it('lets a resumed run execute what is left, and only that', async () => {
    const first = `SET search_path = public;\n${inserts(1, 2, 3)}`;
    const failing = await run(`${first}\nINSERT INTO later VALUES (4);\n${inserts(5)}`, { trans_batch_size: 2 });
    expect(failing.outcome.state).toBe('Failed');
    expect(await notes()).toEqual([1, 2, 3]);
    await database.witness.query('CREATE TABLE later (a int)');
    const text = `${first}\nINSERT INTO later VALUES (4);\n${inserts(5)}`;
    const resumed = await run(text, { trans_batch_size: 2 }, { resumed: true });
    expect(resumed.outcome).toMatchObject({ state: 'Succeeded' });
    expect(resumed.result.toString()).toMatch(
      /^Statements 1-4: SUCCESS \(Affected rows: 3\)\ncommitted before the agent restarted\n\nStatement 5: SUCCESS/,
    );
    expect(await notes()).toEqual([1, 2, 3, 5]);
    expect(await database.values('SELECT a FROM later')).toEqual([4]);
    const again = await run(text, { trans_batch_size: 2 }, { resumed: true });
    expect(again.outcome).toMatchObject({ state: 'Succeeded' });
    expect(await notes()).toEqual([1, 2, 3, 5]);
  });

  it('is of no use for another text', async () => {
    await run(`${inserts(1, 2)}\nSELECT 1/0;`, { trans_batch_size: 1 });
    const { outcome } = await run(`${inserts(1, 9)}\nSELECT 1;`, { trans_batch_size: 1 }, { resumed: true });
    expect(outcome).toMatchObject({ state: 'Unknown', reason: 'OutcomeUnknown' });
    expect(outcome.message).toContain('differs in statement 2 or before');
    expect(await notes()).toEqual([1, 2]);
  });

  it.each([
    ['CREATE TEMP TABLE notes (a int)', 'may have made a temporary table'],
    ['PREPARE p AS SELECT 1', 'prepared a statement'],
    ["SELECT set_config('search_path', 'public', false)", 'may have changed a setting'],
  ])('does not go on after %s, which was lost with its connection', async (statement, why) => {
    await run(`${statement};\nSELECT 1/0`, { trans_batch_size: 1 });
    const { outcome } = await run(`${statement};\nSELECT 1/0`, { trans_batch_size: 1 }, { resumed: true });
    expect(outcome).toMatchObject({ state: 'Failed', reason: 'ResumptionNotPossible' });
    expect(outcome.message).toContain(`statement 1 ${why}`);
    expect(outcome.message).toContain('Statement 1 was committed.');
  });

  it.each(['DISCARD ALL', 'SELECT pg_advisory_unlock_all()', "PREPARE TRANSACTION 'x'", 'COMMIT AND CHAIN'])(
    'refuses %s',
    async (statement) => {
      const { outcome } = await run(`BEGIN; ${inserts(1)} ${statement}`);
      expect(outcome).toMatchObject({ state: 'Failed', reason: 'StatementFailed' });
      expect(outcome.message).toContain('exec_options.ledger');
      expect(await notes()).toEqual([]);
    },
  );

  it('finds out what became of a COMMIT whose answer was lost', async () => {
    let dropped = false;
    const proxy = await serverProxy(await service('postgres'), {
      dropAfter: (bytes) => !dropped && (dropped = bytes.includes('COMMIT')),
    });
    const work = database.work(inserts(1, 2), { exec_options: { ledger: true } }, { uid });
    const { outcome } = await database.execute({ ...work, params: { ...work.params, target: database.target(proxy) } });
    expect([dropped, outcome.state]).toEqual([true, (await notes()).length === 2 ? 'Succeeded' : 'Failed']);
  });

  it('only looks when nothing more is to be executed', async () => {
    await run(`${inserts(1, 2)}\nSELECT 1/0;\n${inserts(3)}`, { trans_batch_size: 2 });
    const lookOnly = (text: string): Promise<Execution> =>
      run(
        text,
        { trans_batch_size: 2 },
        { resumed: true, resumption: { lookOnly: 'canceled by user', evidence: undefined } },
      );
    const { outcome } = await lookOnly(`${inserts(1, 2)}\nSELECT 1/0;\n${inserts(3)}`);
    expect(outcome).toMatchObject({ state: 'Failed', reason: 'NotResumed' });
    expect(outcome.message).toContain('statement 3 and those after it were not executed: canceled by user');
    expect(outcome.message).toContain('Statements 1-2 were committed.');
    expect((await lookOnly(inserts(1, 2))).outcome.state).toBe('Succeeded');
  });

  it('that cannot be made fails before anything runs, and says what to grant', async () => {
    const role = `plain_${uid.slice(0, 8)}`;
    await database.witness.query(
      `DROP SCHEMA IF EXISTS tiangong CASCADE; CREATE ROLE ${role} LOGIN PASSWORD '${database.password}'; GRANT ALL ON notes TO ${role}`,
    );
    const work = database.work(inserts(1), { exec_options: { ledger: true } }, { uid });
    const { outcome } = await database.execute({
      ...work,
      params: { ...work.params, target: database.target({ user: role }) },
    });
    await database.witness.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    expect(outcome).toMatchObject({ state: 'Failed', reason: 'LedgerNotPossible' });
    expect(outcome.message).toMatch(
      /^ledger is not possible: permission denied for database .*\nGRANT CREATE ON DATABASE/,
    );
    expect(await notes()).toEqual([]);
  });

  it.each(['SELECT, INSERT', 'SELECT, INSERT, UPDATE'])('fails before anything runs with %s only', async (rights) => {
    await run(inserts(1));
    const role = `plain_${uid.slice(0, 8)}`;
    await database.witness.query(
      `TRUNCATE notes; CREATE ROLE ${role} LOGIN PASSWORD '${database.password}'; GRANT ALL ON notes TO ${role}; GRANT USAGE ON SCHEMA tiangong TO ${role}; GRANT ${rights} ON tiangong.statement_ledger TO ${role}`,
    );
    const work = database.work(inserts(1), { exec_options: { ledger: true } });
    const { outcome } = await database.execute({
      ...work,
      params: { ...work.params, target: database.target({ user: role }) },
    });
    await database.witness.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    expect(outcome).toMatchObject({ state: 'Failed', reason: 'LedgerNotPossible' });
    expect(await notes()).toEqual([]);
  });

  it('that is not there any more makes a resumed run Unknown', async () => {
    const { outcome } = await run(
      inserts(1),
      {},
      { resumed: true, resumption: { lookOnly: undefined, evidence: 'statement 7' } },
    );
    expect(outcome).toMatchObject({ state: 'Unknown' });
    expect(outcome.message).toContain('it had come to: statement 7');
    expect(await notes()).toEqual([]);
  });
});
