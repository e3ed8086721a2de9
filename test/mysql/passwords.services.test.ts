import { randomBytes } from 'node:crypto';
import { createConnection } from 'mysql2/promise';
import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { execute } from '../../agent/conformance/executor.ts';
import type { Execution } from '../../agent/conformance/executor.ts';
import { GoInceptionStandIn } from '../../agent/executors/mysql/goinception/testing/stand-in.ts';
import { MysqlExecutor } from '../../agent/executors/mysql/mysql-executor.ts';
import { temporaryFolder } from '../../agent/testing/temporary-folder.ts';
import { hasServices, service } from '../services/service.ts';
import type { Service } from '../services/service.ts';

const USER = `passwords_${randomBytes(4).toString('hex')}`;
const SPECIAL = ' !"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~'.split('');
/** What the option comment of goInception, YAML, URLs and shells take for something else. */
const STRANGE = [
  ...[
    'remote',
    'xremoteremotex',
    'yes',
    'null',
    '~',
    '0123',
    '0x1F',
    '1e5',
    '2026-11-22',
    '*/',
    '/*x*/',
    '--execute=0;',
  ],
  ...[';--host=127.0.0.2', ' # x', '" or "', "it''s", '\\u0041', '%41', '$HOME', '${HOME}', 'a\tb', 'a\nb', 'ä€文😀'],
];
/** Each character at the start, in the middle and at the end; then all of them; then the words. */
const PASSWORDS = [
  ...SPECIAL.map((character) => `${character}a${character}${character}b${character}`),
  SPECIAL.join(''),
  SPECIAL.toReversed().join('x'),
  ...STRANGE,
];

describe.each((['mysql', 'mariadb'] as const).filter((name) => hasServices(name)))('passwords on %s', (name) => {
  let server: Service;
  let admin: Connection;

  beforeAll(async () => {
    server = await service(name);
    const { host, port, user, password } = server;
    admin = await createConnection({ host, port, user, password, charset: 'utf8mb4' });
    await admin.query(`CREATE DATABASE ${USER}`);
    await admin.query(`CREATE TABLE ${USER}.t (id INT PRIMARY KEY AUTO_INCREMENT)`);
    await admin.query(`CREATE USER ${USER}@'%' IDENTIFIED BY 'x'`);
    await admin.query(`GRANT ALL ON ${USER}.* TO ${USER}@'%'`);
  });
  afterAll(async () => {
    await admin.query(`DROP USER ${USER}@'%'`);
    await admin.query(`DROP DATABASE ${USER}`);
    await admin.end();
  });

  function run(executor: MysqlExecutor, password: string): Promise<Execution> {
    const { host, port } = server;
    const target = { host, port, user: USER, secret_ref: 'login', db: USER };
    const credentials = { login: { data: { password }, allowedHosts: undefined } };
    const params = { target, exec_options: { backup: false } };
    return execute(executor, { command: 'INSERT INTO t VALUES ()', params, credentials });
  }

  async function expectAll(executor: MysqlExecutor): Promise<void> {
    const failed: unknown[] = [];
    for (const password of PASSWORDS) {
      await admin.query(`ALTER USER ${USER}@'%' IDENTIFIED BY ${admin.escape(password)}`);
      const { outcome, result, log, evidence } = await run(executor, password);
      if (outcome.state !== 'Succeeded') failed.push([password, outcome]);
      // Short ones are parts of words.
      const shown = JSON.stringify([outcome, result.toString(), log, evidence]);
      if (password.length > 12 && shown.includes(JSON.stringify(password).slice(1, -1))) failed.push([password, shown]);
    }
    expect(failed).toEqual([]);
  }

  it('log in directly, whatever characters they have', async () => {
    const executor = new MysqlExecutor({ connections: new Map(), spoolFolder: temporaryFolder() });
    onTestFinished(() => executor.close());
    await expectAll(executor);
  });

  it('log in by way of goInception, whatever characters they have', async () => {
    const standIn = await GoInceptionStandIn.start();
    const executor = new MysqlExecutor({
      connections: new Map(),
      spoolFolder: temporaryFolder(),
      goInception: standIn.address,
    });
    onTestFinished(async () => {
      await executor.close();
      await standIn.close();
    });
    await expectAll(executor);
    expect(standIn.texts).toHaveLength(PASSWORDS.length);
  });
});
