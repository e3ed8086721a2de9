import { describe } from 'vitest';
import { hasServices, service } from '../../../../test/services/service.ts';
import { describeSource } from '../../conformance/describe-source.ts';
import { MysqlWorld } from './testing/mysql-world.ts';

describe.skipIf(!hasServices('mysql'))('MySQL with GTIDs', () => {
  describeSource('mysql', async () => MysqlWorld.create(await service('mysql')));
});

describe.skipIf(!hasServices('mariadb'))('MariaDB', () => {
  describeSource('mysql', async () => MysqlWorld.create(await service('mariadb')));
});
