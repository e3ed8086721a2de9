import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../../test/services/service.ts';
import { execute } from '../../../conformance/executor.ts';
import { MysqlExecutor } from '../mysql-executor.ts';
import { TestDatabase } from '../testing/test-database.ts';

describe.each((['mysql', 'mariadb'] as const).filter((name) => hasServices(name)))('triggers on %s', (flavour) => {
  let database: TestDatabase;
  let executor: MysqlExecutor;

  beforeAll(async () => {
    database = await TestDatabase.create(await service(flavour));
    const { name, password, server, spoolFolder } = database;
    for (const statement of [
      'CREATE TABLE t (id INT PRIMARY KEY, n INT)',
      'CREATE TABLE log (n INT)',
      'CREATE TABLE triggering (id INT PRIMARY KEY, n INT)',
      'CREATE TRIGGER tr AFTER INSERT ON triggering FOR EACH ROW INSERT INTO log VALUES (NEW.n)',
      `CREATE USER ${name}_writer IDENTIFIED BY '${password}'`,
      `CREATE USER ${name}_reader IDENTIFIED BY '${password}'`,
      `GRANT SELECT, INSERT, UPDATE, DELETE ON ${name}.* TO ${name}_writer`,
      `GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO ${name}_writer, ${name}_reader`,
      `GRANT TRIGGER ON ${name}.* TO ${name}_reader`,
    ])
      await database.witness.query(statement);
    const passwordFile = join(spoolFolder, 'password');
    writeFileSync(passwordFile, password);
    const { host, port } = server;
    const alone = { name: 'alone', host, port, database: name, user: `${name}_writer`, passwordFile };
    const seen = { ...alone, name: 'seen', backupUser: `${name}_reader`, backupPasswordFile: passwordFile };
    executor = new MysqlExecutor({ connections: new Map(Object.entries({ alone, seen })), spoolFolder });
  });
  beforeEach(async () => {
    for (const table of ['t', 'log', 'triggering']) await database.witness.query(`DELETE FROM ${table}`);
  });
  afterAll(async () => {
    await executor?.close();
    await database?.witness.query(`DROP USER ${database.name}_writer, ${database.name}_reader`);
    await database?.drop();
  });

  const summaryOf = async (connection: string, command: string): Promise<unknown> =>
    (await execute(executor, { command, params: { connection } })).rollbackSummary;

  it('are not known to be absent where neither the user nor the backup user sees them', async () => {
    const { name } = database;
    expect(await summaryOf('alone', 'INSERT INTO t (id) VALUES (1)')).toEqual({
      available: true,
      exact: false,
      statements: 1,
      message: `whether \`${name}\`.\`t\` has triggers cannot be seen: GRANT TRIGGER ON \`${name}\`.* to the login`,
    });
  });

  it('are seen by the backup user for the user', async () => {
    expect(await summaryOf('seen', 'INSERT INTO t (id) VALUES (2)')).toEqual({
      available: true,
      exact: true,
      statements: 1,
    });
    expect(await summaryOf('seen', 'INSERT INTO triggering VALUES (1, 1)')).toMatchObject({
      exact: false,
      message: expect.stringContaining('has the trigger tr') as string,
    });
  });
});
