import { describe, it } from 'vitest';
import { hasServices, service } from '../../../../test/services/service.ts';
import { raceToConsumer } from '../testing/race-to-consumer.ts';
import { ElasticsearchWorld } from './testing/elasticsearch-world.ts';

describe.skipIf(!hasServices('elasticsearch'))('a sync of elasticsearch', () => {
  it('brings the consumer all documents however often it is stopped, and no version goes back', async () => {
    await raceToConsumer(await ElasticsearchWorld.create(await service('elasticsearch')), { keys: ['_id'] });
  }, 120_000);
});
