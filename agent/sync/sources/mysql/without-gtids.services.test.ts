import { afterAll, beforeAll, describe } from 'vitest';
import { freePort } from '../../../../test/kubernetes/free-port.ts';
import { hasServices, ownService } from '../../../../test/services/service.ts';
import type { OwnService } from '../../../../test/services/service.ts';
import { describeSource } from '../../conformance/describe-source.ts';
import { MysqlWorld } from './testing/mysql-world.ts';
import type { WorldOptions } from './testing/mysql-world.ts';

const OPTIONS = ['--gtid-mode=OFF', '--enforce-gtid-consistency=OFF'];

describe.skipIf(!hasServices('mysql'))('MySQL without GTIDs', () => {
  let server: OwnService;
  beforeAll(async () => {
    server = await ownService('mysql', await freePort(), OPTIONS);
  });
  afterAll(() => server?.remove());

  const create = async (options: WorldOptions = {}): Promise<MysqlWorld> => {
    const losePositions = async (): Promise<void> => {
      await world.run('FLUSH BINARY LOGS');
      await world.purge();
    };
    const world = await MysqlWorld.create(server, { losePositions, ...options });
    return world;
  };

  describe('with locks', () => describeSource('mysql', create));

  describe('with a marker row', () => describeSource('mysql', () => create({ hasMarker: true })));
});
