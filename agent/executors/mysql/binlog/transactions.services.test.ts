import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { hasServices, service } from '../../../../test/services/service.ts';
import { currentPosition } from './current-position.ts';
import type { LoggedChange } from './row-change.ts';
import { LoggedDatabase } from './testing/logged-database.ts';

const brief = (changes: readonly LoggedChange[]): string[] =>
  changes.map((change) => {
    const image = change.after ?? change.before;
    const shown = change.kind === 'unreadable' ? change.why : (image ?? []).map((value) => shownValue(value)).join(',');
    return `${change.table} ${change.kind} ${shown}${change.statementEnd ? ' end' : ''}`;
  });
const shownValue = (value: object | null): string =>
  value === null
    ? 'NULL'
    : 'text' in value
      ? String(value.text)
      : 'bytes' in value
        ? String(value.bytes)
        : 'why' in value
          ? String(value.why)
          : '?';

describe.each(['mysql', 'mariadb'] as const)('transactions in the log of %s', (name) => {
  describe.skipIf(!hasServices(name))('real', () => {
    let db: LoggedDatabase;
    beforeEach(async () => {
      db = await LoggedDatabase.create(await service(name));
      await db.session.query('CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(200)) ENGINE=InnoDB');
    });
    afterEach(() => db.drop());

    it('leave out what was rolled back to a savepoint', async () => {
      const changes = await db.changes(
        'START TRANSACTION',
        "INSERT INTO t VALUES (1, 'a')",
        'SAVEPOINT s',
        "INSERT INTO t VALUES (2, 'b')",
        'ROLLBACK TO s',
        "INSERT INTO t VALUES (3, 'c')",
        'COMMIT',
      );
      expect(brief(changes)).toEqual(['t insert 1,a end', 't insert 3,c end']);
    });

    it('hold what triggers did as parts of the statement', async () => {
      await db.session.query('CREATE TABLE source (id INT)');
      await db.session.query('CREATE TABLE audit (n INT)');
      await db.session.query(
        'CREATE TRIGGER tr AFTER INSERT ON source FOR EACH ROW INSERT INTO audit VALUES (NEW.id * 10)',
      );
      const changes = await db.changes(
        'START TRANSACTION',
        'INSERT INTO source VALUES (1), (2)',
        'DELETE FROM source',
        'COMMIT',
      );
      expect(brief(changes).filter((line) => line.endsWith(' end'))).toHaveLength(2);
      expect(
        brief(changes)
          .map((line) => line.replace(/ end$/, ''))
          .sort(),
      ).toEqual([
        'audit insert 10',
        'audit insert 20',
        'source delete 1',
        'source delete 2',
        'source insert 1',
        'source insert 2',
      ]);
    });

    it('have the values of generated columns, and none of columns that nobody sees', async () => {
      await db.session.query(
        `CREATE TABLE g (id INT PRIMARY KEY, a INT, s INT AS (a + 1) STORED, v INT AS (a + 2) VIRTUAL${name === 'mysql' ? ', h INT INVISIBLE, KEY f ((a * 2))' : ''})`,
      );
      const [change] = await db.changes('INSERT INTO g (id, a) VALUES (1, 5)');
      const facts = await db.columnsOf(db.name, 'g');
      expect(change?.after).toHaveLength(facts.length);
      expect(brief([change!])).toEqual([
        name === 'mysql' ? 'g insert 1,5,6,7,NULL end' : expect.stringMatching(/^g insert 1,5,6,/),
      ]);
    });

    it('of XA are told when they are prepared', async () => {
      const from = await currentPosition(db.session);
      const xid = `'${db.name}'`;
      await db.session.query(`XA START ${xid}`);
      await db.session.query("INSERT INTO t VALUES (60, 'xa')");
      for (const verb of ['END', 'PREPARE', 'COMMIT']) await db.session.query(`XA ${verb} ${xid}`);
      const until = await currentPosition(db.session);
      const reader = await db.open(from);
      onTestFinished(() => reader.close());
      const found: LoggedChange[] = [];
      await db.read(reader, { threadId: db.session.threadId, from, until }, (change) => void found.push(change));
      expect(brief(found)).toEqual(['t insert 60,xa end']);
    });

    it('are passed over when they are of others', async () => {
      await db.session.query("INSERT INTO t VALUES (1, '')");
      const others = await Promise.all(Array.from({ length: 4 }, () => db.connect()));
      let stop = false;
      const busy = others.map(async (session, index) => {
        for (let id = 1000 * (index + 1); !stop; id += 1) await session.query(`INSERT INTO t VALUES (${id}, 'other')`);
        await session.end();
      });
      for (let round = 0; round < 20; round += 1) {
        const changes = await db.changes(
          'START TRANSACTION',
          `UPDATE t SET v = 'r${round}' WHERE id = 1`,
          `DELETE FROM t WHERE id = 1`,
          "INSERT INTO t VALUES (1, '')",
          'COMMIT',
        );
        expect(brief(changes)).toEqual([`t update 1,r${round} end`, `t delete 1,r${round} end`, 't insert 1, end']);
      }
      stop = true;
      await Promise.all(busy);
    });

    it('are refused where they do not tell whole rows', async () => {
      await db.session.query('SET SESSION binlog_row_image = MINIMAL');
      await db.session.query("REPLACE INTO t VALUES (5, 'x')");
      const changes = await db.changes("UPDATE t SET v = 'y' WHERE id = 5");
      expect(brief(changes)).toEqual([
        't unreadable its rows are logged without all of their columns (binlog_row_image) end',
      ]);
    });

    it('are refused where they tell statements and no rows', async () => {
      await db.session.query('SET SESSION binlog_format = STATEMENT');
      await db.session.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
      const changes = await db.changes('START TRANSACTION', "REPLACE INTO t VALUES (6, 'x')", 'COMMIT');
      expect(changes).toMatchObject([
        {
          kind: 'unreadable',
          schema: db.name,
          why: "the log has a statement and no rows: REPLACE INTO t VALUES (6, 'x')",
          statementEnd: true,
        },
      ]);
    });

    it('have rows of many columns and large values', async () => {
      const columns = Array.from({ length: 500 }, (_, index) => `c${index} INT NULL`);
      await db.session.query(`CREATE TABLE wide (${columns.join(', ')}) ROW_FORMAT=DYNAMIC`);
      const values = columns.map((_, index) => (index % 3 === 0 ? 'NULL' : String(index)));
      expect(brief(await db.changes(`INSERT INTO wide VALUES (${values.join(', ')})`))).toEqual([
        `wide insert ${values.join(',')} end`,
      ]);
      await db.session.query('CREATE TABLE big (b LONGBLOB)');
      // A packet of the protocol ends at 16 MiB; MariaDB's own limit is below.
      const megabytes = name === 'mysql' ? 18 : 15;
      const [change] = await db.changes(`INSERT INTO big VALUES (REPEAT(0x00FF0A, ${megabytes / 3}000000))`);
      const [value] = change?.after ?? [];
      expect(
        value?.kind === 'bytes' && value.bytes.equals(Buffer.alloc(megabytes * 1_000_000, Buffer.from([0, 255, 10]))),
      ).toBe(true);
    });

    it('are found without a GTID by the thread, all between two positions', async () => {
      const from = await currentPosition(db.session);
      await db.session.query("REPLACE INTO t VALUES (7, 'a')");
      await db.session.query("UPDATE t SET v = 'b' WHERE id = 7");
      const until = await currentPosition(db.session);
      await db.session.query('DELETE FROM t WHERE id = 7');
      const reader = await db.open(from);
      onTestFinished(() => reader.close());
      const { threadId } = db.session;
      const found: LoggedChange[] = [];
      const take = (change: LoggedChange) => void found.push(change);
      expect(await db.read(reader, { threadId, from, until }, take)).toEqual({ found: true, changes: 2 });
      expect(brief(found)).toEqual(['t insert 7,a end', 't update 7,b end']);
      expect(await db.read(reader, { threadId, from: until }, take)).toEqual({ found: true, changes: 1 });
      const end = await currentPosition(db.session);
      expect(await db.read(reader, { threadId, from: end, until: end }, take)).toEqual({ found: false, changes: 0 });
    });
  });
});

describe.skipIf(!hasServices('mysql'))('transactions that MySQL logs in its own ways', () => {
  let db: LoggedDatabase;
  beforeEach(async () => {
    db = await LoggedDatabase.create(await service('mysql'));
    await db.session.query('CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(200), j JSON)');
  });
  afterEach(() => db.drop());

  it('are read when they are compressed, by GTID and by thread', async () => {
    await db.session.query('SET SESSION binlog_transaction_compression = ON');
    const from = await currentPosition(db.session);
    const rows = Array.from({ length: 500 }, (_, id) => `(${id}, REPEAT('ab', 100), NULL)`);
    const changes = await db.changes(
      'START TRANSACTION',
      `INSERT INTO t VALUES ${rows.join(', ')}`,
      'DELETE FROM t WHERE id < 3',
      'COMMIT',
    );
    expect(changes).toHaveLength(503);
    expect(changes.filter(({ statementEnd }) => statementEnd)).toHaveLength(2);
    const reader = await db.open(from);
    onTestFinished(() => reader.close());
    const found: LoggedChange[] = [];
    const until = await currentPosition(db.session);
    await db.read(reader, { threadId: db.session.threadId, from, until }, (change) => void found.push(change));
    expect(found).toEqual(changes);
    await db.session.query('SET SESSION binlog_transaction_compression = OFF');
  });

  it('are refused where JSON is told in parts', async () => {
    await db.session.query("SET SESSION binlog_row_value_options = 'PARTIAL_JSON'");
    await db.session.query(`REPLACE INTO t VALUES (900, '', '{"a": 1, "b": "${'x'.repeat(200)}"}')`);
    const changes = await db.changes("UPDATE t SET j = JSON_SET(j, '$.a', 2) WHERE id = 900");
    expect(changes).toMatchObject([{ kind: 'unreadable', why: expect.stringContaining('binlog_row_value_options') }]);
    await db.session.query("SET SESSION binlog_row_value_options = ''");
  });

  it('are told whole of CREATE TABLE with the rows of a SELECT', async () => {
    const changes = await db.changes('CREATE TABLE made AS SELECT 1 AS n UNION SELECT 2');
    expect(changes).toMatchObject([
      { kind: 'unreadable', why: expect.stringContaining('CREATE TABLE `made`') },
      { kind: 'insert', table: 'made' },
      { kind: 'insert', table: 'made', statementEnd: true },
    ]);
  });

  it('are found by GTIDs with a tag', async () => {
    await db.session.query("SET SESSION gtid_next = 'AUTOMATIC:task_7'");
    const { wanted, reader } = await db.commit("REPLACE INTO t VALUES (901, 'tagged', NULL)");
    await db.session.query("SET SESSION gtid_next = 'AUTOMATIC'");
    expect(wanted.gtid).toMatch(/:task_7:\d+$/);
    expect(await db.read(reader, wanted, () => undefined)).toEqual({ found: true, changes: 1 });
  });
});

describe.skipIf(!hasServices('mariadb'))('transactions that MariaDB logs in its own ways', () => {
  let db: LoggedDatabase;
  beforeEach(async () => {
    db = await LoggedDatabase.create(await service('mariadb'));
    await db.session.query('CREATE TABLE t (id INT PRIMARY KEY) ENGINE=InnoDB');
    await db.session.query('CREATE TABLE m (id INT) ENGINE=MyISAM');
  });
  afterEach(() => db.drop());

  it('are told apart from those of tables that know no transactions', async () => {
    expect(brief(await db.changes('INSERT INTO m VALUES (1)'))).toEqual(['m insert 1 end']);
    expect(
      brief(await db.changes('START TRANSACTION', 'INSERT INTO t VALUES (1)', 'INSERT INTO m VALUES (2)', 'COMMIT')),
    ).toEqual(['t insert 1 end']);
  });

  it('hold what could not be rolled back with the rest', async () => {
    await db.session.query('INSERT INTO t VALUES (1)');
    const changes = await db.changes(
      'START TRANSACTION',
      'INSERT INTO t VALUES (2)',
      'INSERT INTO m SELECT id FROM t',
      'ROLLBACK',
    );
    expect(brief(changes)).toEqual(['m insert 1', 'm insert 2 end']);
  });
});
