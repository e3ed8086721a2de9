import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import { describeExecutor, execute } from '../../conformance/executor.ts';
import type { Work } from '../../conformance/executor.ts';
import { ElasticsearchExecutor } from './elasticsearch-executor.ts';
import { TestIndices, credentials, randomIndexName } from './testing/test-indices.ts';

const WRONG_PASSWORD = 'wr0ng-pa55word';

describe.skipIf(!hasServices('elasticsearch'))('ElasticsearchExecutor', () => {
  const index = randomIndexName();
  let indices: TestIndices;

  beforeAll(async () => {
    indices = await TestIndices.create(await service('elasticsearch'), index);
    await indices.ask('PUT', `/${index}-big`, { mappings: { enabled: false } });
    await indices.ask('PUT', `/${index}-big/_doc/1?refresh=true`, { text: 'x'.repeat(5_000_000) });
  });
  afterAll(() => indices?.drop());

  describeExecutor(
    'ElasticsearchExecutor',
    () => {
      const of = indices.unused();
      const actions = Array.from({ length: 1000 }, (_, id) => ({ index: { _id: String(id), _source: { id } } }));
      const slowly = (timeout_ms: number): Work =>
        indices.work(
          { operation: 'bulk', index: of, actions },
          { exec_options: { trans_batch_size: 1, sleep_ms: 50, timeout_ms } },
        );
      return Promise.resolve({
        executor: indices.executor,
        succeeding: indices.work({ operation: 'index', index, doc: { a: 'b' } }),
        failing: indices.work({ operation: 'update', index, id: 'missing', doc: {} }),
        endless: {
          ...slowly(600_000),
          begun: () => vi.waitFor(async () => expect(await indices.source('0', of)).toEqual({ id: 0 })),
        },
        // One document of that size is there.
        big: () => indices.work({ operation: 'search', index: `${index}-big` }),
        invalid: [
          { command: '{}' },
          { command: '{"operation":"bulk","index":"a","actions":[{"index":{}}]}' },
          indices.work({ operation: 'index', index, doc: {} }, { target: { port: 1 } }),
          indices.work({ operation: 'index', index, doc: {} }, { target: indices.target({ protocol: 'native' }) }),
          indices.work({ operation: 'index', index, doc: {} }, { exec_options: { timeout_ms: 0 } }),
        ],
        remote: {
          unreachable: indices.work({ operation: 'count', index }, { target: indices.target({ port: 1 }) }),
          wrongPassword: indices.work(
            { operation: 'count', index },
            {},
            { credentials: credentials({ password: WRONG_PASSWORD }) },
          ),
          secrets: [indices.server.password, WRONG_PASSWORD],
          running: async () => {
            const { tasks } = await indices.ask('GET', '/_tasks?actions=*bulk*&group_by=none&detailed');
            return (tasks as { description: string }[]).filter(({ description }) => description.includes(of)).length;
          },
          endlessFor: slowly,
        },
      });
    },
    'remote',
  );

  describe('with the manual’s examples', () => {
    it('indexes a document (example 1)', async () => {
      await indices.ask('DELETE', `/${index}/_doc/1`);
      const result = await indices.succeeded(
        `{"operation":"index","index":"${index}","id":"1","doc":{"field":"value"}}`,
        {
          exec_options: { timeout_ms: 600_000 },
        },
      );
      expect(result).toMatch(/^Index operation completed\nID: 1\nResponse: \{.*"result":"created".*\}$/);
      expect(await indices.source('1')).toEqual({ field: 'value' });
    });

    it('sends bulk actions with an API key (example 2), encoded or as id and key', async () => {
      const made = await indices.ask('POST', '/_security/api_key', { name: index, expiration: '1h' });
      const command = { operation: 'bulk', index, actions: [{ index: { _id: '2', _source: { field: 'value' } } }] };
      for (const key of [String(made['encoded']), `${String(made['id'])}:${String(made['api_key'])}`]) {
        const execution = await indices.run(
          command,
          { target: indices.target({ user: undefined }) },
          { credentials: credentials({ api_key: key }) },
        );
        expect(execution.result.toString()).toMatch(
          /^Bulk operation completed\nDocuments affected: 1\nResponse: \{.*\}$/,
        );
        expect(JSON.stringify([execution, execution.result.toString()])).not.toContain(key);
      }
      const ids = [made['id']];
      await indices.ask('DELETE', '/_security/api_key', { ids });
      const { outcome } = await indices.run(
        command,
        { target: indices.target({ user: undefined }) },
        { credentials: credentials({ api_key: String(made['encoded']) }) },
      );
      expect(outcome).toMatchObject({ reason: 'AuthenticationFailed' });
      expect(outcome.message).toMatch(/^authentication failed: /);
      expect(outcome.message).not.toContain(made['api_key']);
    });

    it('sends the bulk command of the format section', async () => {
      await indices.ask('PUT', `/${index}/_doc/1`, { field: 'old' });
      const command = { operation: 'bulk', index, actions: [{ index: { _id: '1', _source: { field: 'value' } } }] };
      const response = JSON.parse((await indices.succeeded(command)).split('Response: ')[1] ?? '') as Record<
        string,
        unknown
      >;
      expect(response).toMatchObject({ errors: false, items: [{ index: { _id: '1', status: 200 } }] });
    });

    it('updates a document', async () => {
      await indices.ask('PUT', `/${index}/_doc/update`, { a: 1, b: 1 });
      const result = await indices.succeeded({ operation: 'update', index, id: 'update', doc: { b: 2 } });
      expect(result).toMatch(/^Update operation completed\nID: update\nResponse: \{.*"result":"updated".*\}$/);
      expect(await indices.source('update')).toEqual({ a: 1, b: 2 });
    });

    it('deletes what a query finds', async () => {
      const of = indices.unused();
      for (const kind of ['a', 'a', 'b']) await indices.ask('POST', `/${of}/_doc?refresh=true`, { kind });
      const command = { operation: 'delete_by_query', index: of, query: { match: { kind: 'a' } }, refresh: true };
      expect(await indices.succeeded(command)).toMatch(
        /^Delete by query completed\nDocuments deleted: 2\nResponse: \{.*"deleted":2.*\}$/,
      );
      expect(await indices.count(of)).toBe(1);
    });

    it('uses the connection named default when the task names none', async () => {
      const fromFile = new ElasticsearchExecutor({
        connections: new Map([
          [
            'default',
            {
              name: 'default',
              host: indices.server.host,
              port: indices.server.port,
              user: indices.server.user,
              passwordEnv: 'ES_TEST_PASSWORD',
            },
          ],
        ]),
        spoolFolder: indices.spoolFolder,
      });
      vi.stubEnv('ES_TEST_PASSWORD', indices.server.password);
      onTestFinished(async () => {
        vi.unstubAllEnvs();
        await fromFile.close();
      });
      const { outcome, result } = await execute(fromFile, { command: JSON.stringify({ operation: 'count', index }) });
      expect(outcome).toMatchObject({ state: 'Succeeded' });
      expect(result.toString()).toMatch(/^Count completed\nDocuments: \d+\nResponse: /);
      expect(
        (await execute(indices.executor, { command: JSON.stringify({ operation: 'count', index }) })).outcome,
      ).toMatchObject({
        reason: 'ConnectionNotFound',
      });
    });
  });

  it('keeps numbers that JavaScript would change', async () => {
    await indices.succeeded(
      `{"operation":"index","index":"${index}","id":"n","doc":{"big":9007199254740993,"one":1.0}}`,
    );
    const answer = await fetch(`http://${indices.server.host}:${indices.server.port}/${index}/_source/n`, {
      headers: {
        authorization: `Basic ${Buffer.from(`${indices.server.user}:${indices.server.password}`).toString('base64')}`,
      },
    });
    expect(await answer.text()).toBe('{"big":9007199254740993,"one":1.0}');
    const found = await indices.succeeded({
      operation: 'search',
      index,
      query: { ids: { values: ['n'] } },
      refresh: undefined,
    });
    expect(found).toMatch(/\(\d rows?\)$/);
  });

  it('manages documents and indices', async () => {
    const of = indices.unused();
    expect(
      await indices.succeeded({
        operation: 'create_index',
        index: of,
        mappings: { properties: { a: { type: 'keyword' } } },
      }),
    ).toMatch(/^Create index completed\nIndex: test-/);
    await indices.succeeded({ operation: 'index', index: of, id: '1', doc: { a: 'b' }, op_type: 'create' });
    const again = await indices.run({ operation: 'index', index: of, id: '1', doc: { a: 'b' }, op_type: 'create' });
    expect(again.outcome).toMatchObject({
      reason: 'VersionConflict',
      message: expect.stringMatching(/^Index operation failed: 409 version_conflict/) as string,
    });
    await indices.succeeded({ operation: 'refresh', index: of });
    const table = await indices.succeeded({ operation: 'search', index: of });
    expect(table).toBe('Search completed\nHits: 1\n _id | a\n-----+---\n 1   | b\n(1 row)');
    const counted = await indices.succeeded({
      operation: 'search',
      index: of,
      aggs: { by: { terms: { field: 'a' } } },
    });
    expect(counted).toMatch(/^Search completed\nHits: 1\nResponse: \{.*"buckets":\[\{"key":"b","doc_count":1\}\].*\}$/);
    expect(await indices.succeeded({ operation: 'delete', index: of, id: '1' })).toMatch(
      /^Delete operation completed\nID: 1\n/,
    );
    expect((await indices.run({ operation: 'delete', index: of, id: '1' })).outcome).toMatchObject({
      reason: 'NotFound',
    });
    await indices.succeeded({ operation: 'delete_index', index: of });
    expect((await indices.run({ operation: 'search', index: of })).outcome).toMatchObject({
      reason: 'NotFound',
      message: expect.stringContaining('index_not_found_exception') as string,
    });
  });

  it('writes a result as JSON when it is asked to', async () => {
    const result = await indices.succeeded({ operation: 'index', index, id: 'j', doc: {} }, { result_format: 'json' });
    expect(JSON.parse(result)).toMatchObject({ operation: 'index', success: true, id: 'j', response: { _id: 'j' } });
  });

  it('says that a login may not do it', async () => {
    const role = { cluster: [], indices: [{ names: [`${index}-nothing`], privileges: ['read'] }] };
    const made = await indices.ask('POST', '/_security/api_key', { name: index, role_descriptors: { role } });
    const key = credentials({ api_key: String(made['encoded']) });
    const { outcome } = await indices.run(
      { operation: 'index', index, doc: {} },
      { target: indices.target({ user: undefined }) },
      { credentials: key },
    );
    expect(outcome).toMatchObject({
      reason: 'PermissionDenied',
      message: expect.stringMatching(/^Index operation failed: 403 security_exception: /) as string,
    });
  });
});
