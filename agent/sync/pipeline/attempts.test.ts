import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { PusherError } from '../pusher.ts';
import { SourceError } from '../source.ts';
import { Attempts } from './attempts.ts';

const options = { maxRetries: 2, retryDelayMs: 1, logger: pino({ level: 'silent' }) };
const gone = new SourceError('ConnectionFailed', 'gone', { retryable: true });
const { signal } = new AbortController();

describe('Attempts', () => {
  it('tries again as often as is allowed, and then says how often that was', async () => {
    let calls = 0;
    const call = async (): Promise<never> => {
      calls += 1;
      throw gone;
    };
    await expect(new Attempts(options).until('it', call, signal)).rejects.toMatchObject({
      reason: 'ConnectionFailed',
      message: 'gone (given up after 2 retries)',
      retryable: true,
    });
    expect(calls).toBe(3);
  });

  it('counts failures in a row only', async () => {
    const attempts = new Attempts(options);
    for (let n = 0; n < 5; n += 1) {
      await attempts.failed(gone, 'it', signal);
      attempts.succeeded();
    }
    for (let n = 0; n < 2; n += 1) await attempts.failed(gone, 'it', signal);
    await expect(attempts.failed(gone, 'it', signal)).rejects.toThrow('given up');
  });

  it('tells what it tries again, and when that is over', async () => {
    const told: unknown[] = [];
    const attempts = new Attempts({ ...options, onTrouble: (failure) => void told.push(failure?.reason) });
    attempts.succeeded();
    await attempts.failed(gone, 'it', signal);
    await attempts.failed(gone, 'it', signal);
    attempts.succeeded();
    expect(told).toEqual([undefined, 'ConnectionFailed', 'ConnectionFailed', undefined]);
  });

  it('does not try again what cannot succeed', async () => {
    const refused = new PusherError('AuthenticationFailed', 'wrong login', { retryable: false, status: 401 });
    await expect(new Attempts(options).failed(refused, 'it', signal)).rejects.toMatchObject({
      reason: 'AuthenticationFailed',
      message: 'wrong login',
      retryable: false,
    });
  });

  it('ends with the signal, also while it waits', async () => {
    const stop = new AbortController();
    const waiting = new Attempts({ ...options, retryDelayMs: 60_000 }).failed(gone, 'it', stop.signal);
    stop.abort(new Error('stopped'));
    await expect(waiting).rejects.toThrow('stopped');
  });

  it('tries again after a failure of the program itself, which it names as such', async () => {
    await expect(
      new Attempts({ ...options, maxRetries: 0 }).failed(new TypeError('x'), 'it', signal),
    ).rejects.toMatchObject({
      reason: 'InternalError',
      message: expect.stringContaining('主控制循环崩溃: x'),
      retryable: true,
    });
  });
});
