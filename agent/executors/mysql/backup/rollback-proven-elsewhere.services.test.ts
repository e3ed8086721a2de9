import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ownService } from '../../../../test/services/service.ts';
import type { OwnService } from '../../../../test/services/service.ts';
import { TestDatabase } from '../testing/test-database.ts';
import { describeRollback } from './testing/describe-rollback.ts';

/** As many servers are set: no GTIDs, a log that names no columns, or that is compressed. */
describe.each([
  ['mysql', 13361, ['--gtid-mode=OFF', '--enforce-gtid-consistency=OFF', '--binlog-row-metadata=MINIMAL']],
  [
    'mysql',
    13363,
    ['--binlog-row-metadata=MINIMAL', '--binlog-transaction-compression=ON', '--binlog-row-image=MINIMAL'],
  ],
  [
    'mariadb',
    13365,
    ['--binlog-format=MIXED', '--binlog-row-metadata=NO_LOG', '--log-bin-compress=1', '--log-bin-compress-min-len=10'],
  ],
] as const)('%s on port %d with %j', (flavour, port, options) => {
  let server: OwnService;

  beforeAll(async () => {
    server = await ownService(flavour, port, options);
  });
  afterAll(() => server.remove());

  describeRollback(`${flavour} ${options.join(' ')}`, flavour, () => Promise.resolve(server));

  it('undoes what procedures do, which commit as they like', async () => {
    const database = await TestDatabase.create(server);
    await database.witness.query('CREATE TABLE t (id INT PRIMARY KEY)');
    await database.witness.query(
      'CREATE PROCEDURE two() BEGIN INSERT INTO t VALUES (1); COMMIT; INSERT INTO t VALUES (2); END',
    );
    const { rollbackSummary, rollback } = await database.run('CALL two(); CREATE TABLE u (id INT); CALL two()');
    expect(rollbackSummary).toMatchObject({ exact: true, statements: 2 });
    await database.run(rollback.toString(), { rollback_of: 'task-1' });
    expect(await database.values('SELECT id FROM t')).toEqual([]);
    await database.drop();
  });
});
