import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanFileName } from './clean-file-name.ts';

describe('cleanFileName', () => {
  it.each([
    ['report.sql', 'report.sql'],
    ['../../etc/evil.txt', 'evil.txt'],
    ['..\\..\\evil2.txt', 'evil2.txt'],
    ['C:\\Users\\me\\数据 1.csv', '数据 1.csv'],
    ['..', 'file'],
    ['...', 'file'],
    ['a/', 'file'],
    ['', 'file'],
    [' \t ', '_'],
    ['a..b...c', 'a.b.c'],
    ['.gitignore', '.gitignore'],
    ['nul\0byte', 'nul_byte'],
    ['line\r\nbreak', 'line__break'],
    ['\u202egnp.exe', '_gnp.exe'],
    ['e\u0301', '\u00e9'],
    ['half \ud83d', 'half _'],
    ['"quoted"; x=1', '"quoted"; x=1'],
    ['50%.pdf', '50%.pdf'],
  ])('makes of %j the name %j', (raw, name) => {
    expect(cleanFileName(raw)).toBe(name);
  });

  it('cuts a long name in front of its extension, between characters', () => {
    expect(cleanFileName(`${'x'.repeat(300)}.sql.gz`)).toBe(`${'x'.repeat(197)}.gz`);
    expect(cleanFileName(`${'漢'.repeat(100)}.txt`)).toBe(`${'漢'.repeat(65)}.txt`);
    expect(cleanFileName(`${'x'.repeat(195)}.${'y'.repeat(20)}.txt`)).toBe(`${'x'.repeat(195)}.txt`);
    expect(cleanFileName(`a.${'x'.repeat(300)}`)).toBe(`a.${'x'.repeat(198)}`);
  });

  it('always gives a name that can be a file of any folder, and leaves one alone that it gave', () => {
    const characters = fc.oneof(
      fc.constantFrom('/', '\\', '.', '..', '\0', ' ', '\ud800', '\u202e', '\n', 'a', '漢', '🦊'),
      fc.string({ unit: 'binary', maxLength: 4 }),
    );
    const names = fc.array(characters, { maxLength: 120 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(names, (raw) => {
        const name = cleanFileName(raw);
        expect(name).not.toMatch(/[/\\]|\.\.|\p{Cc}|\p{Bidi_Control}/u);
        expect(['', '.']).not.toContain(name);
        expect(name.isWellFormed()).toBe(true);
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(200);
        expect(cleanFileName(name)).toBe(name);
      }),
      { numRuns: 2000 },
    );
  });
});
