import { describe, expect, it } from 'vitest';
import { MAX_NAMESPACES, connectionsFor, parseNamespaces, watchedNamespaces } from './watched-namespaces.ts';

describe('the namespaces that a program watches', () => {
  it('are names with commas between them', () => {
    expect(parseNamespaces('a, team-b,a,')).toEqual(['a', 'team-b']);
    expect(parseNamespaces('*')).toEqual(['*']);
  });

  it.each([
    ['', /must name namespaces/],
    [' , ', /must name namespaces/],
    ['a,*', /name no others beside it/],
    ['A', /"A" is no name of a namespace/],
    ['a/b', /"a\/b" is no name of a namespace/],
    ['x'.repeat(64), /is no name of a namespace/],
    [Array.from({ length: MAX_NAMESPACES + 1 }, (_, index) => `n${index}`).join(','), /at most 100 namespaces/],
  ])('are refused when they are %j', (text, message) => {
    expect(() => parseNamespaces(text)).toThrow(message);
  });

  it('always have the home namespace among them', () => {
    expect(watchedNamespaces(['a', 'home'], 'home')).toEqual(['home', 'a']);
    expect(watchedNamespaces(['*'], 'home')).toBeUndefined();
  });

  it('get a connection for each watch', () => {
    const many = Array.from({ length: 100 }, (_, index) => `n${index}`);
    expect(connectionsFor(many)).toBeGreaterThanOrEqual(101 * 4 + 32);
    expect(connectionsFor(['*'])).toBeLessThan(100);
  });
});
