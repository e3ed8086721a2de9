import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter } from './line-splitter.ts';
import { MAX_LINE_BYTES } from './log-line.ts';

/** Cuts bytes at the given places. */
function chunks(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((from, index) => bytes.subarray(from, places[index] ?? bytes.length));
}

function split(pieces: readonly Buffer[]): string[] {
  const splitter = new LineSplitter();
  return [...pieces.flatMap((piece) => splitter.push(piece)), ...splitter.end()];
}

describe('LineSplitter', () => {
  it('gives the same lines however the bytes are cut, also within characters', () => {
    const line = fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => text.replace(/[\r\n]/g, '·'));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 10 }), fc.array(fc.nat(), { maxLength: 8 }), (lines, cuts) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''));
        expect(split(chunks(bytes, cuts))).toEqual(lines);
      }),
    );
  });

  it('keeps blank lines, drops the CR of CRLF, and gives an unfinished last line at the end', () => {
    expect(split([Buffer.from('a\r\n\nb')])).toEqual(['a', '', 'b']);
  });

  it('splits long lines between characters, losing nothing', () => {
    const long = '天'.repeat(30_000);
    const lines = split(chunks(Buffer.from(`${long}\nend\n`), [1000, 40_001, 64_000]));
    expect(lines.at(-1)).toBe('end');
    expect(lines.slice(0, -1).join('')).toBe(long);
    for (const line of lines) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(MAX_LINE_BYTES);
  });

  it('bounds lines of bytes that are not UTF-8 by what they become', () => {
    for (const line of split([Buffer.alloc(100_000, 0xff)]))
      expect(Buffer.byteLength(line)).toBeLessThanOrEqual(MAX_LINE_BYTES);
  });
});
