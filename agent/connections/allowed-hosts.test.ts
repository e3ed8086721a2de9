import { describe, expect, it } from 'vitest';
import { mayBeSentTo } from './allowed-hosts.ts';

describe('mayBeSentTo', () => {
  it.each([
    [undefined, 'any.example.com', 1, true],
    [[], 'a.example.com', 1, false],
    [['a.example.com'], 'A.Example.com', 5432, true],
    [['a.example.com:5432'], 'a.example.com', 5432, true],
    [['a.example.com:5432'], 'a.example.com', 5433, false],
    [['a.example.com:5432'], 'a.example.com', undefined, false],
    [['*.example.com'], 'a.b.example.com', 1, true],
    [['*.example.com'], 'example.com', 1, false],
    [['*.example.com'], 'badexample.com', 1, false],
    [['b.example.com', ' a.example.com '], 'a.example.com', 1, true],
  ])('%j, %s:%s: %s', (allowed, host, port, may) => {
    expect(mayBeSentTo(allowed, host, port)).toBe(may);
  });
});
