import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { INLINE_RESULT_BYTES, ResultCapture } from './result-capture.ts';
import { jsonBytes } from './utf8.ts';

const chunk = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.string({ unit: 'grapheme', maxLength: 200 }).map((text) => Buffer.from(text)),
  // Large ones, as pipes give them.
  fc.tuple(fc.nat({ max: 255 }), fc.integer({ min: 1, max: 70_000 })).map(([byte, size]) => Buffer.alloc(size, byte)),
);

describe('ResultCapture', () => {
  it('counts and digests any chunks, and hands on every byte of a large result once', () => {
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 30 }), (chunks) => {
        const capture = new ResultCapture();
        const handedOn = chunks.flatMap((bytes) => capture.add(bytes) ?? []);
        const whole = Buffer.concat(chunks);
        const { bytes, sha256, text, whole: isWhole } = capture.summary();
        expect(bytes).toBe(whole.length);
        expect(sha256).toBe(hash('sha256', whole));
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(INLINE_RESULT_BYTES);
        expect(jsonBytes(text)).toBeLessThanOrEqual(14 * 1024);
        if (isWhole) expect(Buffer.from(text)).toEqual(whole);
        if (whole.length > INLINE_RESULT_BYTES) expect(Buffer.concat(handedOn).equals(whole)).toBe(true);
        else expect(handedOn).toEqual([]);
      }),
    );
  });

  it('keeps the head and the tail of a large text, cut between characters however it came', () => {
    const whole = Buffer.from(`begin ${'天宫'.repeat(20_000)} end`);
    for (const size of [1, 7, 4096, 65_536]) {
      const capture = new ResultCapture();
      for (let at = 0; at < whole.length; at += size) capture.add(whole.subarray(at, at + size));
      const { text, whole: isWhole } = capture.summary();
      expect(isWhole).toBe(false);
      expect(text).toMatch(/^begin [天宫]+\n\[\d+ bytes omitted\]\n[天宫]+ end$/);
      expect(text).not.toContain('\uFFFD');
      const omitted = Number(/\[(\d+) bytes/.exec(text)?.[1]);
      const marker = `\n[${omitted} bytes omitted]\n`;
      expect(Buffer.byteLength(text) - marker.length + omitted).toBe(whole.length);
    }
  });

  it('calls a small result that is not UTF-8 not whole, for its bytes cannot be had from its text', () => {
    const capture = new ResultCapture();
    capture.add(Buffer.from([0x61, 0xff, 0x62]));
    expect(capture.summary()).toMatchObject({ text: 'a\uFFFDb', bytes: 3, whole: false });
    expect(capture.small()).toEqual(Buffer.from([0x61, 0xff, 0x62]));
  });
});
