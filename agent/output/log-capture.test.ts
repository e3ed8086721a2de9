import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { INLINE_LOG_BYTES, LogCapture } from './log-capture.ts';
import { jsonBytes } from './utf8.ts';

/** In batches of one, two, three lines and so on, as outputs come in pieces. */
function capture(messages: readonly string[]): LogCapture {
  const log = new LogCapture();
  for (let at = 0, size = 1; at < messages.length; at += size, size = (size % 7) + 1)
    log.add('info', '2026-01-01T00:00:00.000Z', messages.slice(at, at + size));
  return log;
}

describe('LogCapture', () => {
  it('keeps a small log whole', () => {
    const { lines, total, whole } = capture(['a', 'b']).summary();
    expect({ messages: lines.map(({ message }) => message), total, whole }).toEqual({
      messages: ['a', 'b'],
      total: 2,
      whole: true,
    });
  });

  it('keeps the first and the last lines of any log within its budget, in order', () => {
    const message = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 100 }),
      fc.string({ minLength: 2000, maxLength: 9000 }),
    );
    fc.assert(
      fc.property(fc.array(message, { maxLength: 400 }), (messages) => {
        const { lines, total, whole } = capture(messages).summary();
        expect(total).toBe(messages.length);
        expect(jsonBytes(lines)).toBeLessThanOrEqual(INLINE_LOG_BYTES + 1024);
        const ids = lines.map(({ id }) => id);
        expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
        if (whole) expect(lines.map((line) => line.message)).toEqual(messages);
        else {
          expect(ids[0]).toBe(1);
          expect(ids.at(-1)).toBe(total);
          // Whatever is left out is left out in one place.
          expect(ids.filter((id, index) => index > 0 && id !== (ids[index - 1] ?? 0) + 1).length).toBeLessThanOrEqual(
            1,
          );
        }
      }),
      { numRuns: 50 },
    );
  });

  it('never holds more than the schema allows lines', () => {
    const { lines, total } = capture(Array.from({ length: 1_000_000 / 100 }, () => '')).summary();
    expect(total).toBe(10_000);
    expect(lines.length).toBeLessThanOrEqual(1000);
  });
});
