import { describe, it } from 'vitest';
import { hasServices, service } from '../../../../test/services/service.ts';
import { raceToConsumer } from '../testing/race-to-consumer.ts';
import { BucketWorld } from './testing/bucket-world.ts';

describe.skipIf(!hasServices('s3'))('a sync of source_oss', () => {
  it('brings the consumer all objects however often it is stopped, and no version goes back', async () => {
    await raceToConsumer(await BucketWorld.create(await service('s3')), { version: 'size' });
  }, 120_000);
});
