import { expect, it } from 'vitest';
import { syncTimeoutMs, toNewTask } from './new-task.ts';

it('refuses a body that is nested too deep, wherever', () => {
  const deep: unknown = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000));
  const task = { agent_id: 'local', type: 'shell', command: 'true' };
  for (const body of [
    { ...task, params: { deep } },
    { ...task, unknown: deep },
  ])
    expect(() => toNewTask(body)).toThrow('nested more than 500 levels deep');
});

it('lets a synchronous create wait 60 seconds unless it says otherwise, and 300 at most', () => {
  expect([undefined, null, 30, 300, 301, 0, -7].map(syncTimeoutMs)).toEqual([60e3, 60e3, 30e3, 300e3, 300e3, 1e3, 1e3]);
});
