import { describe, expect, it } from 'vitest';
import { keyOf, splitKey } from './object-key.ts';

describe('keyOf and splitKey', () => {
  it('are each other’s reverse', () => {
    const key = keyOf({ metadata: { namespace: 'home', name: 'task-1' } });
    expect(key).toBe('home/task-1');
    expect(splitKey(key)).toEqual({ namespace: 'home', name: 'task-1' });
  });

  it('leave the namespace of cluster-wide objects empty', () => {
    expect(keyOf({ metadata: { name: 'home' } })).toBe('/home');
    expect(splitKey('/home')).toEqual({ namespace: '', name: 'home' });
  });
});
