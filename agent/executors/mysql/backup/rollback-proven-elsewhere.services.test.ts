import { freePort } from '../../../../test/kubernetes/free-port.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasServices, ownService } from '../../../../test/services/service.ts';
import type { OwnService } from '../../../../test/services/service.ts';
import { TestDatabase } from '../testing/test-database.ts';
import { describeRollback } from './testing/describe-rollback.ts';

const NO_GTIDS = ['--gtid-mode=OFF', '--enforce-gtid-consistency=OFF', '--binlog-row-metadata=MINIMAL'];
const COMPRESSED = [
  '--binlog-row-metadata=MINIMAL',
  '--binlog-transaction-compression=ON',
  '--binlog-row-image=MINIMAL',
];
const MIXED = ['--binlog-format=MIXED', '--binlog-row-metadata=NO_LOG', '--log-bin-compress=1'];

const CASES = [
  ['without GTIDs', 'mysql', NO_GTIDS],
  ['that compresses its log', 'mysql', COMPRESSED],
  ['that logs statements where it can', 'mariadb', [...MIXED, '--log-bin-compress-min-len=10']],
] as const;

/** As many servers are set. */
describe.each(CASES.filter(([, flavour]) => hasServices(flavour)))('a server %s, a %s', (what, flavour, options) => {
  let server: OwnService;

  beforeAll(async () => {
    server = await ownService(flavour, await freePort(), options);
  });
  afterAll(() => server?.remove());

  describeRollback(`${flavour} ${what}`, flavour, () => Promise.resolve(server));

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
