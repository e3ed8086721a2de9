import { expect, it } from 'vitest';
import { toNewTask } from './new-task.ts';

it('refuses a body that is nested too deep, wherever', () => {
  const deep: unknown = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000));
  const task = { agent_id: 'local', type: 'shell', command: 'true' };
  for (const body of [
    { ...task, params: { deep } },
    { ...task, unknown: deep },
  ])
    expect(() => toNewTask(body)).toThrow('nested more than 500 levels deep');
});
