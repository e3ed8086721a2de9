import type { LoadedTask } from './load.ts';

/** How the tasks ended, and how often their commands ran, in one sentence. */
export function summarise(tasks: readonly LoadedTask[]): string {
  const ends = new Map<string, number>();
  for (const { task } of tasks) {
    const reason = task.status?.conditions?.find(({ type }) => type === 'Succeeded')?.reason ?? 'no reason';
    const end = `${task.status?.state ?? 'new'} (${reason})`;
    ends.set(end, (ends.get(end) ?? 0) + 1);
  }
  const counted = [...ends].sort(([, a], [, b]) => b - a).map(([end, count]) => `${count} ${end}`);
  const begun = tasks.reduce((sum, task) => sum + task.begun, 0);
  const twice = tasks.filter((task) => task.begun > 1);
  const marked = twice.filter(({ idempotent }) => idempotent).length;
  return (
    `${tasks.length} tasks ended: ${counted.join(', ')}. Their commands began ${begun} times; ` +
    `${twice.length} ran more than once, of which ${marked} are marked \`idempotent\`.`
  );
}
