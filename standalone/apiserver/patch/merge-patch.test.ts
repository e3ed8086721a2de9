import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyMergePatch, mergePatch } from './merge-patch.ts';
import type { KubeObject } from '../../../kube/object.ts';

const json = fc.jsonValue({ maxDepth: 4 });
/** A patch says nothing about nulls that are to be there: RFC 7386 cannot set them. */
const withoutNulls = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map((item: unknown) => item);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== null)
      .map(([name, member]) => [name, withoutNulls(member)]),
  );
};
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown;

describe('A merge patch', () => {
  // RFC 7386, appendix A.
  it.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('makes of %j with %j the RFC’s %j', (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result);
  });

  it('changes nothing when applied again', () => {
    fc.assert(
      fc.property(json, json, (target, patch) => {
        const once = mergePatch(target, patch);
        expect(plain(mergePatch(once, patch))).toEqual(plain(once));
      }),
    );
  });

  it('that is a whole document without nulls makes that document of nothing', () => {
    fc.assert(
      fc.property(json.map(withoutNulls), (document) => {
        expect(plain(mergePatch(undefined, document))).toEqual(plain(document));
      }),
    );
  });

  it('leaves what it is applied to as it is, and shares what it does not name', () => {
    fc.assert(
      fc.property(json, json, (target, patch) => {
        const before = JSON.stringify(target);
        mergePatch(target, patch);
        expect(JSON.stringify(target)).toBe(before);
      }),
    );
    const object = { metadata: { name: 'a' }, spec: { a: 1 }, status: { b: 1 } } as KubeObject;
    const patched = applyMergePatch(object, { status: { b: 2 } }) as KubeObject & { spec: object };
    expect(patched.spec).toBe((object as typeof patched).spec);
  });

  it('sets a member called __proto__ like any other', () => {
    const patch = JSON.parse('{"a":{"__proto__":{"polluted":true}}}') as unknown;
    const patched = mergePatch({ a: {} }, patch);
    expect(JSON.stringify(patched)).toBe('{"a":{"__proto__":{"polluted":true}}}');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('that is no object is refused', () => {
    const message = 'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}';
    expect(() => applyMergePatch({ metadata: { name: 'a' } }, [1])).toThrow(message);
  });
});
