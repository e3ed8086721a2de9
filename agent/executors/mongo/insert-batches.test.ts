import fc from 'fast-check';
import { BSON } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { insertBatches } from './insert-batches.ts';

describe('insertBatches', () => {
  it('gives every document once, in order, in batches that a server takes', () => {
    const sizes = fc.array(fc.oneof(fc.nat(200), fc.integer({ min: 1_000_000, max: 9_000_000 })), { maxLength: 30 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 10 }), (all, most) => {
        const documents = all.map((size, number) => ({ _id: number, text: 'x'.repeat(size) }));
        const batches = [...insertBatches(documents, most)];
        expect(batches.flatMap((batch) => batch.documents)).toEqual(documents);
        let start = 0;
        for (const batch of batches) {
          expect(batch.start).toBe(start);
          start += batch.documents.length;
          expect(batch.documents.length).toBeLessThanOrEqual(most);
          const bytes = batch.documents.reduce((sum, document) => sum + BSON.calculateObjectSize(document), 0);
          if (batch.documents.length > 1) expect(bytes).toBeLessThanOrEqual(8 * 1024 * 1024);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('gives documents an _id that have none, as their first field', () => {
    const [batch] = insertBatches([{ a: 1 }, { a: 1, _id: null }], 10);
    expect(batch?.documents.map((document) => Object.keys(document))).toEqual([
      ['_id', 'a'],
      ['a', '_id'],
    ]);
  });
});
