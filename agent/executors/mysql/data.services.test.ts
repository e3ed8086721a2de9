import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import type { Execution } from '../../conformance/executor.ts';
import { TestDatabase } from './testing/test-database.ts';

const SERVERS = (['mysql', 'mariadb'] as const).filter((name) => hasServices(name));

describe.each(SERVERS)('results of MysqlExecutor on %s', (server) => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await TestDatabase.create(await service(server));
  });
  afterEach(() => database?.drop());

  const run = (command: string, params: Record<string, unknown> = {}): Promise<Execution> =>
    database.run(command, { exec_options: { backup: false }, ...params });
  const text = ({ result }: Execution): string => result.toString();

  it('show rows as a table', async () => {
    const execution = await run(
      "CREATE TABLE r (a int, b text); INSERT INTO r VALUES (1, 'x'), (22, NULL); SELECT * FROM r",
    );
    expect(text(execution)).toMatch(
      /SQL: SELECT \* FROM r\n a {2}\| {2}b\n----\+------\n {2}1 \| x\n 22 \| NULL\n\(2 rows\)$/,
    );
    expect(text(await run('SELECT 1 AS one FROM DUAL WHERE FALSE'))).toMatch(/ one\n-----\n\(0 rows\)$/);
  });

  it('are one JSON document that loses no digit', async () => {
    await run(
      `CREATE TABLE v (big bigint, huge bigint unsigned, small int, exact decimal(65,30), f float, d double, bits bit(10),
       at datetime(6), stamp timestamp(6) NULL, t time(3), y year, doc json, bytes varbinary(10), chars varchar(20) CHARACTER SET latin1,
       kind enum('a,b', 'c'), kinds set('x', 'y'), place point, none int)`,
    );
    const execution = await run(
      `INSERT INTO v VALUES (-9223372036854775808, 18446744073709551615, 42, 12345678901234567890123456789012345.123456789012345678901234567890,
        0.5, 1e100, b'1000000001', '2024-02-29 23:59:59.123456', '2024-02-29 12:00:00.5', '-838:59:59', 2024, '{"a": 12345678901234567890.10}',
        0x00FF, 'é', 'a,b', 'x,y', ST_GeomFromText('POINT(1 2)'), NULL);
       SELECT * FROM v; SELECT nothing`,
      { result_format: 'json' },
    );
    const parsed = JSON.parse(text(execution)) as { statements: Record<string, unknown>[] };
    const [inserted, selected, failed] = parsed.statements;
    expect(inserted).toMatchObject({
      ...{ order_id: 1, stage: 'EXECUTED', stage_status: 'Rolled back', error_message: null, affected_rows: 1 },
      ...{ backup_dbname: null, rollback_sql: null },
    });
    expect(selected?.['rows']).toMatchObject([
      {
        ...{ big: '-9223372036854775808', huge: '18446744073709551615', small: 42, f: 0.5, d: 1e100, bits: '0x0201' },
        exact: '12345678901234567890123456789012345.123456789012345678901234567890',
        ...{ at: '2024-02-29 23:59:59.123456', stamp: '2024-02-29 12:00:00.500000', t: '-838:59:59.000', y: 2024 },
        ...{ bytes: '0x00FF', chars: 'é', kind: 'a,b', kinds: 'x,y', none: null },
        place: '0x000000000101000000000000000000F03F0000000000000040',
      },
    ]);
    expect(text(execution)).toContain('12345678901234567890.1');
    expect(selected?.['columns']).toMatchObject([
      { name: 'big', type: 'bigint' },
      { name: 'huge', type: 'bigint unsigned' },
      { name: 'small', type: 'int' },
      { name: 'exact', type: 'decimal' },
      ...[
        'float',
        'double',
        'bit',
        'datetime',
        'timestamp',
        'time',
        'year',
        'json',
        'varbinary',
        'varchar',
        'enum',
        'set',
      ].map((type) => ({ type })),
      { name: 'place' },
      { name: 'none', type: 'int' },
    ]);
    expect(failed).toMatchObject({ order_id: 3, stage_status: 'Execute failed', sql: 'SELECT nothing' });
    expect(parsed).toMatchObject({ success: false, committed: [], rolled_back: [[1, 2]], unknown: [] });
  });

  it.runIf(server === 'mariadb')('show the types that only MariaDB has', async () => {
    const execution = await run(
      "CREATE TABLE own (u uuid, i4 inet4, i6 inet6, v vector(2), j json); INSERT INTO own VALUES ('00112233-4455-6677-8899-aabbccddeeff', '10.0.0.1', '::1', Vec_FromText('[1,2]'), '{\"a\":1}'); SELECT * FROM own",
      { result_format: 'json' },
    );
    const { statements } = JSON.parse(text(execution)) as { statements: Record<string, unknown>[] };
    expect(statements[2]?.['rows']).toEqual([
      {
        ...{ u: '00112233-4455-6677-8899-aabbccddeeff', i4: '10.0.0.1', i6: '::1', v: '0x0000803F00000040' },
        j: { a: 1 },
      },
    ]);
  });

  it('hold every character, in names, values and errors', async () => {
    const execution = await run(
      "CREATE TABLE `täble` (`a``b` text) CHARACTER SET utf8mb4; INSERT INTO `täble` VALUES ('😀\\n\\0é'); SELECT * FROM `täble`; SELECT '中' FROM `nö`",
    );
    expect(text(execution)).toContain(' a`b\n-----------\n 😀\\n\\x00é\n(1 row)');
    expect(execution.outcome.message).toMatch(/Table '.*\.nö' doesn't exist/);
  });

  it('count statements without rows together beyond 10,000', async () => {
    await run('CREATE TABLE many (a int)');
    const inserts = Array.from({ length: 12_000 }, (_, index) => `INSERT INTO many VALUES (${index});\n`).join('');
    const execution = await run(`${inserts}SELECT COUNT(*) FROM many;`);
    expect(execution.outcome.message).toBe('12001 statements executed, 12001 rows');
    expect(text(execution)).toContain(
      '\n\nOrder IDs: 10001-12000\nStage: EXECUTED\nStatus: Execute Successfully\nAffected Rows: 2000\n\nOrder ID: 12001\n',
    );
    expect(text(execution)).toContain(' 12000\n(1 row)');
    expect(execution.log.length).toBeLessThan(1500);
  });

  it('find the failing one among statements that went together', async () => {
    await run('CREATE TABLE grouped (a int primary key)');
    const inserts = Array.from({ length: 290 }, (_, index) => `INSERT INTO grouped VALUES (${index});\n`).join('');
    const execution = await run(
      `${inserts}INSERT INTO grouped VALUES (5) -- why\n;\nINSERT INTO grouped VALUES (1000);`,
    );
    expect(execution.outcome.message).toMatch(
      /Statement 291: ERROR - Duplicate entry '5' .*\nSQL: INSERT INTO grouped VALUES \(5\) -- why\nSQLSTATE: 23000, error 1062, line 291\nStatements 1-200 were committed\. Statements 201-290 were rolled back\.$/,
    );
    expect(await database.values('SELECT COUNT(*) FROM grouped')).toEqual([200]);
    const broken = await run(
      `DELETE FROM grouped; ${inserts}INSERT INTO grouped VALUES (;\nINSERT INTO grouped VALUES (7777);\nSELECT 1`,
    );
    expect(broken.outcome.message).toMatch(
      /Statement 292: ERROR - You have an error in your SQL syntax; [^\n]* near '' at line \d\nSQL/,
    );
  });

  it('come of statements of any length that the server takes', async () => {
    const [packet] = (await database.values('SELECT @@max_allowed_packet')) as [number];
    const head = "SELECT LENGTH('') AS n";
    const FULL = 0xffffff;
    for (const length of [FULL - 2, FULL - 1, FULL, 20_000_000, packet - 1]) {
      const statement = `SELECT LENGTH('${'x'.repeat(length - head.length)}') AS n`;
      const { outcome, result } = await run(statement);
      if (length < packet - 1) expect(result.toString()).toContain(` ${length - head.length}\n(1 row)`);
      else
        expect(outcome.message).toContain(
          `the statement has ${length} bytes, and the server takes ${packet - 2} at most: see its max_allowed_packet`,
        );
    }
  });

  it('do not show the password that a statement holds', async () => {
    const execution = await run(`ALTER USER ${database.name} IDENTIFIED BY '${database.password}'; SELECT nothing`);
    expect(JSON.stringify(execution) + text(execution)).not.toContain(database.password);
  });

  it('say that a database does not exist', async () => {
    const execution = await run('SELECT 1', { target: database.target({ database: 'nowhere' }) });
    expect(execution.outcome).toMatchObject({
      reason: 'ConnectionFailed',
      message: expect.stringContaining("Unknown database 'nowhere'") as string,
    });
  });

  it('come without a database for whom the default one is not open', async () => {
    const user = `few_${database.name.slice(-8)}`;
    await database.witness.query(`CREATE USER ${user}@'%' IDENTIFIED BY '${database.password}'`);
    await database.witness.query(`GRANT SELECT ON ${database.name}.* TO ${user}@'%'`);
    const target = database.target({ user, database: undefined });
    const execution = await run('SELECT DATABASE() AS d', { target });
    expect(text(execution)).toMatch(/ NULL\n\(1 row\)$/);
    await run(`USE ${database.name}`, { target });
    expect(text(await run('SELECT DATABASE() AS d', { target }))).toMatch(/ NULL\n\(1 row\)$/);
    await database.witness.query(`DROP USER ${user}@'%'`);
  });
});
