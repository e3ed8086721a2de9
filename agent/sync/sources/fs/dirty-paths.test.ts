import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DirtyPaths } from './dirty-paths.ts';
import type { DirtyPath } from './dirty-paths.ts';

const path = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const act = fc.oneof(
  fc.record({ do: fc.constant('add' as const), path, tree: fc.boolean() }),
  fc.record({ do: fc.constant('take' as const) }),
  fc.record({ do: fc.constant('putBack' as const), count: fc.integer({ min: 1, max: 3 }) }),
);

describe('DirtyPaths', () => {
  it('gives each path once, the oldest first, and what was put back before all', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 100, size: 'max' }), (acts) => {
        const dirty = new DirtyPaths(1000);
        const model: DirtyPath[] = [];
        const taken: DirtyPath[] = [];
        acts.forEach((one, since) => {
          if (one.do === 'add') {
            dirty.add(one.path, since, one.tree);
            const at = model.findIndex((known) => known.path === one.path);
            const known = model[at];
            if (known === undefined) model.push({ path: one.path, since, tree: one.tree });
            else model[at] = { ...known, tree: known.tree || one.tree };
          } else if (one.do === 'take') {
            const next = dirty.take();
            expect(next).toEqual(model.shift());
            if (next !== undefined) taken.push(next);
          } else {
            const back = taken
              .splice(-one.count)
              .filter(({ path: known }, at, all) => all.findIndex((other) => other.path === known) === at);
            dirty.putBack(back);
            const later = model.splice(0);
            model.push(
              ...back.map((known) => ({
                ...known,
                tree: known.tree || later.some((other) => other.path === known.path && other.tree),
              })),
              ...later.filter((other) => !back.some((known) => known.path === other.path)),
            );
          }
          expect(dirty.size).toBe(model.length);
        });
        expect(dirty.takeAll()).toEqual(model.map((known) => known.path));
        expect(dirty.take()).toBeUndefined();
      }),
    );
  });

  it('is full at its limit', () => {
    const dirty = new DirtyPaths(2);
    dirty.add('a', 0);
    dirty.add('a', 1);
    expect(dirty.isFull).toBe(false);
    dirty.add('b', 2);
    expect(dirty.isFull).toBe(true);
  });
});
