import { describe } from 'vitest';
import { hasServices, service } from '../../../../test/services/service.ts';
import { describeSource } from '../../conformance/describe-source.ts';
import { sourceWorld } from './testing/postgres-world.ts';

describe.skipIf(!hasServices('postgres'))('PostgreSQL', () => {
  describeSource('postgres', async () => sourceWorld(await service('postgres')));
});
