import { describe, expect, it } from 'vitest';
import { parseOperation } from './elasticsearch-params.ts';

const parse = (command: unknown, params: Record<string, unknown> = {}): ReturnType<typeof parseOperation> =>
  parseOperation(typeof command === 'string' ? command : JSON.stringify(command), params);

describe('parseOperation', () => {
  it.each([
    [
      'index with an id',
      { operation: 'index', index: 'test_index', id: '1', doc: { field: 'value' } },
      'PUT /test_index/_doc/1',
      '{"field":"value"}',
    ],
    ['index without', { operation: 'index', index: 'a', doc: {} }, 'POST /a/_doc', '{}'],
    [
      'index with what is no part of a path',
      { operation: 'index', index: 'ä', id: '../b?c=d#e', doc: {} },
      'PUT /%C3%A4/_doc/..%2Fb%3Fc%3Dd%23e',
      '{}',
    ],
    [
      'update with a doc',
      { operation: 'update', index: 'a', id: '1', doc: { b: 1 }, doc_as_upsert: true },
      'POST /a/_update/1',
      '{"doc":{"b":1},"doc_as_upsert":true}',
    ],
    [
      'update with a script',
      { operation: 'update', index: 'a', id: '1', script: { source: 's' } },
      'POST /a/_update/1',
      '{"script":{"source":"s"}}',
    ],
    ['delete', { operation: 'delete', index: 'a', id: '1' }, 'DELETE /a/_doc/1', undefined],
    [
      'delete_by_query',
      { operation: 'delete_by_query', index: 'a,b*', query: { match_all: {} }, max_docs: 5 },
      'POST /a,b*/_delete_by_query',
      '{"query":{"match_all":{}}}',
    ],
    ['count', { operation: 'count', index: '_all' }, 'POST /_all/_count', '{}'],
    [
      'create_index',
      { operation: 'create_index', index: '<a-{now/d}>', settings: {} },
      'PUT /%3Ca-%7Bnow%2Fd%7D%3E',
      '{"settings":{}}',
    ],
    [
      'search with aggregations',
      { operation: 'search', index: 'a', aggs: { by: {} }, routing: 'r' },
      'POST /a/_search',
      '{"track_total_hits":true,"size":0,"aggs":{"by":{}}}',
    ],
    ['delete_index', { operation: 'delete_index', index: 'a' }, 'DELETE /a', undefined],
    ['refresh', { operation: 'refresh', index: 'a' }, 'POST /a/_refresh', undefined],
  ])('makes a request of %s', (_name, command, line, body) => {
    const operation = parse(command);
    if (operation.kind !== 'request') throw new Error(operation.kind);
    expect(`${operation.method} ${operation.path}`).toBe(line);
    expect(operation.body).toBe(body);
  });

  it('sends the numbers of a document as they were written', () => {
    const command = '{"operation":"index","index":"a","doc":{"id":9007199254740993,"price":1.0}}';
    expect(parse(command)).toMatchObject({ body: '{"id":9007199254740993,"price":1.0}' });
  });

  it('takes parameters of the API from the command, refresh and conflicts from params as well', () => {
    const command = { operation: 'delete_by_query', index: 'a', query: {}, scroll_size: 100, conflicts: 'abort' };
    expect(parse(command, { refresh: true, conflicts: 'proceed', routing: 'x' })).toMatchObject({
      query: { refresh: 'true', conflicts: 'abort', scroll_size: '100' },
    });
    expect(
      parse({ operation: 'update', index: 'a', id: '1', doc: {}, if_seq_no: 3, if_primary_term: 1 }),
    ).toMatchObject({
      query: { if_seq_no: '3', if_primary_term: '1' },
    });
  });

  it.each([
    ['nothing', '', 'command is empty'],
    [
      'a name that stands twice',
      '{"operation":"count","index":"a","query":{"term":{"b":1}},"query":{"match_all":{}}}',
      'failed to parse command: line 1, column 59: the name "query" stands twice in one object',
    ],
    ...['*', '_all', 'a,**'].map((index): [string, object, RegExp] => [
      `a deletion in all indices (${index})`,
      { operation: 'delete_by_query', index, query: { match_all: {} } },
      /^delete_by_query on all indices \(.*\) is refused: name them/,
    ]),
    ['no JSON', '{', /^failed to parse command: /],
    ['a list', [], 'command must be a JSON object'],
    ['no operation', { index: 'a' }, /^operation is required: bulk, count, /],
    ['an unknown operation', { operation: 'reindex' }, /^unsupported operation: "reindex" \(supported: bulk, /],
    ['an operation by a name of Object', { operation: 'constructor' }, /^unsupported operation/],
    ['an unknown key', { operation: 'index', index: 'a', doc: {}, body: {} }, 'operation index does not know "body"'],
    ['no index', { operation: 'index', doc: {} }, 'index is required by index'],
    ['an index that is a number', { operation: 'index', index: 1, doc: {} }, 'index must be a string'],
    ['an index that is a path', { operation: 'index', index: 'a/_bulk', doc: {} }, /cannot be the name of an index$/],
    ['an index that goes up', { operation: 'index', index: '..', doc: {} }, /cannot be the name of an index$/],
    ['an index of the API', { operation: 'delete_index', index: '_security' }, /cannot be the name of an index$/],
    [
      'all indices to be deleted',
      { operation: 'delete_index', index: '*' },
      'index must be a single one for delete_index',
    ],
    [
      'a document to several indices',
      { operation: 'index', index: 'a,b', doc: {} },
      'index must be a single one for index',
    ],
    ['no doc', { operation: 'index', index: 'a' }, 'doc is required, an object'],
    ['a doc that is text', { operation: 'index', index: 'a', doc: '{}' }, 'doc is required, an object'],
    ['an update without id', { operation: 'update', index: 'a', doc: {} }, 'id is required by update'],
    ['an update without doc', { operation: 'update', index: 'a', id: '1', upsert: {} }, /^doc is required/],
    ['an id that is a number', { operation: 'delete', index: 'a', id: 1 }, 'id must be a string that is not empty'],
    ['a deletion without query', { operation: 'delete_by_query', index: 'a' }, 'query is required, an object'],
    [
      'a refresh that cannot be',
      { operation: 'delete_by_query', index: 'a', query: {}, refresh: 'wait_for' },
      'refresh must be one of true, false',
    ],
    [
      'conflicts that cannot be',
      { operation: 'delete_by_query', index: 'a', query: {}, conflicts: 'ignore' },
      'conflicts must be abort or proceed',
    ],
    [
      'routing that is an object',
      { operation: 'delete', index: 'a', id: '1', routing: {} },
      /^routing must be a string/,
    ],
    ['a bulk without actions', { operation: 'bulk', index: 'a' }, 'actions is required, a list'],
    ['a bulk of nothing', { operation: 'bulk', index: 'a', actions: [] }, 'actions must not be empty'],
    ['a size that cannot be', { operation: 'search', index: 'a', size: -1 }, /^size must be a whole number from 0/],
    [
      'a page too far back',
      { operation: 'search', index: 'a', size: 1, from: 10_000 },
      /^from and size may not go beyond 10000/,
    ],
  ])('refuses %s', (_name, command, message) => {
    expect(() => parse(command)).toThrow(message);
  });

  it('takes the actions of a bulk command from the file where there is one, and then not from elsewhere', () => {
    const withFile = (command: unknown): unknown => parseOperation(JSON.stringify(command), {}, { hasFile: true });
    expect(withFile({ operation: 'bulk', index: 'a' })).toMatchObject({ path: '/a/_bulk', actions: undefined });
    expect(() => withFile({ operation: 'bulk', actions: [] })).toThrow('actions may not be given');
    expect(() => withFile({ operation: 'count', index: 'a' })).toThrow('operation count takes no file');
  });
});
