import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import { metadataLabels, searchableMetadata, withCheckedMetadata } from './task-metadata.ts';

const taskWith = (metadata: unknown): DeployTask =>
  ({ metadata: { name: 'a' }, spec: { type: 'shell', params: { metadata } } }) as unknown as DeployTask;

describe('the metadata of a task', () => {
  it('leaves params without it alone, and takes null for nothing', () => {
    const params = { url: 'http://a' };
    expect(withCheckedMetadata(params)).toBe(params);
    expect(withCheckedMetadata({ ...params, metadata: null })).toEqual(params);
    expect(withCheckedMetadata({ metadata: { a: null, b: 1 } })).toEqual({ metadata: { b: 1 } });
  });

  it('has the manual’s keys as text, as the resource wants them', () => {
    expect(withCheckedMetadata({ metadata: { ticket: 4711, env: true, other: 4711 } })).toEqual({
      metadata: { ticket: '4711', env: 'true', other: 4711 },
    });
  });

  it.each(['password', 'Token', 'api_key'])('may not hold a %s, which would stand in a label', (key) => {
    expect(() => withCheckedMetadata({ metadata: { [key]: 'hunter2' } })).toThrow(
      `params.metadata.${key} is not for metadata`,
    );
  });

  it('can be searched by whatever was accepted', () => {
    const value = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.object());
    fc.assert(
      fc.property(fc.dictionary(fc.string(), value), (metadata) => {
        let checked: Readonly<Record<string, unknown>>;
        try {
          checked = withCheckedMetadata({ metadata });
        } catch {
          return;
        }
        const entries = Object.entries(checked['metadata'] as Record<string, unknown>);
        const expected = entries.map(([key, found]) => [key, String(found)]);
        expect(Object.entries(searchableMetadata(taskWith(checked['metadata'])) ?? {})).toEqual(expected);
      }),
    );
  });

  it('never breaks on what a resource has', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (metadata) => {
        const found = Object.entries(searchableMetadata(taskWith(metadata)) ?? {});
        expect(found.length).toBeLessThanOrEqual(32);
        for (const [key, text] of found) expect(key.length + text.length).toBeLessThanOrEqual(63 + 253);
      }),
    );
    expect(searchableMetadata(taskWith(undefined))).toBeUndefined();
  });

  it('becomes labels where Kubernetes can have them', () => {
    const metadata = { ticket: 'OPS-42', risk: 3, creator: '张三', note: 'two words', ['ä']: 'b', empty: '' };
    expect(metadataLabels({ metadata })).toEqual({
      'metadata.tiangong.io/ticket': 'OPS-42',
      'metadata.tiangong.io/risk': '3',
    });
    expect(metadataLabels({})).toEqual({});
  });
});
