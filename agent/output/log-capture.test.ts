import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { INLINE_LOG_BYTES, LogCapture } from './log-capture.ts';
import { encodeLine } from './log-line.ts';
import type { LogLine } from './log-line.ts';
import { jsonBytes } from './utf8.ts';

function capture(messages: readonly string[]): LogCapture {
  const log = new LogCapture();
  for (const message of messages) {
    const line: LogLine = { id: log.total + 1, level: 'info', timestamp: '2026-01-01T00:00:00.000Z', message };
    log.add(line, encodeLine(line));
  }
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
