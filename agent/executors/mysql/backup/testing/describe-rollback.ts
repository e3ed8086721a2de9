import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasServices } from '../../../../../test/services/service.ts';
import type { Service } from '../../../../../test/services/service.ts';
import { execute } from '../../../../conformance/executor.ts';
import type { Execution } from '../../../../conformance/executor.ts';
import { MysqlExecutor } from '../../mysql-executor.ts';
import type { MysqlSession } from '../../session/session.ts';
import type { TableFacts } from '../table-facts.ts';
import { BackupDatabase } from './backup-database.ts';
import { everyType, FOREIGN_JSON } from './every-type.ts';
import { exactRows } from './exact-rows.ts';
import { OtherSessions } from './other-sessions.ts';
import { createTable, KEYS, randomScript, TASK } from './random-script.ts';
import type { TableName } from './random-script.ts';

/** More for a long look: ROLLBACK_RUNS=200. */
const RUNS = Number(process.env['ROLLBACK_RUNS'] ?? 12);

/** Shows that a task's rows become what they were, and those of others stay as they are. */
export function describeRollback(name: string, flavour: 'mysql' | 'mariadb', server: () => Promise<Service>): void {
  describe.skipIf(!hasServices(flavour))(`the rollback of random changes on ${name}`, () => {
    const types = [...everyType(flavour), ...(flavour === 'mysql' ? [FOREIGN_JSON] : [])];
    const spoolFolder = mkdtempSync(join(tmpdir(), 'tiangong-proven-'));
    let database: BackupDatabase;
    let executor: MysqlExecutor;
    let session: MysqlSession;
    let others: MysqlSession[];
    const facts: TableFacts[] = [];

    beforeAll(async () => {
      database = await BackupDatabase.create(await server());
      executor = new MysqlExecutor({ connections: new Map(), spoolFolder });
      session = await database.session();
      others = await OtherSessions.connect(database);
      for (const name of Object.keys(KEYS) as TableName[]) {
        await session.query(createTable(name, types));
        facts.push(await database.facts(session, name));
      }
    });
    afterAll(async () => {
      await executor.close();
      await database.drop();
      rmSync(spoolFolder, { recursive: true });
    });

    const run = (command: string, params: Record<string, unknown>): Promise<Execution> => {
      const { host, port, user, password = '' } = database.target;
      const target = { host, port, user, database: database.name, secret_ref: 'login' };
      const credentials = { login: { data: { password }, allowedHosts: undefined } };
      return execute(executor, { command, params: { target, ...params }, credentials });
    };

    const rows = async (where: string): Promise<string[][]> => {
      const found: string[][] = [];
      for (const table of facts) found.push(await exactRows(session, table, where));
      return found;
    };

    it(
      'brings back every row of the task and touches none of eight others',
      async () => {
        await fc.assert(
          fc.asyncProperty(randomScript(types), fc.integer({ min: 1, max: 12 }), async (script, trans_batch_size) => {
            for (const { table } of facts) {
              await session.query(`DELETE FROM ${table}`);
              await session.query(
                `INSERT INTO ${table} (who, tag, part) VALUES (${TASK}, 0, 'x'), (${TASK}, 3, 'Ÿ'), (${TASK}, 5, '')`,
              );
            }
            const before = await rows(`who = ${TASK}`);

            const beside = new OtherSessions(others, types, 1);
            const done = await run(script, { exec_options: { backup: true, trans_batch_size } });
            await beside.stop();
            const left = await rows(`who BETWEEN 1 AND 8`);
            expect(done.outcome.state, JSON.stringify(done.outcome)).toMatch(/^(Succeeded|Failed)$/);
            expect(done.rollbackSummary, JSON.stringify(done.outcome)).toMatchObject({ exact: true });

            const meanwhile = new OtherSessions(others, types, 11);
            if (done.rollbackSummary?.available === true) await rollBack(done.rollback.toString());
            await meanwhile.stop();
            expect(await rows(`who = ${TASK}`)).toEqual(before);
            expect(await rows(`who BETWEEN 1 AND 8`)).toEqual(left);
          }),
          { numRuns: RUNS },
        );
      },
      30_000 * RUNS,
    );

    /** Again when the server chose it to give way to another session. */
    async function rollBack(script: string): Promise<void> {
      for (;;) {
        const { outcome } = await run(script, { rollback_of: 'task-1' });
        if (outcome.state === 'Succeeded') return;
        expect(outcome.message).toMatch(/Deadlock found|Lock wait timeout|Record has changed/);
      }
    }
  });
}
