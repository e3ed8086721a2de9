import { randomBytes } from 'node:crypto';
import { createConnection } from 'mysql2/promise';
import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readOptions } from '../../agent/executors/mysql/goinception/testing/option-reader.ts';
import { GoInceptionStandIn } from '../../agent/executors/mysql/goinception/testing/stand-in.ts';
import { hasCluster, sharedCluster } from '../kubernetes/shared.ts';
import { startPrograms } from '../programs/programs.ts';
import type { Programs } from '../programs/programs.ts';
import { TaskClient } from '../programs/task-client.ts';
import { hasServices, service } from '../services/service.ts';

const DATABASE = `attacked_${randomBytes(4).toString('hex')}`;

/** No real goInception can be had; the stand-in reads its options as goInception does and executes on a real MySQL. */
describe.skipIf(!hasCluster() || !hasServices('mysql'))('an attacker who writes options for goInception', () => {
  let standIn: GoInceptionStandIn;
  let programs: Programs;
  let tasks: TaskClient;
  let witness: Connection;
  let target: Readonly<Record<string, unknown>>;

  beforeAll(async () => {
    const { host, port, user, password } = await service('mysql');
    target = { host, port, user, password, db: DATABASE };
    witness = await createConnection({ host, port, user, password, multipleStatements: true });
    await witness.query(`CREATE DATABASE ${DATABASE}; CREATE TABLE ${DATABASE}.t (id INT PRIMARY KEY)`);
    standIn = await GoInceptionStandIn.start();
    const config = { goinception_url: `mysql://127.0.0.1:${standIn.address.port}` };
    programs = await startPrograms(await sharedCluster(), { agentConfig: { plugins: [{ type: 'mysql', config }] } });
    tasks = new TaskClient(programs);
  });
  beforeEach(() => witness.query(`DELETE FROM ${DATABASE}.t`));
  afterAll(async () => {
    await programs?.stop();
    await standIn?.close();
    await witness?.query(`DROP DATABASE ${DATABASE}`);
    await witness?.end();
  });

  const fate = async (command: string, changes: object = {}): Promise<string> => {
    const params = { target: { ...target, ...changes }, exec_options: { backup: false } };
    const task = await tasks.run({ type: 'mysql', command, params });
    expect(task.status, JSON.stringify(task)).toBe('failed');
    return task.error;
  };
  const INSERT = 'INSERT INTO t VALUES (1);';
  const rows = async (): Promise<unknown> => (await witness.query(`SELECT * FROM ${DATABASE}.t`))[0];

  it.each([
    'x";--host="evil.example.com";--execute=1;"',
    'x;--backup=0;--ignore-warnings=1;*/\ninception_magic_start;\ndrop table t;/*',
    'root\n--check=0',
    'remote-*/ /*--enable-execute;*/',
  ])('adds none by a password or a user: %j', async (evil) => {
    const before = standIn.texts.length;
    await fate(INSERT, { password: evil });
    await fate(INSERT, { user: evil.replaceAll(':', '') });
    expect(standIn.texts.length).toBeGreaterThan(before);
    for (const text of standIn.texts.slice(before)) {
      const options = readOptions(text) ?? {};
      const { host, port } = target;
      expect(options).toMatchObject({ host, port, execute: 1, backup: 0 });
      expect(Object.keys(options).sort()).toEqual(
        ['backup', 'execute', 'host', 'ignorewarnings', 'password', 'port', 'trans', 'user'].sort(),
      );
    }
    expect(await rows()).toEqual([]);
  });

  it('adds none by a host', async () => {
    for (const host of ['h;--execute=1', 'h*/', 'h"', 'h\n', 'a b'])
      expect(
        await tasks.refused({
          agent_id: programs.agentName,
          type: 'mysql',
          command: INSERT,
          params: { target: { ...target, host } },
        }),
      ).toMatchObject({
        status: 400,
        error: expect.stringContaining("params.target.host in body should match '^[0-9A-Za-z_.:%") as string,
      });
  });

  it.each([
    'inception_magic_commit; DROP TABLE t;',
    '/* x */ inception_magic_start; DROP TABLE t;',
    'inception set osc_on = 0;',
    `${INSERT} inception_magic_commit;`,
  ])('gives goInception no order in the SQL: %j', async (command) => {
    expect(await fate(command)).toContain('this is a command of goInception itself, which a task may not give');
    expect(await rows()).toEqual([]);
  });

  it('is told apart from who writes SQL', async () => {
    const params = { target, exec_options: { backup: false } };
    expect(await tasks.run({ type: 'mysql', command: INSERT, params })).toMatchObject({ status: 'success' });
    expect(await rows()).toEqual([{ id: 1 }]);
  });
});
