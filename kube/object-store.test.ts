import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { ObjectStore } from './object-store.ts';

interface Tagged {
  readonly tags: readonly string[];
}

const key = fc.constantFrom('a', 'b', 'c');
const tag = fc.constantFrom('x', 'y', 'z');
const change = fc.record({ key, tags: fc.option(fc.array(tag, { maxLength: 3 }), { nil: undefined }) });

describe('ObjectStore', () => {
  it('finds by index exactly what a search of all objects finds', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
        const store = new ObjectStore<Tagged>(
          { tag: ({ tags }) => tags, count: ({ tags }) => [`${tags.length}`] },
          vi.fn(),
        );
        const plain = new Map<string, Tagged>();
        for (const { key: changed, tags } of changes) {
          if (tags === undefined) {
            store.delete(changed);
            plain.delete(changed);
          } else {
            const object = { tags };
            store.set(changed, object);
            plain.set(changed, object);
          }
          for (const value of ['x', 'y', 'z']) {
            const found = [...plain.values()].filter(({ tags: own }) => own.includes(value));
            expect(new Set(store.byIndex('tag', value))).toEqual(new Set(found));
            expect(store.byIndex('tag', value)).toHaveLength(found.length);
          }
          expect(store.byIndex('count', '2')).toHaveLength(
            [...plain.values()].filter((o) => o.tags.length === 2).length,
          );
        }
        expect([...store.values()]).toEqual([...plain.values()]);
        expect([...store.keys()]).toEqual([...plain.keys()]);
        expect(store.size).toBe(plain.size);
      }),
    );
  });

  it('takes an object out of its old places although it was changed since', () => {
    const store = new ObjectStore<{ tags: string[] }>({ tag: ({ tags }) => tags }, vi.fn());
    const object = { tags: ['x'] };
    store.set('a', object);
    object.tags = ['y'];
    store.delete('a');
    expect(store.byIndex('tag', 'x')).toEqual([]);
  });

  it('reports an index function that throws and keeps the object', () => {
    const onError = vi.fn();
    const broken = (): string[] => {
      throw new Error('broken');
    };
    const store = new ObjectStore<Tagged>({ broken, tag: ({ tags }) => tags }, onError);
    store.set('a', { tags: ['x'] });
    expect(store.get('a')).toEqual({ tags: ['x'] });
    expect(store.byIndex('tag', 'x')).toHaveLength(1);
    expect(store.byIndex('broken', 'x')).toEqual([]);
    expect(onError).toHaveBeenCalledOnce();
  });
});
