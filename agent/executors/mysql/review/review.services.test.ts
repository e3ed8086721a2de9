import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { service } from '../../../../test/services/service.ts';
import { TestDatabase } from '../testing/test-database.ts';
import type { RemarkCode } from './remark.ts';

interface Reviewed {
  readonly order_id: number;
  readonly error_level: number;
  readonly messages: readonly { readonly code: RemarkCode; readonly level: number; readonly text: string }[];
  readonly tables: readonly { readonly schema: string | null; readonly name: string; readonly use: string }[];
  readonly estimated_rows: number | null;
  readonly backup: { readonly possible: boolean; readonly exact: boolean; readonly message: string | null } | null;
}

describe.each(['mysql', 'mariadb'] as const)('params.review: only on %s', (flavour) => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await TestDatabase.create(await service(flavour));
    const { witness } = database;
    for (const sql of [
      'CREATE TABLE big (id INT PRIMARY KEY AUTO_INCREMENT, a INT, b VARCHAR(100), c INT NOT NULL DEFAULT 0, KEY (a))',
      'INSERT INTO big (a, b) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i, i FROM n',
      ...Array.from({ length: 4 }, () => 'INSERT INTO big (a, b) SELECT a, b FROM big'),
      'ANALYZE TABLE big',
      'CREATE TABLE small (id INT PRIMARY KEY, big_id INT)',
      'INSERT INTO small VALUES (1, 1), (2, 2)',
      'CREATE TABLE keyless (a INT)',
      'CREATE TABLE old (id INT PRIMARY KEY) ENGINE = MyISAM',
      'CREATE TABLE parent (id INT PRIMARY KEY)',
      'CREATE TABLE child (id INT PRIMARY KEY, parent_id INT, FOREIGN KEY (parent_id) REFERENCES parent (id) ON DELETE CASCADE)',
      'CREATE TABLE watched (id INT PRIMARY KEY)',
      'CREATE TRIGGER seen AFTER DELETE ON watched FOR EACH ROW DELETE FROM small',
      'CREATE VIEW shown AS SELECT id, a FROM big',
    ])
      await witness.query(sql);
  });
  afterAll(() => database.drop());

  async function review(sql: string, params: Record<string, unknown> = {}): Promise<readonly Reviewed[]> {
    const { outcome, result } = await database.run(sql, { review: 'only', result_format: 'json', ...params });
    const text = String(result);
    expect(outcome).toMatchObject({ state: 'Succeeded' });
    return (JSON.parse(text) as { readonly statements: readonly Reviewed[] }).statements;
  }

  const codes = async (sql: string): Promise<string> =>
    (await review(sql)).map(({ messages }) => messages.map(({ code }) => code).join(' ')).join(', ');

  it('answers in the lines of the manual', async () => {
    const { outcome, result } = await database.run('UPDATE small SET big_id = 3;\nSELECT 1', { review: 'only' });
    const text = String(result);
    expect(outcome).toEqual({
      state: 'Succeeded',
      message: '2 statements reviewed: 1 to look at, 0 that will fail, about 2 rows to change',
    });
    expect(text).toBe(
      [
        'Order ID: 1',
        'Stage: CHECKED',
        'Status: Audit Completed',
        'Error Level: 1',
        'Error: NoWhere: UPDATE without WHERE is for every row of small',
        'Affected Rows: about 2',
        'Rollback SQL: (possible)',
        'Tables: small (change)',
        'SQL: UPDATE small SET big_id = 3',
        '',
        'Order ID: 2',
        'Stage: CHECKED',
        'Status: Audit Completed',
        'Affected Rows: none, finds about 1',
        'SQL: SELECT 1',
      ].join('\n'),
    );
    expect(await database.values('SELECT big_id FROM small ORDER BY id')).toEqual([1, 2]);
  });

  it.each([
    ['UPDATE big SET b = 1 WHERE id = 5', ''],
    ['UPDATE big SET b = 1 WHERE a = 5', ''],
    ['UPDATE big SET b = 1', 'NoWhere LargeChange'],
    ["DELETE FROM big WHERE b = 'x'", 'FullScan LargeChange'],
    ['DELETE FROM big WHERE 2 > 1', 'AlwaysTrueWhere LargeChange'],
    ['DELETE FROM big WHERE LENGTH(UPPER(2)) = 1', 'AlwaysTrueWhere LargeChange'],
    ['DELETE FROM big WHERE 1 = 0', ''],
    ['INSERT INTO small SELECT id, a FROM big', 'FullScan LargeChange'],
    ['UPDATE small JOIN big ON big.id = small.big_id SET small.big_id = 0', ''],
    ['DELETE FROM keyless WHERE a = 1', 'NoPrimaryKey'],
    ['INSERT INTO keyless VALUES (1)', 'NoPrimaryKey'],
    ['DELETE FROM old WHERE id = 1', 'NotInnoDB'],
    ['DELETE FROM watched WHERE id = 1', 'Trigger'],
    ['DELETE FROM parent WHERE id = 1', 'CascadingForeignKey'],
    ['UPDATE parent SET id = 2 WHERE id = 1', ''],
    ['SELECT * FROM nowhere', 'UnknownTable'],
    ['UPDATE nowhere SET a = 1 WHERE b = 2', 'UnknownTable'],
    ['UPDATE small SET nothing = 1 WHERE id = 1', 'UnknownColumn'],
    ['INSERT INTO small VALUES (1, 2, 3)', 'WillFail'],
    ['UPDAT small SET a = 1', 'SyntaxError'],
    ['ALTER TABLE nowhere ADD a INT', 'UnknownTable'],
    ['ALTER TABLE small ADD', 'SyntaxError'],
    ['CREATE TABLE small (id INT PRIMARY KEY)', 'TableExists'],
    ['CREATE TABLE IF NOT EXISTS small (id INT PRIMARY KEY)', ''],
    ['DROP TABLE nowhere', 'DropTable UnknownTable'],
    ['DROP TABLE IF EXISTS nowhere', 'DropTable'],
    ['ALTER TABLE big MODIFY b VARCHAR(5)', 'LossyTypeChange'],
    ['ALTER TABLE big CHANGE c d INT UNSIGNED NOT NULL', 'LossyTypeChange'],
    ['ALTER TABLE big CONVERT TO CHARACTER SET latin1', 'LossyTypeChange'],
    ['ALTER TABLE big MODIFY b VARCHAR(200), ADD e INT', ''],
    ['UPDATE shown SET a = 1 WHERE id = 1', ''],
    ['SET GLOBAL no_such_thing = 1', 'SetGlobal UnknownObject'],
    ['USE no_such_database', 'UnknownObject'],
    ['SELECT COUNT(*) FROM information_schema.COLLATIONS', ''],
    ['SELECT 1 FROM mysql.user WHERE 1 = 0', ''],
    ["SELECT 1; SELECT 'a;b' FROM small -- x\n; DELETE FROM small WHERE id = 1", ', , '],
  ])('%s: %s', async (sql, expected) => {
    expect(await codes(sql)).toBe(expected);
  });

  it('says each thing in one line, however long the text and whatever is in it', async () => {
    const tables = Array.from({ length: 60 }, (_, index) => `t${index}`).join(', ');
    const { result } = await database.run(
      `SELECT *\nFROM nowhere WHERE\n'${'x'.repeat(5000)}\n; UPDATE ${tables} SET a = 1`,
      {
        review: 'only',
      },
    );
    expect(String(result)).toMatch(/^Error: SyntaxError: .{20,1100}$/m);
    const many = await database.run(`UPDATE ${tables} SET a = 1`, { review: 'only' });
    expect(String(many.result)).toMatch(/^Tables: t0 \(change\), .* and 10 more$/m);
  });

  it('follows what the script itself would make and change', async () => {
    expect(
      await codes(
        'CREATE TABLE made (id INT PRIMARY KEY); INSERT INTO made VALUES (1); SELEC * FROM made; ALTER TABLE small ADD more INT; UPDATE small SET more = 1 WHERE id = 1; CREATE DATABASE other; USE other; SELECT * FROM t',
      ),
    ).toBe(', TableFromScript, SyntaxError, , TableFromScript, , , TableFromScript');
    expect(await codes('BEGIN; DELETE FROM small WHERE id = 1; CREATE TABLE made (id INT PRIMARY KEY); COMMIT')).toBe(
      ', , ImplicitCommit, ',
    );
  });

  it('tells the tables, the rows and whether a backup would be exact', async () => {
    const [join, drop, watched] = await review(
      `UPDATE small s JOIN ${database.name}.big ON s.big_id = big.id SET s.big_id = 1; DROP TABLE big; DELETE FROM watched WHERE id = 1`,
    );
    expect(join?.tables).toEqual([
      { schema: null, name: 'small', use: 'change' },
      { schema: database.name, name: 'big', use: 'read' },
    ]);
    expect(join).toMatchObject({ estimated_rows: 2, backup: { possible: true, exact: true } });
    expect(drop?.estimated_rows).toBeGreaterThan(10_000);
    expect(drop?.backup).toMatchObject({ possible: false });
    expect(watched?.backup).toMatchObject({ possible: true, exact: false });
  });
});
