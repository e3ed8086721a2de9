import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../manifest/parse-documents.ts';
import { merged, threeWayPatch } from './merge.ts';

describe('merged', () => {
  it('merges maps, replaces lists and removes by null', () => {
    const live = { a: { x: 1, y: 2 }, list: [1, 2], gone: 1, kept: true };
    expect(merged(live, { a: { y: 3, z: null }, list: [3], gone: null })).toEqual({
      a: { x: 1, y: 3 },
      list: [3],
      kept: true,
    });
    expect(live.a).toEqual({ x: 1, y: 2 });
  });

  it('treats a key like __proto__ as any other', () => {
    const patch = JSON.parse('{"__proto__": {"polluted": true}}') as JsonObject;
    const result = merged({}, patch) as JsonObject;
    expect(Object.keys(result)).toEqual(['__proto__']);
    expect(({} as JsonObject)['polluted']).toBeUndefined();
  });
});

describe('threeWayPatch', () => {
  it('sets what is named, removes what was named before, and leaves the rest', () => {
    const original = { data: { a: '1', b: '2' }, spec: { replicas: 1 } };
    const modified = { data: { a: '3' }, spec: { replicas: 1 } };
    const live = { data: { a: '1', b: '2', theirs: 'x' }, spec: { replicas: 1, other: true } };
    expect(threeWayPatch(original, modified, live)).toEqual({ data: { a: '3', b: null } });
  });

  const leaf = fc.oneof(
    fc.integer({ min: 0, max: 3 }),
    fc.constantFrom('x', 'y'),
    fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 2 }),
  );
  const { object } = fc.letrec<{ object: JsonObject }>((tie) => ({
    object: fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.oneof({ maxDepth: 3 }, leaf, tie('object')), {
      maxKeys: 3,
    }),
  }));

  it('makes the live object hold all that is wanted, and no more of ours than that', () => {
    fc.assert(
      fc.property(object, object, object, (original, modified, live) => {
        const result = merged(live, threeWayPatch(original, modified, live)) as JsonObject;
        // What is wanted is there: applying it once more changes nothing.
        expect(merged(result, modified)).toEqual(result);
        expect(threeWayPatch(modified, modified, result)).toEqual({});
        for (const key of Object.keys(live)) {
          if (key in modified) continue;
          if (key in original) expect(result).not.toHaveProperty(key);
          else expect(result[key]).toEqual(live[key]);
        }
      }),
    );
  });
});
