import { describe, expect, it } from 'vitest';
import { TaskAborted } from '../executor.ts';
import { abortable, ExecutionTimeout, startDeadline } from './deadline.ts';

const never = new Promise<never>(() => undefined);

describe('startDeadline', () => {
  it('aborts when the time is over, and says how long it was', async () => {
    const { signal } = startDeadline(new AbortController().signal, 5);
    await expect(abortable(never, signal)).rejects.toThrow(new ExecutionTimeout(5));
    expect((signal.reason as Error).message).toBe('execution timeout after 5 ms');
  });

  it('aborts with the reason of the task, also when that came before', async () => {
    const task = new AbortController();
    const deadline = startDeadline(task.signal, 60_000);
    const reason = new TaskAborted('User', 'canceled by user');
    task.abort(reason);
    await expect(abortable(never, deadline.signal)).rejects.toBe(reason);
    deadline.end();
    expect(startDeadline(task.signal, 60_000).signal.reason).toBe(reason);
  });

  it('no longer aborts once it has ended', () => {
    const task = new AbortController();
    const deadline = startDeadline(task.signal, 60_000);
    deadline.end();
    task.abort();
    expect(deadline.signal.aborted).toBe(false);
  });
});

describe('abortable', () => {
  it('gives what the work gives', async () => {
    const { signal } = new AbortController();
    await expect(abortable(Promise.resolve(1), signal)).resolves.toBe(1);
    await expect(abortable(Promise.reject(new Error('no')), signal)).rejects.toThrow('no');
  });

  it('drops a failure that comes after the abort', async () => {
    const late = Promise.withResolvers<never>();
    const controller = new AbortController();
    const result = abortable(late.promise, controller.signal);
    controller.abort(new Error('stopped'));
    late.reject(new Error('too late'));
    await expect(result).rejects.toThrow('stopped');
  });
});
