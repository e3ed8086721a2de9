import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { INLINE_ROLLBACK_BYTES, RollbackCapture } from './rollback-capture.ts';
import { jsonBytes } from './utf8.ts';

const DONE = { available: true, exact: true, statements: 1 };

describe('RollbackCapture', () => {
  it('is nothing when the executor said nothing', () => {
    const capture = new RollbackCapture();
    capture.add(Buffer.from('DELETE FROM t;\n'));
    expect(capture.status()).toBeUndefined();
  });

  it('keeps a short script whole', () => {
    const capture = new RollbackCapture();
    expect(capture.add(Buffer.from('DELETE FROM t LIMIT 1;\n'))).toBeUndefined();
    capture.end({ ...DONE, message: 'why' });
    expect(capture.status()).toEqual({
      whole: true,
      status: {
        ...{ ...DONE, message: 'why', text: 'DELETE FROM t LIMIT 1;\n', bytes: 23 },
        sha256: hash('sha256', 'DELETE FROM t LIMIT 1;\n'),
      },
    });
  });

  it('gives away every byte of a long one, and keeps its beginning and its digest', () => {
    const chunks = fc.array(fc.string({ maxLength: 3000, unit: 'binary' }), { maxLength: 8 });
    fc.assert(
      fc.property(chunks, (texts) => {
        const capture = new RollbackCapture();
        const all = Buffer.from(texts.join(''));
        const elsewhere = texts.map((text) => capture.add(Buffer.from(text))).filter((part) => part !== undefined);
        capture.end(DONE);
        const { status, whole } = capture.status() ?? { status: undefined, whole: undefined };
        expect(status).toMatchObject({ bytes: all.length, sha256: hash('sha256', all) });
        if (all.length > INLINE_ROLLBACK_BYTES) expect(Buffer.concat(elsewhere).equals(all)).toBe(true);
        if (whole === true) expect(Buffer.from(status?.text ?? '').equals(all)).toBe(true);
        expect(all.toString().startsWith(status?.text ?? '')).toBe(true);
        expect(jsonBytes(status)).toBeLessThan(5 * 1024);
      }),
    );
  });
});
