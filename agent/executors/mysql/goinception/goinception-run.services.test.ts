import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../../test/services/service.ts';
import { InceptionDatabase } from './testing/inception-database.ts';

describe.each(['mysql', 'mariadb'] as const)('a task of %s that goes through goInception', (name) => {
  describe.skipIf(!hasServices(name))('with a backup server', () => {
    let database: InceptionDatabase;

    beforeAll(async () => {
      database = await InceptionDatabase.create(await service(name));
    });
    afterAll(() => database?.drop());

    it("executes the manual's example, with its lines in the manual's order", async () => {
      const { outcome, result, log, rollback, rollbackSummary } = await database.run(
        "CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(100)); INSERT INTO users VALUES (1, 'test');",
        { exec_options: { trans_batch_size: 200, backup: true, timeout_ms: 600000 } },
      );
      expect(outcome).toEqual({ state: 'Succeeded', message: '2 statements executed, 1 row' });
      const { backupDatabase, name: schema } = database;
      const time = expect.stringMatching(/^Execute Time: \d+\.\d{3}s$/) as string;
      const [first, second] = result.toString().split('\n\n');
      expect(first?.split('\n')).toEqual([
        'Order ID: 1',
        'Stage: EXECUTED',
        'Status: Execute Successfully',
        'Affected Rows: 0',
        time,
        `Backup DB: ${backupDatabase}`,
        `Rollback SQL: DROP TABLE \`${schema}\`.\`users\`;`,
        'SQL: CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(100))',
      ]);
      expect(second?.split('\n').filter((line) => !line.startsWith('Error: MariaDB '))).toEqual([
        'Order ID: 2',
        'Stage: EXECUTED',
        'Status: Execute Successfully',
        'Affected Rows: 1',
        time,
        `Backup DB: ${backupDatabase}`,
        `Rollback SQL: DELETE FROM \`${schema}\`.\`users\` WHERE \`id\`=1;`,
        "SQL: INSERT INTO users VALUES (1, 'test')",
      ]);
      expect(rollback.toString().split('\n').slice(4)).toEqual([
        `DELETE FROM \`${schema}\`.\`users\` WHERE \`id\`=1;`,
        `DROP TABLE \`${schema}\`.\`users\`;`,
        '',
      ]);
      expect(rollbackSummary).toMatchObject({ available: true, exact: false, statements: 2 });
      expect(log).toContainEqual({
        level: 'info',
        message: expect.stringMatching(
          /^\[EXECUTED\] Execute Successfully \(Order ID: 1\) \(Affected rows: 0\) \(Execute time: \d\.\d{3}s\)$/,
        ) as string,
      });
    });

    it('asks the database itself for what only reads, in its place among the others', async () => {
      const { outcome, result, log } = await database.run(
        'CREATE TABLE t (a INT PRIMARY KEY); INSERT INTO t VALUES (1); SELECT a AS one FROM t; INSERT INTO t VALUES (2); SHOW TABLES; SELECT COUNT(*) AS n FROM t',
      );
      expect(outcome).toEqual({ state: 'Succeeded', message: '6 statements executed, 2 rows' });
      const entries = result.toString().split('\n\n');
      expect(entries.map((entry) => entry.split('\n')[0])).toEqual([1, 2, 3, 4, 5, 6].map((n) => `Order ID: ${n}`));
      expect(entries[2]).toMatch(/SQL: SELECT a AS one FROM t\n\s*one\s*\n-+\n\s*1\s*\n\(1 row\)$/);
      expect(entries[5]).toMatch(/\n\s*2\s*\n\(1 row\)$/);
      // Audited as a whole before the first part was executed.
      expect(database.standIn.texts.at(-3)).toContain('--check=1');
      expect(log.filter(({ message }) => message.startsWith('[EXECUTED]'))).toHaveLength(6);
      await database.witness.query('DROP TABLE t');
    });

    it('executes nothing of a text in several parts when the audit of the whole finds an error', async () => {
      const { outcome, result } = await database.run(
        'CREATE TABLE never (a INT PRIMARY KEY); SELECT 1; INSERT INTO nowhere VALUES (1); SELECT 2; DROP TABLE never',
      );
      expect(outcome).toMatchObject({ state: 'Failed', reason: 'AuditFailed' });
      expect(outcome.message).toContain(
        "Statement 5: ERROR - Drop/truncate 'never' is not allowed, please replace with alter rename statement.\nSQL: DROP TABLE never\nNothing was executed.",
      );
      expect(result.toString()).toContain('Stage: CHECKED');
      expect(await database.values("SHOW TABLES LIKE 'never'")).toEqual([]);
    });

    it('fails where the text cannot be read, and executes nothing', async () => {
      const { outcome, result } = await database.run(
        'CREATE TABLE never (a INT); INSRT INTO never VALUES (1); DELETE FROM never',
      );
      expect(outcome).toMatchObject({
        state: 'Failed',
        reason: 'AuditFailed',
        message: expect.stringMatching(
          /^SQL execution failed: Statement 2: ERROR - line 1 column 5 near "INSRT .*\nSQL: INSRT INTO never VALUES \(1\)\nNothing was executed\.$/,
        ) as string,
      });
      expect(result.toString()).toContain('Stage: RERUN');
      expect(await database.values("SHOW TABLES LIKE 'never'")).toEqual([]);
    });

    it('says which statement failed, what was executed, and how to undo that', async () => {
      await database.witness.query('CREATE TABLE d (id INT PRIMARY KEY, v VARCHAR(10))');
      const { outcome, result, log, rollback } = await database.run(
        "INSERT INTO d VALUES (1, 'a'); UPDATE d SET v = 'b'; INSERT INTO d VALUES (1, 'dup'); INSERT INTO d VALUES (3, 'c')",
        { result_format: 'json' },
      );
      expect(outcome).toMatchObject({ state: 'Failed', reason: 'StatementFailed' });
      expect(outcome.message).toMatch(
        /^SQL execution failed: Statement 3: ERROR - Duplicate entry '1' for key '(?:d\.)?PRIMARY'\.\nSQL: INSERT INTO d VALUES \(1, 'dup'\)\nStatements 1-2 were committed\.$/,
      );
      expect(JSON.parse(result.toString())).toMatchObject({
        statements: [
          { order_id: 1, stage: 'EXECUTED', rollback_exact: false, backup_dbname: database.backupDatabase },
          { order_id: 2, rollback_sql: expect.stringContaining("SET `id`=1, `v`='a'") as string },
          { order_id: 3, stage_status: 'Execute failed', error_level: 2 },
          { order_id: 4, stage: 'CHECKED', stage_status: 'Audit Completed' },
        ],
        success: false,
        committed: [[1, 2]],
      });
      expect(log).toContainEqual({
        level: 'error',
        message: expect.stringMatching(/^\[EXECUTED\] Execute failed: Duplicate/) as string,
      });
      await database.witness.query(rollback.toString().split('\n')[4] ?? '');
      await database.witness.query(rollback.toString().split('\n')[5] ?? '');
      expect(await database.values('SELECT id FROM d')).toEqual([]);
    });

    it('rolls a failing batch back as a whole without backup', async () => {
      await database.witness.query('CREATE TABLE b (id INT PRIMARY KEY)');
      const { outcome } = await database.run(
        'INSERT INTO b VALUES (1); INSERT INTO b VALUES (2); INSERT INTO b VALUES (3); INSERT INTO b VALUES (3)',
        { exec_options: { backup: false, trans_batch_size: 2 } },
      );
      expect(outcome.message).toMatch(
        /Statement 4: ERROR - Duplicate entry .*\n.*\nStatements 1-2 were committed\. Statements 3-4 were rolled back\.$/s,
      );
      expect(await database.values('SELECT id FROM b')).toEqual([1, 2]);
    });

    it('gives back every row by the rollback script, the newest change first', async () => {
      await database.witness.query('CREATE TABLE r (id INT PRIMARY KEY, v TEXT)');
      await database.witness.query("INSERT INTO r VALUES (1, 'one'), (2, 'two;\\n\\'x\\''), (3, '你好😀')");
      const before = await database.values("SELECT CONCAT(id, ':', v) FROM r ORDER BY id");
      const { outcome, rollback, rollbackSummary } = await database.run(
        "UPDATE r SET v = CONCAT(v, 'x'); UPDATE r SET v = REPLACE(v, 'o', 'y'); DELETE FROM r WHERE id = 2; INSERT INTO r VALUES (2, NULL)",
      );
      expect(outcome.state).toBe('Succeeded');
      expect(rollbackSummary).toMatchObject({ available: true, statements: 7 });
      const script = rollback.toString();
      expect((await database.run(script, { rollback_of: 'task-1' })).outcome).toMatchObject({
        reason: 'RollbackNotExact',
      });
      expect((await database.run(script, { rollback_of: 'task-1', force: true })).outcome.state).toBe('Succeeded');
      expect(await database.values("SELECT CONCAT(id, ':', v) FROM r ORDER BY id")).toEqual(before);
    });

    it('executes what it shows no row of, and counts it', async () => {
      const { outcome } = await database.run(`USE ${database.name}`);
      expect(outcome).toEqual({ state: 'Succeeded', message: '1 statement executed, 0 rows' });
      const nothing = await database.run('-- nothing');
      expect(nothing.outcome).toMatchObject({ state: 'Failed', reason: 'InvalidParams' });
    });

    it('takes databases, tables and users of any name', async () => {
      const odd = `${database.name} o'dd "x"; */ 你好 \`#\`=remote`;
      const quoted = `\`${odd.replaceAll('`', '``')}\``;
      const user = `u'x";#*/ remote ${database.name.slice(-4)}`;
      await database.witness.query(`CREATE DATABASE ${quoted}`);
      await database.witness.query('CREATE USER ?@? IDENTIFIED BY ?', [user, '%', database.password]);
      await database.witness.query('GRANT ALL ON *.* TO ?@?', [user, '%']);
      const { outcome, rollback } = await database.run(
        "CREATE TABLE t (a VARCHAR(20)); INSERT INTO t VALUES ('it''s; #1'); SELECT a FROM t",
        { target: database.target({ db: odd, user }) },
      );
      expect(outcome).toEqual({ state: 'Succeeded', message: '3 statements executed, 1 row' });
      expect(rollback.toString()).toContain('DROP TABLE ');
      expect(await database.values(`SELECT a FROM ${quoted}.t`)).toEqual(["it's; #1"]);
      await database.witness.query('DROP USER ?@?', [user, '%']);
      for (const name of await database.values("SHOW DATABASES LIKE '%o\\'dd%=remote'"))
        await database.witness.query(`DROP DATABASE \`${String(name).replaceAll('`', '``')}\``);
    });

    it.each([12, 13] as const)('reads an answer of %i columns', async (columns) => {
      database.standIn.behaviour = { ...database.standIn.behaviour, columns };
      const { outcome } = await database.run(`CREATE TABLE c${columns} (a INT)`);
      expect(outcome.state).toBe('Succeeded');
    });

    it('goes on without the default database where the login may not use it', async () => {
      const login = `${database.name}_l`;
      await database.witness.query('CREATE USER ?@? IDENTIFIED BY ?', [login, '%', database.password]);
      await database.witness.query(`GRANT ALL ON ${database.name}.* TO ?@?`, [login, '%']);
      await database.witness.query('CREATE TABLE limited_t (a INT)');
      const target = { ...database.target({ user: login }), db: undefined };
      const { outcome } = await database.run(`INSERT INTO ${database.name}.limited_t VALUES (1)`, { target });
      expect(outcome.state).toBe('Succeeded');
      expect(database.standIn.texts.at(-2)).toContain('use `mysql`');
      expect(database.standIn.texts.at(-1)).not.toContain('use ');
      await database.witness.query('DROP USER ?@?', [login, '%']);
    });

    it('executes a text that is longer than goInception gets at once in parts, and says so', async () => {
      await database.witness.query('CREATE TABLE big (id INT PRIMARY KEY, v MEDIUMTEXT)');
      const value = 'x'.repeat(1_500_000);
      const text = [1, 2, 3, 4].map((id) => `INSERT INTO big VALUES (${id}, '${value}');`).join('\n');
      const { outcome, log } = await database.run(text, { exec_options: { backup: false } });
      expect(outcome).toEqual({ state: 'Succeeded', message: '4 statements executed, 4 rows' });
      expect(log.map(({ message }) => message)).toContainEqual(
        expect.stringContaining('its parts are audited and executed one after another'),
      );
      expect(await database.values('SELECT LENGTH(v) FROM big')).toEqual([1, 2, 3, 4].map(() => value.length));
    });
  });
});
