import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe } from 'vitest';
import { freePort } from '../../../../test/kubernetes/free-port.ts';
import { hasServices, ownService } from '../../../../test/services/service.ts';
import type { OwnService } from '../../../../test/services/service.ts';
import { describeSource } from '../../conformance/describe-source.ts';
import { MysqlWorld } from './testing/mysql-world.ts';

const OPTIONS = ['--gtid-mode=OFF', '--enforce-gtid-consistency=OFF'];

describe.skipIf(!hasServices('mysql'))('MySQL without GTIDs', () => {
  let server: OwnService;
  beforeAll(async () => {
    server = await ownService('mysql', await freePort(), OPTIONS);
  });
  afterAll(() => server?.remove());

  const losePositions = async (): Promise<void> => {
    const { host, port, user, password } = server;
    const admin = await createConnection({ host, port, user, password });
    await admin.query('FLUSH BINARY LOGS');
    const [rows] = await admin.query('SHOW BINARY LOGS');
    const last = (rows as { Log_name: string }[]).at(-1)!.Log_name;
    await admin.query(`PURGE BINARY LOGS TO '${last}'`);
    await admin.end();
  };

  describe('with locks', () => describeSource('mysql', () => MysqlWorld.create(server, { losePositions })));

  describe('with a marker row', () =>
    describeSource('mysql', () => MysqlWorld.create(server, { losePositions, hasMarker: true })));
});
