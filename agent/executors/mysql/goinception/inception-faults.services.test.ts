import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { hasServices, service } from '../../../../test/services/service.ts';
import { execute } from '../../../conformance/executor.ts';
import { TaskAborted } from '../../executor.ts';
import { MysqlExecutor } from '../mysql-executor.ts';
import { spelled } from './option-comment.ts';
import type { Behaviour } from './testing/engine-run.ts';
import { InceptionDatabase } from './testing/inception-database.ts';

describe.skipIf(!hasServices('mariadb'))('a task whose goInception is stopped or breaks', () => {
  let database: InceptionDatabase;
  let usual: Behaviour;

  beforeAll(async () => {
    database = await InceptionDatabase.create(await service('mariadb'));
    usual = database.standIn.behaviour;
    await database.witness.query('CREATE TABLE t (a INT PRIMARY KEY)');
  });
  afterAll(() => database?.drop());
  beforeEach(async () => {
    await database.standIn.idle();
    database.standIn.behaviour = usual;
    await database.witness.query('DELETE FROM t');
  });

  const rowsOf = (): Promise<unknown[]> => database.values('SELECT a FROM t ORDER BY a');

  it('ends after the statement that is being executed at the deadline, and says what was executed', async () => {
    const { outcome, rollback, log } = await database.run(
      'INSERT INTO t VALUES (1); INSERT INTO t SELECT 2 + SLEEP(1.5); INSERT INTO t VALUES (3)',
      { exec_options: { timeout_ms: 600 } },
    );
    expect(outcome).toEqual({
      state: 'Failed',
      reason: 'TimeoutExceeded',
      message: 'SQL execution failed: ERROR - execution timeout after 600 ms\nStatements 1-2 were committed.',
    });
    expect(await rowsOf()).toEqual([1, 2]);
    expect(rollback.toString().split('\n').slice(4, 6)).toEqual([
      expect.stringContaining('WHERE `a`=2') as string,
      expect.stringContaining('WHERE `a`=1') as string,
    ]);
    expect(log).toContainEqual({ level: 'error', message: expect.stringContaining('has been killed') as string });
    expect(database.standIn.seen.some(({ text }) => /^kill \d+$/.test(text))).toBe(true);
  });

  it('is Unknown at the deadline when goInception does not answer, and the run is told to end all the same', async () => {
    const { outcome, rollbackSummary } = await database.run(
      'INSERT INTO t VALUES (1); INSERT INTO t SELECT 2 + SLEEP(5); INSERT INTO t VALUES (3)',
      { exec_options: { timeout_ms: 1500 } },
    );
    expect(outcome).toMatchObject({ state: 'Unknown', reason: 'TimeoutExceeded' });
    expect(outcome.message).toMatch(
      /execution timeout after 1500 ms: goInception 127\.0\.0\.1:\d+ does not answer; when last seen it was EXECUTING \(50\.00%\); it was told to end after the statement that it was executing\nStatements 1-3 were perhaps committed/,
    );
    expect(rollbackSummary).toMatchObject({
      available: false,
      message: expect.stringContaining('not known') as string,
    });
    await database.standIn.idle();
    expect(await rowsOf()).toEqual([1, 2]);
  });

  it('is ended by its user', async () => {
    const controller = new AbortController();
    const execution = database.run(
      'INSERT INTO t VALUES (1); INSERT INTO t SELECT 2 + SLEEP(1.01); INSERT INTO t VALUES (3)',
      {},
      { signal: controller.signal },
    );
    await expect.poll(() => database.running('1.01')).toBeGreaterThan(0);
    controller.abort(new TaskAborted('User', 'canceled by user'));
    expect((await execution).outcome).toMatchObject({ state: 'Failed', reason: 'Aborted' });
    expect(await rowsOf()).toEqual([1, 2]);
  });

  it('stops a statement that only reads on the database', async () => {
    const controller = new AbortController();
    const execution = database.run('INSERT INTO t VALUES (1); SELECT SLEEP(601)', {}, { signal: controller.signal });
    await expect.poll(() => database.running('SLEEP(601)')).toBeGreaterThan(0);
    controller.abort(new TaskAborted('User', 'canceled by user'));
    expect((await execution).outcome.message).toContain('Statement 1 was committed.');
    expect(await database.running('SLEEP(601)')).toBe(0);
  });

  it('reports how far goInception is', async () => {
    const { log } = await database.run('INSERT INTO t VALUES (1); INSERT INTO t SELECT 2 + SLEEP(2.2)');
    expect(log.map(({ message }) => message)).toContainEqual('goInception: EXECUTING 66.67% of statements 1-2');
  });

  it('is Unknown when the connection is lost, and tells goInception to end', async () => {
    database.standIn.behaviour = { ...usual, dropsClientAt: 2 };
    const { outcome, evidence } = await database.run(
      'INSERT INTO t VALUES (1); INSERT INTO t SELECT 2 + SLEEP(1); INSERT INTO t VALUES (3); INSERT INTO t VALUES (4)',
    );
    expect(outcome).toMatchObject({ state: 'Unknown', reason: 'ConnectionLost' });
    expect(outcome.message).toContain('was lost before it answered');
    expect(outcome.message).toContain('Statements 1-4 were perhaps committed');
    expect(evidence.at(-1)).toMatch(/^goInception 127\.0\.0\.1:\d+ has statements 1-4, connection \d+: no answer yet$/);
    await database.standIn.idle();
    expect(await rowsOf()).toEqual([1, 2]);
  });

  it('names the state in which goInception was seen last when it never answers', async () => {
    database.standIn.behaviour = { ...usual, hangsInBackup: true };
    const { outcome } = await database.run('INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)', {
      exec_options: { timeout_ms: 2500 },
    });
    expect(outcome).toMatchObject({ state: 'Unknown', reason: 'TimeoutExceeded' });
    expect(outcome.message).toContain(
      'when last seen it had executed the statements and was backing them up (100.00%): their rollback SQL is lost',
    );
    expect(await rowsOf()).toEqual([1, 2]);
    database.standIn.forget();
  });

  it('ends in time when goInception takes neither the text nor a kill', async () => {
    const silent = createServer((socket) => socket.resume().on('error', () => undefined));
    await new Promise<void>((resolve) => {
      silent.listen(0, '127.0.0.1', resolve);
    });
    const { port } = silent.address() as AddressInfo;
    const executor = new MysqlExecutor({
      ...{ connections: new Map(), spoolFolder: database.spoolFolder },
      goInception: { host: '127.0.0.1', port },
    });
    onTestFinished(async () => {
      await executor.close();
      silent.close();
    });
    const work = database.work('INSERT INTO t VALUES (1)', { exec_options: { timeout_ms: 300 } });
    expect((await execute(executor, work)).outcome).toEqual({
      ...{ state: 'Failed', reason: 'TimeoutExceeded' },
      message: 'SQL execution failed: ERROR - execution timeout after 300 ms\nNothing was executed.',
    });
  });

  it('says of each statement whether it was backed up', async () => {
    database.standIn.behaviour = { ...usual, backupFails: (index) => index === 2 };
    const { outcome, result, rollbackSummary } = await database.run(
      'INSERT INTO t VALUES (1); INSERT INTO t VALUES (2); DELETE FROM t WHERE a = 77',
    );
    expect(outcome.state).toBe('Succeeded');
    const [, second, third] = result.toString().split('\n\n');
    expect(second).toContain('Status: Execute Successfully, Backup failed\n');
    expect(second).toContain('Rollback SQL: (none: goInception executed it and could not back it up)');
    expect(third).toContain('Rollback SQL: (none: no row was changed)');
    expect(rollbackSummary).toEqual({
      available: true,
      exact: false,
      statements: 1,
      message:
        "the SQL is goInception's own, to be checked before it is run; 1 statement has no rollback SQL: goInception executed it and could not back it up",
    });
  });

  it.each([true, undefined])('when goInception has no backup server and exec_options.backup is %s', async (backup) => {
    const { backup: _, ...without } = usual;
    database.standIn.behaviour = without;
    const { outcome, result, rollbackSummary } = await database.run('INSERT INTO t VALUES (5)', {
      exec_options: { backup },
    });
    if (backup === true) {
      expect(outcome).toMatchObject({
        state: 'Failed',
        reason: 'BackupNotPossible',
        message: expect.stringContaining(
          'backup is not possible: goInception says: Invalid remote backup information.',
        ) as string,
      });
      expect(await rowsOf()).toEqual([]);
    } else {
      expect(outcome.state).toBe('Succeeded');
      expect(result.toString()).toContain('Rollback SQL: (none: goInception says: Invalid remote backup information.)');
      expect(rollbackSummary).toMatchObject({ available: false });
      expect(await rowsOf()).toEqual([5]);
    }
  });

  it('leaves transactions out of a backup on MariaDB, and says so', async () => {
    const options = { trans_batch_size: 100, backup: true };
    const { outcome, log } = await database.run('INSERT INTO t VALUES (1)', { exec_options: options });
    expect(outcome.state).toBe('Succeeded');
    expect(database.standIn.texts.at(-1)).not.toContain('--trans');
    expect(log[1]).toMatchObject({
      level: 'warn',
      message: expect.stringContaining('trans_batch_size is not used') as string,
    });
    await database.run('INSERT INTO t VALUES (2)', {
      exec_options: { trans_batch_size: 100, backup: false, sleep_ms: 5 },
    });
    expect(database.standIn.texts.at(-1)).toContain('--trans=100;--sleep=5;--sleep-rows=1;');
  });

  it.each([
    ['a wrong password', { secret_ref: 'wrong' }, 'AuthenticationFailed', /Error 1045: Access denied/],
    ['a database where nothing listens', { host: '127.0.0.1', port: 1 }, 'ConnectionFailed', /dial tcp 127\.0\.0\.1:1/],
    ['a database that is not there', { db: 'no_such_db' }, 'AuditFailed', /Unknown database 'no_such_db'/],
    ['a user with a colon', { user: 'a:b' }, 'InvalidParams', /a user whose name has a colon/],
    ['a certificate to check', { sslmode: 'verify-full' }, 'InvalidParams', /cannot check the server's certificate/],
  ])('fails with %s', async (_, changes, reason, message) => {
    const wrong = { data: { password: 'wr0ng-secret' }, allowedHosts: undefined };
    const right = { data: { password: database.password }, allowedHosts: undefined };
    const execution = await database.run(
      'INSERT INTO t VALUES (1)',
      { target: database.target(changes) },
      { credentials: { login: right, wrong } },
    );
    expect(execution.outcome).toMatchObject({
      state: 'Failed',
      reason,
      message: expect.stringMatching(message) as string,
    });
    expect(JSON.stringify(execution)).not.toContain('wr0ng-secret');
  });

  it('shows no password, also where goInception quotes what it was told', async () => {
    const { password } = database;
    const spelledOut = spelled(password);
    const execution = await database.run(
      `INSERT INTO t VALUES (1) /* ${password} ${spelledOut} */; INSRT INTO ${password}`,
    );
    expect(execution.outcome.state).toBe('Failed');
    const shown = [execution.outcome, execution.result.toString(), execution.log, execution.evidence].map((part) =>
      typeof part === 'string' ? part : JSON.stringify(part).replaceAll('\\\\', '\\'),
    );
    expect(shown.join()).toContain('***');
    for (const part of shown) expect(part).not.toContain(password);
    for (const part of shown) expect(part).not.toContain(spelledOut);
  });

  it('fails where goInception cannot be reached, and executes nothing', async () => {
    const executor = new MysqlExecutor({
      ...{ connections: new Map(), spoolFolder: database.spoolFolder },
      goInception: { host: '127.0.0.1', port: 1 },
    });
    onTestFinished(() => executor.close());
    const { outcome } = await execute(executor, database.work('INSERT INTO t VALUES (1)'));
    expect(outcome).toMatchObject({
      ...{ state: 'Failed', reason: 'ConnectionFailed' },
      message: expect.stringMatching(
        /connection failed: goInception 127\.0\.0\.1:1: .*ECONNREFUSED.*\nNothing was executed\.$/,
      ) as string,
    });
  });

  it.each([
    ['no login there', undefined, "the agent's configuration has no goinception_backup_host"],
    [
      'no server there',
      { host: '127.0.0.1', port: 1, user: 'root' },
      'the backup server cannot be asked: connect ECONNREFUSED',
    ],
  ])('says that the rollback SQL cannot be had with %s', async (_, backup, reason) => {
    const goInception = { ...database.standIn.address, ...(backup && { backup }) };
    const executor = new MysqlExecutor({ connections: new Map(), spoolFolder: database.spoolFolder, goInception });
    onTestFinished(() => executor.close());
    const { outcome, result, rollbackSummary } = await execute(executor, database.work('INSERT INTO t VALUES (1)'));
    expect(outcome.state).toBe('Succeeded');
    expect(result.toString()).toContain(`Rollback SQL: (none: ${reason}`);
    expect(rollbackSummary).toMatchObject({ available: false, message: expect.stringContaining(reason) as string });
  });
});
