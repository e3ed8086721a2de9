import { describe, expect, it } from 'vitest';
import { StaleVersions } from './stale-versions.ts';

const version = (resourceVersion: string): { metadata: { name: string; resourceVersion: string } } => ({
  metadata: { name: 'x', resourceVersion },
});

describe('StaleVersions', () => {
  it('knows a version that was overtaken until the informer shows another', () => {
    const stale = new StaleVersions();
    stale.add('d/x', version('1'));
    expect(stale.has('d/x', version('1'))).toBe(true);
    expect(stale.has('d/x', version('2'))).toBe(false);
    expect(stale.has('d/y', version('1'))).toBe(false);
    stale.observe('d/x', version('1'));
    expect(stale.has('d/x', version('1'))).toBe(true);
    stale.observe('d/x', version('2'));
    expect(stale.has('d/x', version('1'))).toBe(false);
  });

  it('forgets an object that is gone', () => {
    const stale = new StaleVersions();
    stale.add('d/x', version('1'));
    stale.observe('d/x', undefined);
    expect(stale.has('d/x', version('1'))).toBe(false);
  });
});
