import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ownService } from '../../../../test/services/service.ts';
import type { OwnService } from '../../../../test/services/service.ts';
import { TestDatabase } from '../testing/test-database.ts';
import { HOSTILE, PREPARATION } from './testing/hostile-statements.ts';

/** All that a review may ask a server; the last is how the log's reader introduces itself, to see whether a backup is possible. */
const QUESTIONS =
  /^(?:SET NAMES |SET SESSION |USE |PREPARE tiangong_review |DEALLOCATE PREPARE |START TRANSACTION READ ONLY$|ROLLBACK$|EXPLAIN FORMAT=TRADITIONAL (?![^]*\bINTO\b)(?:\(*SELECT|WITH)|SELECT [^;]* FROM information_schema\.|SELECT @@|SELECT CURRENT_ROLE\(\) AS role$|SHOW |SET @(?:replica_uuid|mariadb_slave_capability)=)/i;

describe.each([
  ['mysql', 13471, 'SHOW BINARY LOG STATUS'],
  ['mariadb', 13472, 'SHOW MASTER STATUS'],
] as const)('the log of a %s server that nobody else uses', (name, port, position) => {
  let server: OwnService;
  let database: TestDatabase;

  beforeAll(async () => {
    server = await ownService(name, port);
    database = await TestDatabase.create(server);
    for (const sql of PREPARATION) await database.witness.query(sql.replaceAll('NAME', database.name));
  }, 120_000);
  afterAll(async () => {
    await database.drop();
    await server.remove();
  });

  it('has nothing of a review, which asks only what cannot change anything', async () => {
    const { witness } = database;
    const script = HOSTILE.map((sql) => sql.replaceAll('NAME', database.name)).join(';\n');
    await witness.query("SET GLOBAL log_output = 'TABLE'");
    const [before] = await witness.query(position);
    await witness.query('SET GLOBAL general_log = ON');
    const { outcome } = await database.run(script, { review: 'only' });
    await witness.query('SET GLOBAL general_log = OFF');
    expect(outcome.state).toBe('Succeeded');
    const asked = await database.values(
      `SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log WHERE command_type = 'Query' AND user_host LIKE '%${database.name}%' ORDER BY event_time`,
    );
    expect(asked.length).toBeGreaterThan(100);
    expect(asked.filter((sql) => !QUESTIONS.test(String(sql)))).toEqual([]);
    expect((await witness.query(position))[0]).toEqual(before);
  });
});
