import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../../test/services/service.ts';
import { describeSource } from '../../conformance/describe-source.ts';
import { SourceReader } from '../../conformance/source-reader.ts';
import { SourceUnderTest } from '../../conformance/source-under-test.ts';
import type { SnapshotChunk } from '../../snapshot.ts';
import { BucketWorld } from './testing/bucket-world.ts';

const { signal } = new AbortController();

describe.skipIf(!hasServices('s3'))('source_oss', () => {
  describeSource('source_oss', async () => await BucketWorld.create(await service('s3')));

  describe('the source source_oss', () => {
    let world: BucketWorld;
    let test: SourceUnderTest;

    beforeEach(async () => {
      world = await BucketWorld.create(await service('s3'));
      test = new SourceUnderTest(world);
    });
    afterEach(() => test?.close());

    const told = ({ entries }: SourceReader): string[] =>
      entries.flatMap(({ event }) =>
        (event?.rows ?? []).map((row) => `${event?.event_type ?? ''} ${String(row['file_path'])}`),
      );
    const snapshot = async (rows: number): Promise<SnapshotChunk[]> => {
      const reader = await test.open().openSnapshot({ wanted: undefined, after: undefined }, signal);
      const chunks: SnapshotChunk[] = [];
      for (let chunk; (chunk = await reader.next(chunks.at(-1)?.cursor, rows, signal)) !== undefined;)
        chunks.push(chunk);
      return chunks;
    };

    it('tells what is new, what has changed, and what is gone', async () => {
      await world.write('old', Buffer.from('1'));
      const reader = await SourceReader.open(test.open());
      await world.write('new/a', Buffer.from('1'));
      await reader.until(() => told(reader).length === 1);
      await world.write('old', Buffer.from('22'));
      await reader.until(() => told(reader).length === 2);
      await world.delete('new/a');
      await reader.until(() => told(reader).length === 3);
      expect(told(reader)).toEqual(['insert new/a', 'update old', 'delete new/a']);
      const [insert] = reader.entries.flatMap(({ event }) => event ?? []);
      expect(insert).toMatchObject({
        fields: ['file_path', 'size', 'modified_time', 'etag'],
        rows: [{ file_path: 'new/a', size: 1, etag: 'c4ca4238a0b923820dcc509a6f75849b' }],
        event_schema: world.bucket,
        table: 'objects',
      });
      await reader.stop();
    });

    it('tells of what went while nobody listed, also of what it may only have told', async () => {
      await world.write('known', Buffer.from('1'));
      const first = await SourceReader.open(test.open());
      const checkpoint = await first.commit();
      await world.write('told', Buffer.from('1'));
      await first.until(() => told(first).length === 1);
      await first.stop();
      await world.delete('known');
      await world.delete('told');
      const second = await SourceReader.open(test.open(), { checkpoint });
      await second.until(() => told(second).length === 2);
      expect(told(second)).toEqual(['delete known', 'delete told']);
      await second.stop();
    });

    it('forgets what was settled: it is not told again', async () => {
      const first = await SourceReader.open(test.open());
      await world.write('a', Buffer.from('1'));
      await world.write('b', Buffer.from('1'));
      await first.until(() => told(first).length === 2);
      const checkpoint = await first.commit();
      await first.stop();
      const second = await SourceReader.open(test.open(), { checkpoint });
      await world.delete('b');
      await second.until(() => told(second).length === 1);
      expect(told(second)).toEqual(['delete b']);
      await second.stop();
    });

    it('keeps to its prefix, and to one level where it is told to', async () => {
      for (const key of ['x', 'logs/a', 'logs/b/c', 'logs/d', 'logt']) await world.write(key, Buffer.from('1'));
      const keysOf = async (params: Readonly<Record<string, unknown>>): Promise<string[]> => {
        const config = { ...world.config, driverParams: { ...world.config.driverParams, ...params } };
        const reader = await test.open(config).openSnapshot({ wanted: undefined, after: undefined }, signal);
        const keys: string[] = [];
        for (let cursor; ;) {
          const chunk: SnapshotChunk | undefined = await reader.next(cursor, 1, signal);
          if (chunk === undefined) return keys;
          keys.push(...chunk.keys);
          ({ cursor } = chunk);
        }
      };
      expect(await keysOf({ prefix: 'logs/' })).toEqual(['logs/a', 'logs/b/c', 'logs/d']);
      expect(await keysOf({ prefix: 'logs/', recursive: false })).toEqual(['logs/a', 'logs/d']);
    });

    it('lists and compares more objects than a page has', async () => {
      const keys = Array.from({ length: 1200 }, (_, i) => `k${String(i).padStart(5, '0')}`);
      const writers = Array.from({ length: 8 }, async (_, writer) => {
        for (let i = writer; i < keys.length; i += 8) await world.write(keys[i] ?? '', Buffer.from('1'));
      });
      await Promise.all(writers);
      expect((await snapshot(700)).map((chunk) => chunk.rows.length)).toEqual([700, 500]);
      const reader = await SourceReader.open(test.open());
      await world.delete('k00001');
      await world.write('k01199', Buffer.from('22'));
      await reader.until(() => told(reader).length === 2);
      expect(told(reader).sort()).toEqual(['delete k00001', 'update k01199']);
      await reader.stop();
    }, 180_000);

    it('reads without a login what everyone may read, and nothing else', async () => {
      const test_connection = world.driver.actions.test_connection;
      const input = { ...world.actionInput, credential: undefined };
      expect(await test_connection?.(input, signal)).toEqual({
        success: false,
        message: `the bucket '${world.bucket}' at ${world.config.uri}: access is denied (AccessDenied)`,
      });
      await world.open();
      expect(await test_connection?.(input, signal)).toEqual({
        success: true,
        message: `连接成功，存储桶 '${world.bucket}' 可访问。`,
      });
    });

    it('says what is wrong with a bucket that is not there', async () => {
      const driverParams = { ...world.config.driverParams, bucket_name: 'no-such-bucket' };
      const result = await world.driver.actions.test_connection?.({ ...world.actionInput, driverParams }, signal);
      expect(result).toEqual({
        success: false,
        message: `the bucket 'no-such-bucket' at ${world.config.uri}: NoSuchBucket`,
      });
    });
  });
});
