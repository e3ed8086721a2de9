import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Execution } from '../../agent/conformance/executor.ts';
import { freePort } from '../kubernetes/free-port.ts';
import { hasServices, ownService, service } from '../services/service.ts';
import type { OwnService, Service } from '../services/service.ts';
import { MysqlPlace } from './mysql-place.ts';

const ASKED = { exec_options: { backup: true } };
const TABLE = 'CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20)); ';
const INSERT = "INSERT INTO t VALUES (1, 'x')";

/** A server, what it was started with, and who can have a backup there. */
interface Case {
  readonly what: string;
  readonly server: 'mysql' | 'mariadb';
  readonly options: readonly string[] | undefined;
  readonly backedUp: readonly string[];
  readonly refused: readonly (readonly [connection: string, reason: RegExp])[];
}

const RIGHTS = /REPLICATION|BINLOG|privilege|right/i;
const CASES: readonly Case[] = (['mysql', 'mariadb'] as const).flatMap((server): Case[] => [
  {
    ...{ what: 'as the tests have it', server, options: undefined },
    backedUp: ['root', 'with backup user'],
    refused: [['own', RIGHTS]],
  },
  {
    ...{ what: 'whose row image is MINIMAL', server, options: ['--binlog-row-image=MINIMAL'] },
    backedUp: ['root'],
    refused: [
      ['own', /row.image|REPLICATION|BINLOG/i],
      ['with backup user', /row.image/i],
    ],
  },
  {
    ...{ what: 'whose row metadata is MINIMAL', server, options: ['--binlog-row-metadata=MINIMAL'] },
    backedUp: ['root', 'with backup user'],
    refused: [],
  },
  {
    ...{ what: 'without a binary log', server, options: ['--skip-log-bin'] },
    backedUp: [],
    refused: [
      ['own', /binary log/i],
      ['root', /binary log/i],
      ['with backup user', /binary log/i],
    ],
  },
  {
    ...{ what: 'whose binary log has statements', server, options: ['--binlog-format=STATEMENT'] },
    backedUp: ['root'],
    refused: [['with backup user', /format/i]],
  },
  ...(server === 'mariadb'
    ? []
    : [
        {
          ...{ what: 'without GTIDs', server, options: ['--gtid-mode=OFF', '--enforce-gtid-consistency=OFF'] },
          backedUp: ['root', 'with backup user'],
          refused: [['own', RIGHTS]] as const,
        },
      ]),
]);

describe.each(CASES.filter(({ server }) => hasServices(server)))(
  'a backup on a $server $what',
  ({ server: name, options, backedUp, refused }) => {
    let own: OwnService | undefined;
    let place: MysqlPlace;

    beforeAll(async () => {
      if (options !== undefined) own = await ownService(name, await freePort(), options);
      const server: Service = own ?? (await service(name));
      place = await MysqlPlace.create(server);
    });
    afterAll(async () => {
      await place?.drop();
      await own?.remove();
    });

    const message = ({ outcome }: Execution): string => (outcome.state === 'Failed' ? outcome.message : '');
    const run = async (connection: string, command: string, params: object = {}): Promise<Execution> => {
      await place.rows('DROP TABLE IF EXISTS t');
      return place.run(command, { connection, ...params });
    };

    if (backedUp.length > 0)
      it.each(backedUp)('is made for %s, asked for or not, and undoes what was done', async (connection) => {
        for (const params of [{}, ASKED]) {
          const execution = await run(connection, `${TABLE}${INSERT}; UPDATE t SET a = 'y'`, params);
          expect(execution.outcome, message(execution)).toMatchObject({ state: 'Succeeded' });
          expect(execution.result.toString()).toMatch(/\nRollback SQL: UPDATE .*\nSQL: UPDATE t SET a = 'y'/);
          expect(execution.rollbackSummary).toMatchObject({ available: true, exact: true, statements: 2 });
          expect(execution.rollback.toString()).toMatch(/UPDATE .*;\nDELETE .*;\n/s);
        }
      });

    if (refused.length > 0)
      it.each(refused)(
        'is impossible for %s: refused when asked for, else the result says why',
        async (connection, why) => {
          const asked = await run(connection, `${TABLE}${INSERT}`, ASKED);
          expect(asked.outcome).toMatchObject({ state: 'Failed', reason: 'BackupNotPossible' });
          expect(message(asked)).toMatch(/^backup is not possible: /);
          expect(message(asked)).toMatch(why);
          expect(await place.rows("SHOW TABLES LIKE 't'")).toEqual([]);

          const unasked = await run(connection, `${TABLE}${INSERT}`);
          expect(unasked.outcome, message(unasked)).toMatchObject({ state: 'Succeeded' });
          const [, reason = ''] = /\nRollback SQL: \(none: (.*)\)\nSQL: INSERT/.exec(unasked.result.toString()) ?? [];
          expect(reason).toMatch(why);
          expect(unasked.rollbackSummary?.available ?? false).toBe(false);
          expect(await place.rows('SELECT * FROM t')).toEqual([{ id: 1, a: 'x' }]);
        },
      );

    it('is not needed to read or to create', async () => {
      const execution = await run('own', `${TABLE}SELECT * FROM t`, ASKED);
      expect(execution.outcome, message(execution)).toMatchObject({ state: 'Succeeded' });
    });
  },
);

describe.each((['mysql', 'mariadb'] as const).filter((name) => hasServices(name)))(
  'a user of %s with rights on one database',
  (name) => {
    let place: MysqlPlace;

    beforeAll(async () => {
      place = await MysqlPlace.create(await service(name));
    });
    afterAll(() => place?.drop());

    it('works there, and is told what it may not do elsewhere', async () => {
      const here = await place.run(`${TABLE}${INSERT}; SELECT * FROM t; DELETE FROM t`);
      expect(here.outcome).toMatchObject({ state: 'Succeeded' });
      const elsewhere = await place.run('INSERT INTO mysql.help_topic SELECT * FROM mysql.help_topic');
      expect(elsewhere.outcome).toMatchObject({
        state: 'Failed',
        reason: 'StatementFailed',
        message: expect.stringMatching(/denied/) as string,
      });
    });

    it('can stop its own statements', async () => {
      const execution = await place.run('SELECT SLEEP(600)', { exec_options: { timeout_ms: 500 } });
      expect(execution.outcome).toMatchObject({ state: 'Failed', reason: 'TimeoutExceeded' });
      const running = `SELECT info FROM information_schema.processlist WHERE user = '${place.name}' AND info LIKE '%SLEEP%'`;
      expect(await place.rows(running)).toEqual([]);
    });
  },
);
