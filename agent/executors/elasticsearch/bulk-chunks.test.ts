import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toArray } from '../../testing/to-array.ts';
import type { BulkAction } from './bulk-action.ts';
import { chunked } from './bulk-chunks.ts';

async function* actionsOf(texts: readonly string[]): AsyncGenerator<BulkAction> {
  await Promise.resolve();
  for (const [index, lines] of texts.entries()) yield { position: index + 1, lines };
}

describe('chunked', () => {
  it('keeps all actions in order, within its bounds', async () => {
    const sizes = { count: fc.integer({ min: 1, max: 5 }), bytes: fc.integer({ min: 1, max: 40 }) };
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: 'binary' })), fc.record(sizes), async (texts, { count, bytes }) => {
        const chunks = await toArray(chunked(actionsOf(texts), count, bytes));
        expect(chunks.map(({ body }) => body).join('')).toBe(texts.join(''));
        let next = 1;
        for (const { first, last, body } of chunks) {
          expect(first).toBe(next);
          next = last + 1;
          expect(last - first).toBeLessThan(count);
          if (last > first) expect(Buffer.byteLength(body)).toBeLessThanOrEqual(bytes);
        }
        expect(next).toBe(texts.length + 1);
      }),
    );
  });
});
