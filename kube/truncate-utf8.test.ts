import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { truncateUtf8 } from './truncate-utf8.ts';

describe('truncateUtf8', () => {
  it('never exceeds the bytes, never cuts a character, and leaves what fits as it is', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 60 }),
        fc.integer({ min: 3, max: 200 }),
        (text, maxBytes) => {
          const cut = truncateUtf8(text, maxBytes);
          expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(maxBytes);
          if (Buffer.byteLength(text) <= maxBytes) expect(cut).toBe(text);
          else {
            expect(cut.endsWith('...')).toBe(true);
            expect(text.startsWith(cut.slice(0, -3))).toBe(true);
            // No more than the bytes of one character, and the three dots, are given away.
            expect(Buffer.byteLength(cut)).toBeGreaterThan(maxBytes - 4);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});
