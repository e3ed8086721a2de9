import fc from 'fast-check';
import fastJsonPatch from 'fast-json-patch';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../kube/object.ts';
import { applyJsonPatch } from './json-patch.ts';

const OBJECT = { metadata: { name: 'a' }, spec: { list: ['a', 'b'], 'x/y': 1, nested: { n: 1 } } } as KubeObject;
const spec = (operations: unknown): unknown =>
  (applyJsonPatch(OBJECT, operations) as KubeObject & { spec: unknown }).spec;
const members = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd/e', 'f~g'), fc.jsonValue({ maxDepth: 3 }), {
  maxKeys: 5,
});

describe('A JSON patch', () => {
  it.each([
    [[{ op: 'add', path: '/spec/list/-', value: 'c' }], { list: ['a', 'b', 'c'] }],
    [[{ op: 'add', path: '/spec/list/0', value: 'c' }], { list: ['c', 'a', 'b'] }],
    [[{ op: 'remove', path: '/spec/list/0' }], { list: ['b'] }],
    [[{ op: 'replace', path: '/spec/list/1', value: 'c' }], { list: ['a', 'c'] }],
    [[{ op: 'replace', path: '/spec/x~1y', value: 2 }], { 'x/y': 2 }],
    [[{ op: 'replace', path: '/spec/absent', value: 2 }], { absent: 2 }],
    [[{ op: 'move', from: '/spec/nested', path: '/spec/moved' }], { moved: { n: 1 } }],
    [[{ op: 'copy', from: '/spec/nested', path: '/spec/copied' }], { copied: { n: 1 }, nested: { n: 1 } }],
    [
      [
        { op: 'test', path: '/spec/nested', value: { n: 1 } },
        { op: 'remove', path: '/spec/nested' },
      ],
      { list: ['a', 'b'] },
    ],
    [[{ op: 'test', path: '/spec/absent', value: null }], {}],
  ])('applies %j', (operations, expected) => {
    expect(spec(operations)).toMatchObject(expected);
  });

  it.each([
    [{ op: 'test', path: '/spec/nested/n', value: 2 }],
    [{ op: 'remove', path: '/spec/absent' }],
    [{ op: 'remove', path: '/spec/list/2' }],
    [{ op: 'replace', path: '/spec/list/2', value: 1 }],
    [{ op: 'add', path: '/spec/absent/x', value: 1 }],
    [{ op: 'add', path: '/spec/list/4', value: 1 }],
    [{ op: 'add', path: '/spec/list/01', value: 1 }],
    [{ op: 'add', path: 'spec', value: 1 }],
    [{ op: 'add', path: '/spec/x' }],
    [{ op: 'copy', path: '/spec/x' }],
    [{ op: 'move', from: '/spec', path: '/spec/x' }],
    [{ op: 'replace', path: '', value: [] }],
    [{ op: 'swap', path: '/spec' }],
  ])('that does not apply is refused without more words: %j', (operation) => {
    expect(() => applyJsonPatch(OBJECT, [operation])).toThrow(
      'the server rejected our request due to an error in our request',
    );
  });

  it('that is no list is refused', () => {
    const message = 'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp';
    expect(() => applyJsonPatch(OBJECT, { op: 'add' })).toThrow(message);
  });

  it('of more operations than the real server takes is refused', () => {
    expect(() => applyJsonPatch(OBJECT, Array(10_001).fill({ op: 'test', path: '/spec/x', value: null }))).toThrow(
      /10000, got 10001/,
    );
  });

  it('that another library made of two documents makes the second of the first, and leaves the first as it is', () => {
    fc.assert(
      fc.property(members, members, (before, after) => {
        const first = JSON.parse(JSON.stringify(before)) as KubeObject;
        const second = JSON.parse(JSON.stringify(after)) as KubeObject;
        const text = JSON.stringify(first);
        expect(applyJsonPatch(first, fastJsonPatch.compare(first, second))).toEqual(second);
        expect(JSON.stringify(first)).toBe(text);
      }),
    );
  });
});
