import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { service } from '../../../../test/services/service.ts';
import { TestDatabase } from '../testing/test-database.ts';
import { HOSTILE, PREPARATION } from './testing/hostile-statements.ts';

describe.each(['mysql', 'mariadb'] as const)('a review on %s', (flavour) => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await TestDatabase.create(await service(flavour));
    const { witness, name } = database;
    for (const sql of PREPARATION) await witness.query(sql.replaceAll('NAME', name));
  });
  afterAll(() => database.drop());

  /** What any of the statements would change. */
  async function serverState(): Promise<Record<string, unknown>> {
    const { name, witness } = database;
    const all = async (sql: string): Promise<string> => JSON.stringify((await witness.query(sql))[0]);
    const of = (view: string, column: string): Promise<string> =>
      all(`SELECT * FROM information_schema.${view} WHERE ${column} LIKE '${name}%' ORDER BY 1, 2, 3, 4, 5`);
    const [grants, columns, routines] = [
      await all(`SHOW GRANTS FOR ${name}`),
      await of('COLUMNS', 'TABLE_SCHEMA'),
      await of('ROUTINES', 'ROUTINE_SCHEMA'),
    ];
    return {
      rows: await all('CHECKSUM TABLE t, old, counted'),
      next: await all('SHOW CREATE TABLE counted'),
      views: await of('VIEWS', 'TABLE_SCHEMA'),
      triggers: await of('TRIGGERS', 'TRIGGER_SCHEMA'),
      events: await of('EVENTS', 'EVENT_SCHEMA'),
      databases: await of('SCHEMATA', 'SCHEMA_NAME'),
      statistics: await of('STATISTICS', 'TABLE_SCHEMA'),
      users: await all(`SELECT User, Host FROM mysql.user WHERE User LIKE '${name}%'`),
      settings: createHash('sha256')
        .update(await all("SHOW GLOBAL VARIABLES WHERE Variable_name IN ('event_scheduler', 'sql_mode', 'read_only')"))
        .digest('hex'),
      others: [grants, columns, routines],
    };
  }

  it.each(HOSTILE)('changes nothing by %s', async (written) => {
    const sql = written.replaceAll('NAME', database.name);
    const before = await serverState();
    const { outcome } = await database.run(sql, { review: 'only' });
    expect(outcome.state).toBe('Succeeded');
    expect(await serverState()).toEqual(before);
  });

  it('changes nothing by all of them in one script', async () => {
    const before = await serverState();
    const script = HOSTILE.map((sql) => sql.replaceAll('NAME', database.name)).join(';\n');
    const { outcome } = await database.run(script, { review: 'only' });
    expect(outcome.state).toBe('Succeeded');
    expect(await serverState()).toEqual(before);
  });

  it('would change something, were the server asked to explain what calls a function', async () => {
    if (flavour !== 'mariadb') return;
    await database.witness.query('EXPLAIN SELECT * FROM (SELECT writes_old()) x');
    expect(await database.values('SELECT COUNT(*) FROM old')).toEqual([1]);
  });

  it('waits for nobody who locks a table', async () => {
    const { witness } = database;
    await witness.query('LOCK TABLES t WRITE');
    try {
      const { outcome, result } = await database.run('UPDATE t SET a = 1 WHERE id = 1', { review: 'only' });
      expect(outcome.state).toBe('Succeeded');
      expect(String(result)).toMatch(/a table is locked by somebody|Audit Completed/);
    } finally {
      await witness.query('UNLOCK TABLES');
    }
  });
});
