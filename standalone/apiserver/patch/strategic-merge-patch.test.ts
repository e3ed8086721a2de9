import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../kube/object.ts';
import { applyStrategicMergePatch } from './strategic-merge-patch.ts';

const owner = (uid: string, more: object = {}): object => ({ apiVersion: 'v1', kind: 'K', name: uid, uid, ...more });
const OBJECT = {
  metadata: {
    name: 'a',
    labels: { a: '1', b: '2' },
    finalizers: ['x/a', 'x/b'],
    ownerReferences: [owner('1'), owner('2')],
  },
  data: { a: '1', b: '2' },
} as unknown as KubeObject;

const patched = (patch: object): unknown => applyStrategicMergePatch(OBJECT, patch, { custom: false });

describe('A strategic merge patch', () => {
  it('merges maps and takes away what is null', () => {
    expect(patched({ data: { a: null, c: '3' }, metadata: { labels: null } })).toMatchObject({
      data: { b: '2', c: '3' },
    });
    expect(patched({ data: { a: null, c: '3' } })).not.toHaveProperty('data.a');
    expect(patched({ metadata: { labels: null } })).not.toHaveProperty('metadata.labels');
  });

  it('unites finalizers, and takes away those that it names for that', () => {
    expect(patched({ metadata: { finalizers: ['x/c', 'x/a'] } })).toHaveProperty('metadata.finalizers', [
      'x/c',
      'x/a',
      'x/b',
    ]);
    expect(patched({ metadata: { '$deleteFromPrimitiveList/finalizers': ['x/a'] } })).toHaveProperty(
      'metadata.finalizers',
      ['x/b'],
    );
    const order = { metadata: { finalizers: ['x/c'], '$setElementOrder/finalizers': ['x/c', 'x/b', 'x/a'] } };
    expect(patched(order)).toHaveProperty('metadata.finalizers', ['x/c', 'x/b', 'x/a']);
  });

  it('finds owners by their uid', () => {
    const patch = {
      metadata: { ownerReferences: [owner('2', { controller: true }), owner('3'), { $patch: 'delete', uid: '1' }] },
    };
    expect(patched(patch)).toHaveProperty('metadata.ownerReferences', [owner('2', { controller: true }), owner('3')]);
    const replaced = { metadata: { ownerReferences: [{ $patch: 'replace' }, owner('9')] } };
    expect(patched(replaced)).toHaveProperty('metadata.ownerReferences', [owner('9')]);
    expect(() => patched({ metadata: { ownerReferences: [{ name: 'x' }] } })).toThrow(
      'does not contain declared merge key: uid',
    );
  });

  it('replaces, deletes and retains where it is told to', () => {
    expect(patched({ data: { $patch: 'replace', z: '1' } })).toHaveProperty('data', { z: '1' });
    expect(patched({ data: { $patch: 'delete' } })).not.toHaveProperty('data');
    expect(patched({ data: { $retainKeys: ['b', 'c'], c: '3' } })).toHaveProperty('data', { b: '2', c: '3' });
    expect(() => patched({ data: { $patch: 'bogus' } })).toThrow('Unknown patch type: bogus');
  });

  it('leaves what it is applied to as it is', () => {
    const before = JSON.stringify(OBJECT);
    patched({ metadata: { finalizers: ['x/c'], ownerReferences: [owner('2', { controller: true })] } });
    expect(JSON.stringify(OBJECT)).toBe(before);
  });
});
