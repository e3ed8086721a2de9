import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resourcePath, syncSources } from '../../kube/resource.ts';
import { isConfigId, nameOfId } from './config-id.ts';

describe('The name of a configuration', () => {
  it.each(['s1', 'my-source', 'a.b', 'x'.repeat(63)])('is its id %s where that can be a name', (id) => {
    expect(nameOfId(id)).toBe(id);
  });

  it('is a readable part and a hash elsewhere', () => {
    expect(nameOfId('My Source/1')).toMatch(/^my-source-1-[0-9a-f]{16}$/);
    expect(nameOfId('数据源')).toMatch(/^id-[0-9a-f]{16}$/);
    expect(nameOfId('x'.repeat(64))).toMatch(/^x{46}-[0-9a-f]{16}$/);
    expect(nameOfId('S1')).not.toBe(nameOfId('s1'));
  });

  it('is always one that Kubernetes takes, and another for each id', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ unit: 'binary', minLength: 1 }), { maxLength: 10 }), (ids) => {
        const names = ids.map(nameOfId);
        expect(new Set(names).size).toBe(ids.length);
        for (const name of names) {
          expect(name).toMatch(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/);
          expect(name.length).toBeLessThanOrEqual(63);
          expect(resourcePath(syncSources, 'default', name)).toContain(name);
        }
      }),
    );
  });
});

describe('An id of a configuration', () => {
  it.each(['s1', 'My source', '数据源', 'a/b', 'x'.repeat(253), '_actions'])('may be %j', (id) => {
    expect(isConfigId(id)).toBe(true);
  });

  it.each(['', ' ', ' a', 'a ', '.', '..', 'a\nb', 'a\u0000', '\u202e', 'x'.repeat(254)])('may not be %j', (id) => {
    expect(isConfigId(id)).toBe(false);
  });
});
