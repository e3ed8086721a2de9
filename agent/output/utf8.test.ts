import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutText, headWithin, tailWithin } from './utf8.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 60 });

describe('headWithin and tailWithin', () => {
  it('cut any text between characters, losing less than one', () => {
    fc.assert(
      fc.property(text, fc.nat({ max: 120 }), (whole, limit) => {
        const bytes = Buffer.from(whole);
        const head = headWithin(bytes, limit);
        const tail = tailWithin(bytes, limit);
        expect(head.length).toBeLessThanOrEqual(limit);
        expect(tail.length).toBeLessThanOrEqual(limit);
        expect(whole.startsWith(head.toString())).toBe(true);
        expect(whole.endsWith(tail.toString())).toBe(true);
        const least = Math.min(bytes.length, limit) - 3;
        expect(Math.min(head.length, tail.length)).toBeGreaterThanOrEqual(least);
      }),
    );
  });

  it('cut bytes that are not UTF-8 within the limit too', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat({ max: 64 }), (array, limit) => {
        const bytes = Buffer.from(array);
        expect(headWithin(bytes, limit).length).toBeLessThanOrEqual(limit);
        expect(tailWithin(bytes, limit).length).toBeLessThanOrEqual(limit);
      }),
    );
  });
});

describe('cutText', () => {
  it('leaves what fits and marks what it cuts', () => {
    expect(cutText('天宫', 6)).toBe('天宫');
    expect(cutText('天宫部署', 9)).toBe('天宫…');
  });
});
