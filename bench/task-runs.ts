import type { Subject } from './subject.ts';

export const MIB = 1024 ** 2;
/** An hour: a limit on hanging, no measure. */
export const PATIENCE_MS = 3_600_000;

/** Throws when it does not succeed. Asks seldom: an answer holds the head of a result, which costs the API. */
export async function runTask(subject: Subject, body: object, intervalMs = 500): Promise<string> {
  const { id } = await subject.rest.post('/tasks', { agent_id: subject.agent, ...body });
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const [task] = await subject.rest.get<{ id: string; status: string; error: string }[]>('/tasks?limit=1');
    if (task?.id === id && task.status === 'success') return id;
    if (task?.id !== id || task.status === 'failed' || performance.now() > deadline)
      throw new Error(`task ${id} ended as ${task?.status}: ${task?.error}`);
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
}

export async function timed<T>(work: () => Promise<T>): Promise<{ result: T; seconds: number }> {
  const begun = performance.now();
  const result = await work();
  return { result, seconds: (performance.now() - begun) / 1000 };
}

/** Bytes in whole MiB. */
export const mib = (bytes: number): string => (bytes / MIB).toFixed(0);
