import { describe, expect, it } from 'vitest';
import { maskSecrets } from './mask-secrets.ts';

describe('maskSecrets', () => {
  it('hides a secret wherever it stands, plain, in a URL and in Base64', () => {
    const secret = 'p@ss/w?rd';
    const text = `a ${secret} b://u:${encodeURIComponent(secret)}@h ${Buffer.from(secret).toString('base64')} ${secret}`;
    expect(maskSecrets(text, [secret])).toBe('a *** b://u:***@h *** ***');
  });

  it('hides a secret that stands in JSON', () => {
    const secret = 'a"b\\c';
    expect(maskSecrets(JSON.stringify({ detail: `no key ${secret}` }), [secret])).toBe('{"detail":"no key ***"}');
  });

  it('hides the longer of two of which one is a part of the other', () => {
    expect(maskSecrets('abcdef', ['abc', 'abcdef'])).toBe('***');
  });

  it('leaves a text without secrets, and takes an empty one for none', () => {
    expect(maskSecrets('nothing', ['', 'x'])).toBe('nothing');
  });
});
