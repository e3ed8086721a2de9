import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageBound } from './message-bound.ts';

const MIB = 1024 * 1024;
const header = (length: number): Buffer => Buffer.from([length & 0xff, (length >> 8) & 0xff, length >> 16, 0]);

function loggedIn(): MessageBound {
  const bound = new MessageBound();
  bound.endGreeting();
  return bound;
}

describe('MessageBound', () => {
  it('lets whatever is short pass, however it is cut', () => {
    const packets = fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 20 });
    fc.assert(
      fc.property(packets, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (lengths, cuts) => {
        const bytes = Buffer.concat(lengths.flatMap((length) => [header(length), Buffer.alloc(length, 0xff)]));
        const bound = loggedIn();
        for (let at = 0, cut = 0; at < bytes.length; cut += 1) {
          const size = cuts[cut % cuts.length] ?? 1;
          expect(bound.take(bytes.subarray(at, at + size))).toBeUndefined();
          at += size;
        }
      }),
    );
  });

  it('refuses a message of more than 64 MiB before its end, though it comes in packets', () => {
    const bound = loggedIn();
    const full = Buffer.concat([header(0xffffff), Buffer.alloc(0xffffff)]);
    for (let packet = 0; packet < 4; packet += 1) expect(bound.take(full)).toBeUndefined();
    expect(bound.take(Buffer.concat([header(5), Buffer.alloc(5)]))).toMatchObject({
      why: 'a row of more than 64 MiB is more than the agent takes',
      at: 0,
    });
  });

  it('counts a message anew after its last packet', () => {
    const bound = loggedIn();
    for (let message = 0; message < 5; message += 1) {
      expect(bound.take(Buffer.concat([header(0xffffff), Buffer.alloc(0xffffff)]))).toBeUndefined();
      expect(bound.take(header(0))).toBeUndefined();
    }
  });

  it('takes no more than 1 MiB before the login', () => {
    const bound = new MessageBound();
    expect(bound.take(Buffer.concat([header(1000), Buffer.alloc(1000)]))).toBeUndefined();
    expect(bound.take(Buffer.alloc(MIB))).toMatchObject({
      why: "what answers there does not speak MySQL's protocol",
    });
  });
});
