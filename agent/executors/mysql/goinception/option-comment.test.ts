import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { optionComment } from './option-comment.ts';
import type { InceptionOptions } from './option-comment.ts';
import { readOptions } from './testing/option-reader.ts';

const options: InceptionOptions = {
  host: 'db.example.com',
  port: 3306,
  user: 'root',
  password: 'root',
  mode: 'execute',
  backup: true,
  sleepMs: 0,
};

const read = (changes: Partial<InceptionOptions>): Readonly<Record<string, unknown>> =>
  readOptions(`${optionComment({ ...options, ...changes })}\ninception_magic_start`) ?? {};

/** Values that goInception changes or stumbles over when they are written as they are (facts §3.6). */
const SPECIAL = [
  ...[';', ' #', '#x', '*/', "'", '"', "'a'", '"a"', ' lead', 'trail ', 'remote', 'a-remote_b', '0123', '0x1F', '1e5'],
  ...[
    '1_000',
    '.5',
    '2026-11-22',
    'null',
    '~',
    'yes',
    'no',
    'true',
    'a: b',
    '{',
    '[',
    '&',
    '*',
    '!',
    '%',
    '@',
    '`',
    '|',
  ],
  ...['>', '-', '?', 'a\nb', 'a\r\nb', 'a\tb', '\\', '\\u0041', '$&', 'a=b', '=', '你好', '😀', '\0', '\x7f', '\u2028'],
  ...['/*--execute=1;*/', '";--host="evil";', 'inception_magic_commit;', '%s', '^', '()', ',', 'a/b', 'a?b', 'a@b'],
];

describe('optionComment', () => {
  it('lists what is to be done, without a space', () => {
    expect(optionComment({ ...options, password: 'a', trans: 200, sleepMs: 100 })).toBe(
      '/*--host="\\u0064\\u0062\\u002e\\u0065\\u0078\\u0061\\u006d\\u0070\\u006c\\u0065\\u002e\\u0063\\u006f\\u006d";--port=3306;--user="\\u0072\\u006f\\u006f\\u0074";--password="\\u0061";--execute=1;--backup=1;--ignore-warnings=1;--trans=200;--sleep=100;--sleep-rows=1;*/',
    );
  });

  it('executes nothing when it is to check', () => {
    const comment = optionComment({ ...options, mode: 'check' });
    expect(comment).toContain('--check=1');
    expect(comment).not.toMatch(/execute|backup/);
  });

  it("leaves out what is goInception's default, and bounds the sleep", () => {
    const comment = optionComment({ ...options, trans: 1, ssl: 'required' });
    expect(comment).not.toMatch(/trans|sleep/);
    expect(comment).toContain('--ssl=required;');
    expect(read({ sleepMs: 86_400_000 })).toMatchObject({ sleep: 100_000 });
  });

  it.each(SPECIAL)('gets %j through as password, user and host', (value) => {
    expect(read({ password: value, user: value, host: value })).toMatchObject({
      password: value,
      user: value,
      host: value,
    });
  });

  it('gets every text through YAML, byte by byte', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), (password, user) => {
        const given = read({ password, user });
        expect(Buffer.from(String(given['password']))).toEqual(Buffer.from(password));
        expect(Buffer.from(String(given['user']))).toEqual(Buffer.from(user));
        expect(given).toMatchObject({ port: 3306, execute: 1, backup: 1 });
      }),
      { numRuns: 500 },
    );
  });

  it('spells every value so that nothing of it can be read in the comment', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (password) => {
        const comment = optionComment({ ...options, password });
        expect(comment).toMatch(/^\/\*(?:--[a-z-]+=(?:\d+|"(?:\\u[\da-f]{4}|\\U[\da-f]{8})*");)+\*\/$/);
      }),
    );
  });

  it('writes an IPv6 address as goInception joins it with the port', () => {
    expect(read({ host: '::1' })).toMatchObject({ host: '[::1]' });
  });
});

describe('the options as the stand-in reads them', () => {
  it.each([
    ['/*--password=a;b;*/', {}],
    ['/*--password=remote;*/', { password: null }],
    ['/*--password="a#b";*/', { password: 'a#b' }],
    ['/*--password=a #b;*/', { password: 'a' }],
    ['/*--password=0x1F;*/', { password: 31 }],
    ['/*--password=null;*/', { password: null }],
    ['/*--enable-execute;--enable-remote-backup;--disable-check;*/', { execute: true, backup: true, check: false }],
    ['/*--ignore_warnings=1;*/', { ignorewarnings: 1 }],
  ])('%s', (comment, expected) => {
    expect(readOptions(`${comment}\ninception_magic_start`)).toEqual(expected);
  });

  it('are lost with a space after a semicolon', () => {
    expect(readOptions('/*--host=a; --port=1;*/\ninception_magic_start')).toEqual({});
  });
});
