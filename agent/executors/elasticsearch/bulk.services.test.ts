import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import { TestIndices, randomIndexName } from './testing/test-indices.ts';

describe.skipIf(!hasServices('elasticsearch'))('ElasticsearchExecutor and bulk actions', () => {
  const index = randomIndexName();
  let indices: TestIndices;

  beforeAll(async () => {
    indices = await TestIndices.create(await service('elasticsearch'), index);
  });
  afterAll(() => indices?.drop());

  it('fails for actions that failed, names them and counts the others', async () => {
    const of = indices.unused();
    await indices.ask('PUT', `/${of}`, { mappings: { properties: { n: { type: 'long' } } } });
    const actions = [
      { create: { _id: '1', _source: { n: 1 } } },
      { create: { _id: '1', _source: { n: 2 } } },
      { update: { _id: 'none', doc: { n: 3 } } },
      { index: { _id: '4', _source: { n: 'no number' } } },
      { update: { _id: '1', doc: { n: 5 }, doc_as_upsert: true } },
      { delete: { _id: '9' } },
    ];
    const { outcome, result, log } = await indices.run({ operation: 'bulk', index: of, actions });
    expect(outcome).toMatchObject({ state: 'Failed', reason: 'BulkActionsFailed' });
    const [head, ...named] = outcome.message.split('\n');
    expect(head).toBe('Bulk operation failed: 3 of 6 actions failed');
    expect(named).toEqual([
      expect.stringMatching(/^action 2 \(create test-\S+ "1"\): version_conflict_engine_exception: /),
      expect.stringMatching(/^action 3 \(update test-\S+ "none"\): document_missing_exception: /),
      expect.stringMatching(/^action 4 \(index test-\S+ "4"\): document_parsing_exception: .*no number/),
    ]);
    expect(result.toString()).toMatch(/^Bulk operation completed\nDocuments affected: 3\nResponse: \{"errors":true,/);
    expect(log.filter(({ level }) => level === 'error').map(({ message }) => message)).toEqual(named);
    expect(await indices.source('1', of)).toEqual({ n: 5 });
  });

  it('names the first twenty of many failed actions and counts the rest', async () => {
    const actions = Array.from({ length: 50 }, (_, id) => ({ update: { _id: `none-${id}`, doc: {} } }));
    const { outcome, result } = await indices.run(
      { operation: 'bulk', index, actions },
      { exec_options: { trans_batch_size: 7 } },
    );
    const lines = outcome.message.split('\n');
    expect([lines.length, lines[20]?.slice(0, 9), lines[21]]).toEqual([22, 'action 20', 'and 30 more']);
    const response = JSON.parse(result.toString().split('Response: ')[1] ?? '') as {
      errors: boolean;
      items: unknown[];
    };
    expect([response.errors, response.items.length]).toEqual([true, 50]);
  });

  it('streams a file of 100,000 documents in and a search of them out', async () => {
    const of = indices.unused();
    const text = Array.from({ length: 100_000 }, (_, n) => `{"index":{"_index":"${of}"}}\n{"n":${n}}\n`).join('');
    const loaded = await indices.run(
      '',
      { exec_options: { trans_batch_size: 5000 } },
      { file: await indices.file(text) },
    );
    expect(loaded.outcome).toEqual({ state: 'Succeeded', message: '100000 documents affected' });
    expect(loaded.evidence.at(-1)).toMatch(/^bulk actions 95001-100000, X-Opaque-Id tiangong-/);
    expect(await indices.count(of)).toBe(100_000);

    const search = { operation: 'search', index: of, size: 200_000, sort: [{ n: 'asc' }] };
    const { outcome, result } = await indices.run(search, { result_format: 'json' });
    expect(outcome).toEqual({ state: 'Succeeded', message: '100000 of 100000 documents' });
    const { statements } = JSON.parse(result.toString()) as {
      statements: { hits: unknown; hits_or_more?: boolean; rows: { n: number }[] }[];
    };
    expect(statements[0]?.hits).toBe(100_000);
    expect(statements[0]?.rows.map(({ n }) => n)).toEqual(Array.from({ length: 100_000 }, (_, n) => n));
    const limited = await indices.succeeded({ ...search, size: 2500 });
    expect(limited).toMatch(/^Search completed\nHits: 100000\n/);
    expect(limited).toMatch(/\(2500 rows\)$/);
    const estimated = { ...search, size: 1, track_total_hits: 1000 };
    expect(await indices.succeeded(estimated)).toMatch(/^Search completed\nHits: 1000\+\n/);
    expect(await indices.succeeded(estimated, { result_format: 'json' })).toContain('"hits":1000,"hits_or_more":true,');
  }, 120_000);

  it('takes the actions of a bulk command from a file, in both styles', async () => {
    const of = indices.unused();
    const lines = await indices.file('{"index":{"_id":"1"}}\n{"a":1}\n{"update":{"_id":"1","doc":{"b":2}}}\n');
    await indices.succeeded({ operation: 'bulk', index: of }, {}, { file: lines });
    expect(await indices.source('1', of)).toEqual({ a: 1, b: 2 });
    const list = await indices.file('[\n{"index":{"_id":"2","_source":{"a":2}}},\n{"delete":{"_id":"1"}}]');
    await indices.succeeded({ operation: 'bulk', index: of }, {}, { file: list });
    const command = await indices.file(
      JSON.stringify({ operation: 'index', index: of, id: '3', doc: { c: 3 } }, undefined, 2),
    );
    await indices.succeeded('', {}, { file: command });
    expect([await indices.source('1', of), await indices.source('2', of), await indices.source('3', of)]).toEqual([
      undefined,
      { a: 2 },
      { c: 3 },
    ]);
    const broken = await indices.run(
      { operation: 'bulk', index: of },
      { exec_options: { trans_batch_size: 1 } },
      { file: await indices.file('{"delete":{"_id":"2"}}\n{"delete":{"_id":"3"}}\n{"index"') },
    );
    expect(broken.outcome).toMatchObject({
      state: 'Failed',
      reason: 'FileInvalid',
      message: expect.stringMatching(/^line 3 of the file: .*; [12] documents were affected before$/) as string,
    });
  });
});
