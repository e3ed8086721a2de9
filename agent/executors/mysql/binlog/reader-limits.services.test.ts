import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { hasServices, service } from '../../../../test/services/service.ts';
import { BinlogReader } from './binlog-reader.ts';
import type { ReaderOptions } from './binlog-reader.ts';
import { currentPosition } from './current-position.ts';
import type { LoggedChange } from './row-change.ts';
import { LoggedDatabase } from './testing/logged-database.ts';

const FOREVER = new AbortController().signal;

describe.each(['mysql', 'mariadb'] as const)('BinlogReader within limits, with %s', (name) => {
  describe.skipIf(!hasServices(name))('real', () => {
    let db: LoggedDatabase;
    beforeAll(async () => {
      db = await LoggedDatabase.create(await service(name));
      await db.session.query('CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(200)) ENGINE=InnoDB');
    });
    beforeEach(() => db.session.query('DELETE FROM t'));
    afterAll(() => db.drop());
    const open = async (from = currentPosition(db.session), options?: ReaderOptions): Promise<BinlogReader> => {
      const reader = await db.open(await from, options);
      onTestFinished(() => reader.close());
      return reader;
    };
    const drop = async (user: string): Promise<void> => {
      await db.session.query(`DROP USER ${user}`);
    };
    const unknownGtid = (): string => (name === 'mysql' ? '3e11fa47-71ca-11e1-9e33-c80aa9429562:23' : '77-77-77');

    it('says which GRANT is missing', async () => {
      const user = `u_${db.name}`;
      await db.session.query(`CREATE USER ${user} IDENTIFIED BY 'Secret-1'`);
      onTestFinished(() => drop(user));
      const opened = open(undefined, { user, password: 'Secret-1' });
      await expect(opened).rejects.toMatchObject({
        reason: 'AccessDenied',
        message: expect.stringContaining('GRANT REPLICATION SLAVE'),
      });
      await expect(opened).rejects.not.toThrow('Secret-1');
      await expect(open(undefined, { user, password: 'wrong' })).rejects.toMatchObject({ reason: 'AccessDenied' });
      await db.session.query(`GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO ${user}`);
      await expect(open(undefined, { user, password: 'Secret-1' })).resolves.toBeInstanceOf(BinlogReader);
    });

    it('says that a file of the log is gone', async () => {
      await expect(open(Promise.resolve({ file: 'gone.000001', position: 4 }))).rejects.toMatchObject({
        reason: 'NotInLog',
      });
    });

    it('says that a transaction is not in the log, when it has read to its end', async () => {
      const from = await currentPosition(db.session);
      const reader = await open();
      await db.session.query("REPLACE INTO t VALUES (1, 'a')");
      const wanted = { gtid: unknownGtid(), threadId: 1, from };
      await expect(reader.transaction(wanted, db.columnsOf, () => undefined, FOREVER)).rejects.toMatchObject({
        reason: 'NotInLog',
      });
    });

    it('says so on a server that never rests', async () => {
      const from = await currentPosition(db.session);
      const reader = await open();
      const other = await db.connect();
      let stop = false;
      const busy = (async () => {
        for (let id = 100_000; !stop; id += 1) await other.query(`INSERT INTO t VALUES (${id}, '')`);
        await other.end();
      })();
      const wanted = { gtid: unknownGtid(), threadId: 1, from };
      await expect(reader.transaction(wanted, db.columnsOf, () => undefined, FOREVER)).rejects.toMatchObject({
        reason: 'NotInLog',
      });
      stop = true;
      await busy;
    });

    it('looks for no longer than it may, and stops when it is told', async () => {
      const from = await currentPosition(db.session);
      const wanted = { gtid: unknownGtid(), threadId: 1, from };
      const late = await open(undefined, { searchMs: 50 });
      await expect(late.transaction(wanted, db.columnsOf, () => undefined, FOREVER)).rejects.toMatchObject({
        reason: 'TimedOut',
      });
      const reader = await open();
      const reason = new Error('cancelled by user');
      await expect(reader.transaction(wanted, db.columnsOf, () => undefined, AbortSignal.abort(reason))).rejects.toBe(
        reason,
      );
      const stopping = new AbortController();
      const reading = reader.transaction(wanted, db.columnsOf, () => undefined, stopping.signal);
      stopping.abort(reason);
      await expect(reading).rejects.toBe(reason);
    });

    it('goes on where it was when the connection is lost in the middle', async () => {
      // Others read the log too: only the dumps of a user of one's own are killed.
      const user = `k_${db.name}`;
      await db.session.query(`CREATE USER ${user} IDENTIFIED BY 'Secret-1'`);
      await db.session.query(`GRANT REPLICATION SLAVE ON *.* TO ${user}`);
      onTestFinished(() => drop(user));
      const rows = Array.from({ length: 30_000 }, (_, id) => `(${id}, REPEAT('x', 150))`);
      await db.session.query('DELETE FROM t');
      const { wanted } = await db.commit(`INSERT INTO t VALUES ${rows.join(', ')}`);
      const reader = await open(Promise.resolve(wanted.from), { user, password: 'Secret-1' });
      const dumps = `SELECT ID AS id FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%' AND USER = '${user}'`;
      const killed: unknown[] = [];
      const kill = async (): Promise<void> => {
        for (const { id } of await db.session.rows(dumps)) killed.push(await db.session.query(`KILL ${id}`));
      };
      const ids: unknown[] = [];
      const read = await reader.transaction(
        wanted,
        db.columnsOf,
        (change) => {
          const [id] = change.after ?? [];
          ids.push(id?.kind === 'number' ? Number(id.text) : id);
          return ids.length === 10_000 ? kill() : undefined;
        },
        FOREVER,
      );
      expect(killed).toHaveLength(1);
      expect(read.changes).toBe(30_000);
      expect(ids).toEqual(rows.map((_, id) => id));
    });

    it('rejects with what the taker of changes rejects with', async () => {
      const { wanted, reader } = await db.commit("REPLACE INTO t VALUES (1, 'a')", 'DELETE FROM t WHERE id = 1');
      const failure = new Error('disk full');
      await expect(reader.transaction(wanted, db.columnsOf, () => Promise.reject(failure), FOREVER)).rejects.toBe(
        failure,
      );
      await expect(
        reader.transaction(
          wanted,
          () => Promise.reject(failure),
          () => undefined,
          FOREVER,
        ),
      ).rejects.toBe(failure);
      expect(await reader.transaction(wanted, db.columnsOf, () => undefined, FOREVER)).toMatchObject({ changes: 1 });
    });

    it('says what has changed of a table since', async () => {
      const { wanted } = await db.commit("REPLACE INTO t VALUES (50, 'a')");
      const facts = await db.columnsOf(db.name, 't');
      const read = async (columns: typeof facts): Promise<LoggedChange[]> => {
        const found: LoggedChange[] = [];
        const again = await open(Promise.resolve(wanted.from));
        await again.transaction(
          wanted,
          () => Promise.resolve(columns),
          (change) => void found.push(change),
          FOREVER,
        );
        again.close();
        return found;
      };
      const [id, v] = facts;
      expect(await read([id!])).toMatchObject([
        {
          kind: 'unreadable',
          why: expect.stringContaining('the log has 2 columns of the table, and the server shows 1'),
        },
      ]);
      expect(await read([id!, { ...v!, name: 'w' }])).toMatchObject([
        { kind: 'unreadable', why: expect.stringContaining('column 2 is named w now') },
      ]);
      expect(await read([{ ...id!, unsigned: true }, v!])).toMatchObject([
        { after: [{ kind: 'undecoded' }, { kind: 'text' }] },
      ]);
      expect(await read([id!, { ...v!, charset: 'latin1' }])).toMatchObject([
        { after: [{ kind: 'number' }, { kind: 'undecoded' }] },
      ]);
      expect(await read([{ ...id!, type: 'bigint' }, v!])).toMatchObject([
        { after: [{ kind: 'undecoded' }, { kind: 'text' }] },
      ]);
    });

    it('holds a few megabytes of a large transaction, however slowly they are taken', async () => {
      await db.session.query('DELETE FROM t');
      const { wanted, reader } = await db.commit(
        'START TRANSACTION',
        `INSERT INTO t SELECT a.n * 1000 + b.n, REPEAT('y', 190) FROM ${numbers('a', 100)} JOIN ${numbers('b', 1000)}`,
        'COMMIT',
      );
      globalThis.gc?.();
      const before = process.memoryUsage().arrayBuffers;
      let most = 0;
      let count = 0;
      await reader.transaction(
        wanted,
        db.columnsOf,
        () => {
          count += 1;
          if (count % 10_000 !== 0) return undefined;
          most = Math.max(most, process.memoryUsage().arrayBuffers - before);
          return delay(5);
        },
        FOREVER,
      );
      expect(count).toBe(100_000);
      expect(most).toBeLessThan(30 * 1024 * 1024);
    });
  });
});

/** A table of the numbers below `count`. */
const numbers = (alias: string, count: number): string =>
  `(WITH RECURSIVE r (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM r WHERE n < ${count - 1}) SELECT n FROM r) ${alias}`;
