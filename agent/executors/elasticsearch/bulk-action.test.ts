import { describe, expect, it } from 'vitest';
import { toArray } from '../../testing/to-array.ts';
import { readActions } from './bulk-action.ts';
import type { BulkElement } from './bulk-action.ts';

async function lines(
  actions: readonly unknown[],
  { hasIndex = true, guarded = true, texts = false } = {},
): Promise<string> {
  const elements = actions.map((value): BulkElement => ({ value, ...(texts && { text: JSON.stringify(value) }) }));
  const found: string[] = [];
  for await (const action of readActions(elements, { hasIndex, guarded })) found.push(action.lines);
  return found.join('');
}

describe('readActions', () => {
  it('puts the document of the manual’s example into a line of its own', async () => {
    expect(await lines([{ index: { _id: '1', _source: { field: 'value' } } }])).toBe(
      '{"index":{"_id":"1"}}\n{"field":"value"}\n',
    );
  });

  it.each([
    [
      'create with its metadata',
      { create: { _index: 'a', routing: 'r', pipeline: 'p', _source: {} } },
      '{"create":{"_index":"a","routing":"r","pipeline":"p"}}\n{}\n',
    ],
    [
      'delete',
      { delete: { _id: '1', if_seq_no: 3, if_primary_term: 1 } },
      '{"delete":{"_id":"1","if_seq_no":3,"if_primary_term":1}}\n',
    ],
    [
      'update with a doc',
      { update: { _id: '1', doc: { a: 1 }, doc_as_upsert: true } },
      '{"update":{"_id":"1"}}\n{"doc":{"a":1},"doc_as_upsert":true}\n',
    ],
    [
      'update with a script',
      { update: { _id: '1', retry_on_conflict: 3, script: { source: 's' }, upsert: { a: 1 } } },
      '{"update":{"_id":"1","retry_on_conflict":3}}\n{"script":{"source":"s"},"upsert":{"a":1}}\n',
    ],
    [
      'update that gives fields back',
      { update: { _id: '1', _source: ['a'], doc: {} } },
      '{"update":{"_id":"1","_source":["a"]}}\n{"doc":{}}\n',
    ],
    [
      'update whose _source is the API’s second line',
      { update: { _id: '1', _source: { doc: { a: 1 } } } },
      '{"update":{"_id":"1"}}\n{"doc":{"a":1}}\n',
    ],
    [
      'a document that looks like an action',
      { index: { _source: { delete: { _id: '1' } } } },
      '{"index":{}}\n{"delete":{"_id":"1"}}\n',
    ],
    [
      'a document with keys of metadata',
      { index: { _id: '1', _source: { _id: 'x', doc: 1, routing: 2 } } },
      '{"index":{"_id":"1"}}\n{"_id":"x","doc":1,"routing":2}\n',
    ],
  ])('writes %s', async (_name, action, expected) => {
    expect(await lines([action])).toBe(expected);
  });

  it('understands the API’s own style, in which the document is the next element', async () => {
    const official = [
      { index: { _id: '1' } },
      { a: 1 },
      { delete: { _id: '2' } },
      { update: { _id: '3' } },
      { doc: { b: 2 } },
    ];
    const expected =
      '{"index":{"_id":"1"}}\n{"a":1}\n{"delete":{"_id":"2"}}\n{"update":{"_id":"3"}}\n{"doc":{"b":2}}\n';
    expect(await lines(official)).toBe(expected);
    expect(await lines(official, { texts: true, guarded: false })).toBe(expected);
  });

  it('sends the text of a document as it was', async () => {
    const elements: BulkElement[] = [{ value: { index: {} } }, { value: undefined, text: '{ "n": 1.0 }' }];
    const [action] = await toArray(readActions(elements, { hasIndex: true, guarded: false }));
    expect(action?.lines).toBe('{"index":{}}\n{ "n": 1.0 }\n');
  });

  it.each([
    ['no object', ['index'], /^action 1: must be an object with one key/],
    ['two keys', [{ index: { _source: {} }, delete: { _id: '1' } }], /^action 1: must be an object with one key/],
    ['an unknown verb', [{ upsert: {} }], /^action 1: must be an object with one key/],
    ['an action that is no object', [{ index: [] }], /^action 1: must be an object with one key/],
    ['unknown metadata', [{ index: { _type: 'a', _source: {} } }], /^action 1: index may not have "_type"$/],
    ['doc in an index action', [{ index: { doc: {} } }], /"doc"; the document stands in "_source"/],
    ['no document at all', [{ delete: { _id: '1' } }, { index: { _id: '2' } }], /^action 2: index has no _source$/],
    [
      'a document that is an action',
      [{ index: { _id: '1' } }, { index: { _id: '2', _source: {} } }],
      /^action 1: index has no _source$/,
    ],
    ['an update without doc', [{ update: { _id: '1' } }], /^action 1: update has no doc$/],
    ['an update with a bare _source', [{ update: { _id: '1', _source: { a: 1 } } }], /update takes a doc or a script/],
    ['an update without id', [{ update: { doc: {} } }], /^action 1: update needs an _id$/],
    ['a delete without id', [{ delete: {} }], /^action 1: delete needs an _id$/],
    ['a delete with a document', [{ delete: { _id: '1', _source: {} } }], /^action 1: delete may not have "_source"$/],
    ['a document that is a list', [{ index: { _source: [] } }], /^action 1: _source must be an object$/],
    ['an upsert alone', [{ update: { _id: '1', upsert: {} } }], /^action 1: update needs a doc or a script$/],
    ['an id that is an object', [{ delete: { _id: {} } }], /^action 1: _id must be a string$/],
  ])('refuses %s', async (_name, actions, message) => {
    await expect(lines(actions)).rejects.toThrow(message);
  });

  it('wants an index from each action when the command names none', async () => {
    const actions = [{ delete: { _id: '1', _index: 'a' } }, { delete: { _id: '1' } }];
    await expect(lines(actions, { hasIndex: false })).rejects.toThrow('action 2: has no _index');
    expect(await lines(actions.slice(0, 1), { hasIndex: false })).toBe('{"delete":{"_id":"1","_index":"a"}}\n');
  });
});
