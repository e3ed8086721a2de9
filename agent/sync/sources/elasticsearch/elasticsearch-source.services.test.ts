import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../../test/services/service.ts';
import { describeSource } from '../../conformance/describe-source.ts';
import { SourceReader } from '../../conformance/source-reader.ts';
import { SourceUnderTest } from '../../conformance/source-under-test.ts';
import type { SnapshotChunk } from '../../snapshot.ts';
import type { Source } from '../../source.ts';
import type { Row } from '../../sync-event.ts';
import { ElasticsearchWorld } from './testing/elasticsearch-world.ts';

const { signal } = new AbortController();

describe.skipIf(!hasServices('elasticsearch'))('elasticsearch', () => {
  describeSource('elasticsearch', async () => await ElasticsearchWorld.create(await service('elasticsearch')));

  describe('the source elasticsearch', () => {
    let world: ElasticsearchWorld;
    let test: SourceUnderTest;

    beforeEach(async () => {
      world = await ElasticsearchWorld.create(await service('elasticsearch'));
      test = new SourceUnderTest(world);
    });
    afterEach(() => test?.close());

    const rowsOf = ({ entries }: SourceReader): Row[] => entries.flatMap(({ event }) => event?.rows ?? []);
    const snapshot = async (rows: number): Promise<SnapshotChunk[]> => {
      const reader = await test.open().openSnapshot({ wanted: undefined, after: undefined }, signal);
      const chunks: SnapshotChunk[] = [];
      for (let chunk; (chunk = await reader.next(chunks.at(-1)?.cursor, rows, signal)) !== undefined;)
        chunks.push(chunk);
      await reader.close();
      return chunks;
    };

    it('brings each document once, though every poll finds it again', async () => {
      const reader = await SourceReader.open(test.open());
      await world.put(1, 1);
      await reader.until(() => rowsOf(reader).length > 0);
      await world.put(2, 1);
      await reader.until(() => rowsOf(reader).length > 1);
      const polls = reader.entries.length;
      await reader.until((entries) => entries.length > polls + 5);
      expect(rowsOf(reader).map((row) => world.keyOf(row))).toEqual([1, 2]);
      await reader.stop();
    });

    it('finds documents that come later than their timestamp, within the overlap', async () => {
      const reader = await SourceReader.open(test.open());
      await world.put(1, 1);
      await world.write('late', { '@timestamp': Date.now() - 30_000, key: 2, version: 1 });
      await reader.until(() => rowsOf(reader).length > 1);
      expect(rowsOf(reader).map((row) => world.keyOf(row))).toEqual(expect.arrayContaining([1, 2]));
      await reader.stop();
    });

    it('is not blinded by a timestamp in the future', async () => {
      const reader = await SourceReader.open(test.open());
      await world.write('future', { '@timestamp': '2199-01-01T00:00:00Z', key: 1, version: 1 });
      await reader.until(() => rowsOf(reader).length > 0);
      await world.put(2, 1);
      await reader.until(() => rowsOf(reader).length > 1);
      await reader.stop();
    });

    it('is not blinded by one either for what was written while nobody asked', async () => {
      const driverParams = { ...world.config.driverParams, overlap_sec: 0.001 };
      const open = (): Source => test.open({ ...world.config, driverParams });
      const first = await SourceReader.open(open());
      await world.write('future', { '@timestamp': '2199-01-01T00:00:00Z', key: 1, version: 1 });
      await first.until(() => rowsOf(first).length > 0);
      const checkpoint = await first.commit();
      await first.stop();
      await world.write('meanwhile', { '@timestamp': Date.now(), key: 2, version: 1 });
      const second = await SourceReader.open(open(), { checkpoint });
      await second.until(() => rowsOf(second).some((row) => world.keyOf(row) === 2));
      await second.stop();
    });

    it('gives documents as they are: nested, with their id and index, and every digit of their numbers', async () => {
      const text = `{"@timestamp":1,"user":{"name":"x"},"big":9007199254740993,"small":0.1,"one":1.0}`;
      await world.ask('POST', `/${world.index}/_bulk?refresh=true`, `{"index":{"_id":"a"}}\n${text}\n`);
      const [chunk] = await snapshot(10);
      expect(chunk).toMatchObject({
        event_schema: world.config.uri,
        table: world.index,
        fields: ['@timestamp', 'user', 'big', 'small', 'one', '_id', '_index'],
        rows: [
          {
            '@timestamp': 1,
            user: { name: 'x' },
            big: '9007199254740993',
            small: 0.1,
            one: 1,
            _id: 'a',
            _index: world.index,
          },
        ],
      });
    });

    it('snapshots documents without a timestamp too, and very many of one timestamp', async () => {
      const lines = Array.from({ length: 500 }, (_, key) => {
        const date = key % 5 === 0 ? {} : { '@timestamp': key % 5 === 1 ? key : 7000 };
        return `{"index":{"_id":"${String(key)}"}}\n${JSON.stringify({ ...date, key })}\n`;
      });
      await world.ask('POST', `/${world.index}/_bulk?refresh=true`, lines.join(''));
      const chunks = await snapshot(60);
      const keys = chunks.flatMap(({ rows }) => rows.map((row) => world.keyOf(row))).sort((a, b) => a - b);
      expect(keys).toEqual(Array.from({ length: 500 }, (_, key) => key));
      expect(chunks[0]?.progress).toEqual({ tablesDone: 0, tablesTotal: 1, estimatedRows: 500 });
    });

    it('refuses a timestamp that is none', async () => {
      const driverParams = { ...world.config.driverParams, timestamp_field: 'user.name' };
      const { failure } = await SourceReader.open(test.open({ ...world.config, driverParams }));
      expect(failure).toMatchObject({
        reason: 'ConfigurationInvalid',
        message: `timestamp_field 'user.name' must be a field of dates in ${world.index}: it is of type keyword`,
      });
    });

    it('says which fields there are, those within objects with dots', async () => {
      const result = await world.driver.actions.discover_fields_no_cache?.(world.actionInput, signal);
      expect(result).toEqual({
        success: true,
        message: '成功发现 5 个可用字段。',
        fields: {
          properties: {
            _id: { type: 'string', column_index: 0 },
            _index: { type: 'string', column_index: 1 },
            '@timestamp': { type: 'string', column_index: 2 },
            user: { type: 'object', column_index: 3 },
            'user.name': { type: 'string', column_index: 4 },
          },
        },
      });
    });

    it('logs in with an API key that may read one index only', async () => {
      const index = [{ names: [world.index], privileges: ['read', 'view_index_metadata'] }];
      const made = await world.ask('POST', '/_security/api_key', {
        name: world.index,
        role_descriptors: { r: { index } },
      });
      const credential = { data: { user: 'sync', key: String(made['encoded']) }, allowedHosts: undefined };
      const { wizard, actions } = world.driver;
      for (const step of wizard.steps.flatMap(({ validations }) => validations)) {
        const result = await actions[step as keyof typeof actions]?.({ ...world.actionInput, credential }, signal);
        expect(result).toMatchObject({ success: true });
      }
      const reader = await SourceReader.open(test.open({ ...world.config, credential }));
      await world.put(1, 1);
      await reader.until(() => rowsOf(reader).length > 0);
      await reader.stop();
      await world.ask('DELETE', '/_security/api_key', { ids: [made['id']] });
    });

    it('names the privileges that a login lacks', async () => {
      const user = `reader-${world.index}`;
      await world.ask('PUT', `/_security/user/${user}`, { password: 'only-reads', roles: [] });
      const credential = { data: { user, passwd: 'only-reads' }, allowedHosts: undefined };
      const result = await world.driver.actions.check_privileges?.({ ...world.actionInput, credential }, signal);
      await world.ask('DELETE', `/_security/user/${user}`);
      expect(result).toEqual({
        success: false,
        message: `用户 '${user}' 对索引 '${world.index}' 缺少权限: read, view_index_metadata`,
      });
    });
  });
});
