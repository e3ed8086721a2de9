import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../../test/services/service.ts';
import { temporaryFolder } from '../../../testing/temporary-folder.ts';
import { BackupServer } from './backup-server.ts';
import type { InceptionRow } from './result-row.ts';
import { RollbackScript } from './rollback-script.ts';
import { InceptionDatabase } from './testing/inception-database.ts';

const MANY = 100_000;

describe.skipIf(!hasServices('mariadb'))('the rollback SQL of a backup server', () => {
  let database: InceptionDatabase;
  let settings: Parameters<typeof BackupServer.connect>[0];

  beforeAll(async () => {
    database = await InceptionDatabase.create(await service('mariadb'));
    const { host, port, user, password } = database.server;
    const passwordFile = join(database.spoolFolder, 'password');
    writeFileSync(passwordFile, `${password}\n`);
    settings = { host, port, user, passwordFile };
    const { witness, backupDatabase: name } = database;
    await witness.query(`CREATE DATABASE ${name}`);
    await witness.query(
      `CREATE TABLE ${name}.\`$_$Inception_backup_information$_$\` (opid_time varchar(50) PRIMARY KEY, tablename varchar(64))`,
    );
    for (const table of ['a', 'b'])
      await witness.query(
        `CREATE TABLE ${name}.${table} (id bigint AUTO_INCREMENT PRIMARY KEY, rollback_statement mediumtext, opid_time varchar(50), KEY (opid_time))`,
      );
  });
  afterAll(() => database?.drop());

  const row = (sequence: string): InceptionRow => ({
    ...{ orderId: 1, stage: 'EXECUTED', errorLevel: 0, status: 'Execute Successfully, Backup Successfully' },
    ...{ error: undefined, sql: 'UPDATE a SET v = 1', affectedRows: 1, sequence, executeTime: '0.001' },
    backupDatabase: database.backupDatabase,
  });
  const keep = async (sequence: string, table: string, select: string): Promise<void> => {
    const { witness, backupDatabase: name } = database;
    await witness.query(`INSERT INTO ${name}.\`$_$Inception_backup_information$_$\` VALUES (?, ?)`, [sequence, table]);
    await witness.query(`INSERT INTO ${name}.${table} (rollback_statement, opid_time) SELECT ${select}`, [sequence]);
  };

  it('comes in the order of the statements, whatever tables they changed, and by the exact sequence', async () => {
    await keep('1_7_00000002', 'a', "'first;', ?");
    await keep('1_7_00000003', 'b', "'second ', ?");
    await keep('1_7_00000004', 'a', "'third;', ?");
    await keep('1_7_000000021', 'a', "'another one''s;', ?");
    const server = await BackupServer.connect(settings);
    const taken: string[] = [];
    const rows = ['1_7_00000002', '1_7_00000003', '1_7_00000009', '1_7_00000004'].map(row);
    const found = await server.fetch(rows, (sql) => void taken.push(sql));
    await server.end();
    expect(taken).toEqual(['first;', 'second;', 'third;']);
    expect([...found]).toEqual([
      ['1_7_00000002', { head: 'first;', statements: 1 }],
      ['1_7_00000003', { head: 'second;', statements: 1 }],
      ['1_7_00000004', { head: 'third;', statements: 1 }],
    ]);
  });

  it('is given on row by row, of a statement with many backwards and from the disk', async () => {
    const statement = "CONCAT('UPDATE `shop`.`a` SET `v`=\\'', REPEAT('x', 90), '\\' WHERE `id`=', seq, ';')";
    await keep('2_7_00000001', 'a', `${statement}, ? FROM seq_1_to_${MANY}`);
    const script = new RollbackScript({
      ...{ settings, spoolFolder: temporaryFolder(), wanted: true },
      ...{ signal: new AbortController().signal, graceMs: 1000 },
    });
    const only = row('2_7_00000001');
    const said = (await script.take([only])).get(only);
    expect(Buffer.byteLength(said?.sql ?? '')).toBeLessThan(1100);
    expect(said?.sql).toMatch(new RegExp(`WHERE \`id\`=1; UPDATE .*… \\(${MANY} statements\\)$`));
    let next = MANY;
    let most = 0;
    let rest = '';
    let summary: unknown;
    const rollback = {
      write: (bytes: Buffer): undefined => {
        most = Math.max(most, bytes.length);
        const lines = (rest + bytes.toString()).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines.filter((text) => text.startsWith('UPDATE'))) {
          if (!line.endsWith(` WHERE \`id\`=${next};`)) throw new Error(`${line} instead of ${next}`);
          next -= 1;
        }
      },
      end: (given: unknown): void => {
        summary = given;
      },
    };
    await script.finish({ name: 'task-1', rollback }, (text) => text);
    await script.close();
    expect([next, rest]).toEqual([0, '']);
    expect(most).toBeLessThan(2 * 1024 * 1024);
    expect(summary).toMatchObject({ available: true, exact: false, statements: MANY });
  });
});
