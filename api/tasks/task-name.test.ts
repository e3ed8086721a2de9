import { describe, expect, it } from 'vitest';
import { taskNames } from './task-name.ts';

describe('taskNames', () => {
  it('gives names that are legal, distinct and in order', () => {
    const names = Array.from({ length: 10_000 }, taskNames());
    expect(names.every((name) => /^task-[0-9a-z]{26}$/.test(name))).toBe(true);
    expect(new Set(names).size).toBe(names.length);
    expect([...names].sort()).toEqual(names);
  });
});
