import { createConnection } from 'mysql2/promise';
import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { hasServices, service } from '../../../../../test/services/service.ts';
import { InceptionDatabase } from './inception-database.ts';

type Row = Readonly<Record<string, unknown>>;

/** What clients other than ours would see: the facts that the stand-in is built from. */
describe.skipIf(!hasServices('mariadb'))('the stand-in for goInception', () => {
  let database: InceptionDatabase;
  let client: Connection;

  beforeAll(async () => {
    database = await InceptionDatabase.create(await service('mariadb'));
    client = await connect();
    await database.witness.query('CREATE TABLE t1 (id INT PRIMARY KEY, v VARCHAR(10))');
  });
  afterAll(async () => {
    await client?.end();
    await database?.drop();
  });

  const connect = (changes: object = {}): Promise<Connection> =>
    createConnection({ ...database.standIn.address, user: 'nobody', password: 'x', charset: 'utf8mb4', ...changes });
  const ask = async (text: string, by = client): Promise<readonly Row[]> => (await by.query<never[]>(text))[0];
  const options = (extra: string, changes: Record<string, string> = {}): string => {
    const { host, port, user, password } = { ...database.server, ...changes };
    return `/*--host=${host};--port=${port};--user=${user};--password=${password};${extra}*/\ninception_magic_start;\nuse ${database.name};\n`;
  };

  it('takes any login, knows no database, and has no prepared statements', async () => {
    expect(await ask('select 1')).toEqual([{ '1': 1 }]);
    await expect(connect({ database: 'mysql' })).rejects.toMatchObject({ errno: 1049 });
    await expect(ask('PREPARE a FROM b')).rejects.toMatchObject({
      errno: 1105,
      message: 'command 22 not supported now',
    });
  });

  it('answers with thirteen columns, the first row for USE', async () => {
    const [rows, fields] = await client.query<never[]>(
      `${options('--execute=1;')}insert into t1 values(1, '你好😀');\ninception_magic_commit;`,
    );
    expect(fields.map(({ name, columnType }) => [name, columnType])).toEqual([
      ...[
        ['order_id', 3],
        ['stage', 254],
        ['error_level', 2],
        ['stage_status', 254],
        ['error_message', 254],
      ],
      ...[
        ['sql', 254],
        ['affected_rows', 8],
        ['sequence', 254],
        ['backup_dbname', 254],
        ['execute_time', 254],
      ],
      ...[
        ['sqlsha1', 254],
        ['backup_time', 254],
        ['needMerge', 1],
      ],
    ]);
    expect(rows).toMatchObject([
      {
        order_id: 1,
        stage: 'CHECKED',
        error_level: 0,
        stage_status: 'Audit Completed',
        sequence: '0_0_00000000',
        execute_time: '0',
      },
      {
        ...{
          order_id: 2,
          stage: 'EXECUTED',
          error_level: 0,
          stage_status: 'Execute Successfully',
          error_message: null,
        },
        ...{ affected_rows: 1, sequence: expect.stringMatching(/^\d+_\d+_00000001$/) as string, sqlsha1: null },
      },
    ]);
    expect(await database.values('SELECT v FROM t1')).toEqual(['你好😀']);
  });

  it.each([
    ['Must start as begin statement.', () => 'show processlist'],
    ['Must end with commit.', () => `${options('--execute=1;')}delete from t1;`],
    ['Not supported statement type.', () => `${options('--execute=1;')}select 1;\ninception_magic_commit;`],
    [
      "Drop/truncate 't1' is not allowed, please replace with alter rename statement.",
      () => `${options('--check=1;')}truncate table t1;\ninception_magic_commit;`,
    ],
    [
      'Invalid source infomation(主机名为空,端口为0,用户名为空).',
      () => `/*--execute=1;*/\ninception_magic_start;\ninception_magic_commit;`,
    ],
    ['Invalid source infomation(主机名为空,端口为0,用户名为空).', () => options('--execute=1; --backup=0;')],
    [/^con:31 Error 1045: Access denied/, () => options('--execute=1;', { password: 'wrong' })],
  ])('says as a row with level 2: %s', async (message, text) => {
    const rows = await ask(text());
    expect(rows.at(-1)).toMatchObject({ error_level: 2, stage_status: 'Audit Completed' });
    expect(rows.at(-1)?.['error_message']).toMatch(message);
  });

  it('ends the list where it cannot read on, and executes nothing', async () => {
    const rows = await ask(
      `${options('--execute=1;')}delete from t1;\ndelet from t1;\ndelete from t1;\ninception_magic_commit;`,
    );
    expect(rows.map(({ stage, error_level: level }) => [stage, level])).toEqual([
      ['CHECKED', 0],
      ['CHECKED', 0],
      ['RERUN', 2],
    ]);
    expect(await database.values('SELECT COUNT(*) FROM t1')).toEqual([1]);
  });

  it('stops at a warning unless it is ignored', async () => {
    const usual = database.standIn.behaviour;
    onTestFinished(() => {
      database.standIn.behaviour = usual;
    });
    database.standIn.behaviour = { ...usual, warnsOfNoWhere: true };
    const text = "update t1 set v = 'b';\ninception_magic_commit;";
    expect((await ask(options('--execute=1;') + text)).map(({ stage }) => stage)).toEqual(['CHECKED', 'CHECKED']);
    expect(await ask(options('--execute=1;--ignore-warnings=1;') + text)).toMatchObject([
      {},
      { stage: 'EXECUTED', error_level: 1, error_message: 'Please set the where condition.' },
    ]);
  });

  it('writes what undoes a statement under its sequence', async () => {
    const rows = await ask(
      `${options('--execute=1;--enable-remote-backup;')}insert into t1 values(7, 'a');\ninception_magic_commit;`,
    );
    const { sequence, backup_dbname: backup, stage_status: status, error_message: message } = rows[1] ?? {};
    expect(status).toBe('Execute Successfully\nBackup Successfully');
    expect(message).toMatch(/^MariaDB v\d+ not supported yet,please confirm that the rollback sql is correct$/);
    const [table] = await database.values(
      `SELECT tablename FROM ${String(backup)}.\`$_$Inception_backup_information$_$\` WHERE opid_time = '${String(sequence)}'`,
    );
    expect(
      await database.values(
        `SELECT rollback_statement FROM ${String(backup)}.${String(table)} WHERE opid_time = '${String(sequence)}' ORDER BY id`,
      ),
    ).toEqual([`DELETE FROM \`${database.name}\`.\`t1\` WHERE \`id\`=7;`]);
  });

  it('rolls back a batch of trans that fails, and says so of each of its rows', async () => {
    const rows = await ask(
      `${options('--execute=1;--trans=10;')}insert into t1 values(20, 'a');\ninsert into t1 values(1, 'dup');\ninception_magic_commit;`,
    );
    expect(rows.map(({ stage_status: status, error_level: level }) => [status, level])).toEqual([
      ['Execute failed', 2],
      ['Execute failed', 2],
      ['Execute failed', 2],
    ]);
    expect(await database.values('SELECT id FROM t1 WHERE id = 20')).toEqual([]);
  });

  it('shows what a connection does only when it was asked something before', async () => {
    const fresh = await connect();
    const slow = `${options('--execute=1;')}update t1 set v = sleep(1.03) where id = 1;\ninception_magic_commit;`;
    const work = ask(slow, fresh);
    const fromKnown = await connect();
    await ask('select 1', fromKnown);
    const other = ask(slow, fromKnown);
    await expect
      .poll(async () => (await ask('inception show processlist')).map(({ STATE }) => STATE))
      .toContain('EXECUTING');
    const list = await ask('inception show processlist');
    expect(list).toContainEqual(expect.objectContaining({ Id: 0, Time: 9_223_372_036 }));
    expect(list).toContainEqual(
      expect.objectContaining({
        Id: fromKnown.threadId,
        Dest_Host: '127.0.0.1',
        Command: 'EXECUTE',
        STATE: 'EXECUTING',
      }),
    );
    await Promise.all([work, other]);
    fresh.destroy();
    fromKnown.destroy();
  });

  it('heeds a kill after the statement, whose status stays that of a success', async () => {
    const killed = await connect();
    await ask('select 1', killed);
    const work = ask(
      `${options('--execute=1;--backup=1;')}update t1 set v = sleep(1.04) where id = 1;\ndelete from t1;\ninception_magic_commit;`,
      killed,
    );
    await expect
      .poll(async () => (await ask('inception show processlist')).map(({ STATE }) => STATE))
      .toContain('EXECUTING');
    await ask(`kill ${killed.threadId}`);
    const [, first, second] = await work;
    expect(first).toMatchObject({ error_level: 2, stage_status: 'Execute Successfully\nBackup Successfully' });
    expect(first?.['error_message']).toMatch(/^Execute: Operation has been killed!/);
    expect(second).toMatchObject({ stage: 'CHECKED', error_level: 0 });
    killed.destroy();
  });
});
