import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeDifference } from './merge-difference.ts';

/** RFC 7386, section 2. */
function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const isObject = typeof target === 'object' && target !== null && !Array.isArray(target);
  const result = new Map(Object.entries(isObject ? target : {}));
  for (const [key, value] of Object.entries(patch))
    if (value === null) result.delete(key);
    else result.set(key, merged(result.get(key), value));
  return Object.fromEntries(result);
}

const key = fc.constantFrom('a', 'b', 'c');
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 3 },
    fc.integer({ min: 0, max: 3 }),
    fc.constantFrom('x', '', true),
    fc.array(tie('json'), { maxLength: 3 }),
    fc.dictionary(key, tie('json'), { maxKeys: 3, noNullPrototype: true }),
  ),
}));
const object = fc.dictionary(key, json, { maxKeys: 3, noNullPrototype: true });

describe('mergeDifference', () => {
  it('makes of what is there what is wanted, and keeps what is not spoken of', () => {
    fc.assert(
      fc.property(
        object,
        fc.dictionary(key, fc.option(json, { nil: undefined }), { noNullPrototype: true }),
        (before, wanted) => {
          const patch = mergeDifference(before, wanted);
          const after = patch === undefined ? before : merged(before, patch);
          const expected = { ...before, ...wanted };
          for (const name of Object.keys(expected)) if (expected[name] === undefined) delete expected[name];
          expect(after).toEqual(expected);
        },
      ),
    );
  });

  it('says nothing when nothing changes, whatever the order of keys', () => {
    fc.assert(fc.property(object, (before) => mergeDifference(before, before) === undefined));
    const [one, other] = [{ a: { x: 1, y: [{ p: 1, q: 2 }] } }, { a: { y: [{ q: 2, p: 1 }], x: 1 } }];
    expect(mergeDifference(one, other)).toBeUndefined();
  });

  it('takes away what an object no longer has', () => {
    expect(mergeDifference({ position: { file: 'x', pos: 4 } }, { position: { gtid: 'y' } })).toEqual({
      position: { file: null, pos: null, gtid: 'y' },
    });
  });
});
