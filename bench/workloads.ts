import { taskWrites } from './api-writes.ts';
import { CpuMeter, usageOf } from './process-usage.ts';
import { Samples, repeat } from './samples.ts';
import type { Subject } from './subject.ts';
import type { TaskEndings } from './task-endings.ts';

/** One line of the table: what was measured, and what came out. */
export interface Measure {
  readonly what: string;
  readonly value: string;
}

const TEXT = 'Hello World';

/** Throws when a task did not do what it should: a fast wrong answer is none. */
async function runTask(subject: Subject, endings: TaskEndings): Promise<void> {
  const { id } = await subject.rest.post('/tasks', bodyOf(subject));
  const { status } = await endings.of(id);
  if (status?.state !== 'Succeeded' || status.result?.text !== `${TEXT}\n`) {
    throw new Error(`task ${id} ended as ${status?.state}: ${status?.error}`);
  }
}

function bodyOf(subject: Subject): object {
  return { agent_id: subject.agent, type: 'shell', command: `echo ${TEXT}` };
}

/** Tasks end to end, so many in flight; with the writes and the CPU that each costs. */
export async function measureThroughput(
  subject: Subject,
  endings: TaskEndings,
  count: number,
  inFlight: number,
): Promise<Measure[]> {
  const writesBefore = await taskWrites(subject.transport);
  const cpu = new CpuMeter(subject.pids);
  const latency = new Samples();
  const { done, seconds } = await repeat(count, inFlight, async () => {
    const startedAt = performance.now();
    await runTask(subject, endings);
    latency.add(performance.now() - startedAt);
  });
  const used = cpu.perPiece(done, 'load generator');
  const writes = (await taskWrites(subject.transport)) - writesBefore;
  const what = `${done} tasks, ${inFlight} in flight`;
  return [
    { what: `${what}: tasks/s, created to seen finished`, value: (done / seconds).toFixed(0) },
    { what: `${what}: p50 / p99 of one, ms`, value: showLatency(latency) },
    { what: `${what}: API writes per task, counted by the API server`, value: (writes / done).toFixed(2) },
    { what: `${what}: CPU per task, ms`, value: used },
  ];
}

/** One task at a time, nothing else going on. */
export async function measureIdleLatency(subject: Subject, endings: TaskEndings, count: number): Promise<Measure[]> {
  const latency = new Samples();
  const { done } = await repeat(count, 1, async () => {
    const startedAt = performance.now();
    await runTask(subject, endings);
    latency.add(performance.now() - startedAt);
  });
  return [
    {
      what: `idle, ${done} one after the other: created to seen finished, p50 / p99, ms`,
      value: showLatency(latency),
    },
  ];
}

/** How fast asynchronous creates are answered; every one of them must end well. */
export async function measureAsyncPosts(
  subject: Subject,
  endings: TaskEndings,
  count: number,
  inFlight: number,
): Promise<Measure[]> {
  const latency = new Samples();
  const ids: string[] = [];
  const startedAt = performance.now();
  const { done, seconds } = await repeat(count, inFlight, async () => {
    const sentAt = performance.now();
    ids.push((await subject.rest.post('/tasks', bodyOf(subject))).id);
    latency.add(performance.now() - sentAt);
  });
  const ends = await Promise.allSettled(ids.map((id) => endings.of(id)));
  const stuck = ends.filter(({ status }) => status === 'rejected').length;
  const right = ends.filter((end) => end.status === 'fulfilled' && end.value.status?.result?.text === `${TEXT}\n`);
  const all = (performance.now() - startedAt) / 1000;
  const what = `${done} asynchronous POSTs, ${inFlight} in flight`;
  return [
    { what: `${what}: answers/s`, value: (done / seconds).toFixed(0) },
    { what: `${what}: p50 / p99, ms`, value: showLatency(latency) },
    { what: `${what}: until all had ended, tasks/s`, value: (done / all).toFixed(0) },
    { what: `${what}: stuck, wrong`, value: `${stuck}, ${done - stuck - right.length}` },
  ];
}

/** Synchronous creates, as a person's script does them. */
export async function measureSync(subject: Subject, count: number, inFlight: number): Promise<Measure[]> {
  const latency = new Samples();
  const { done, seconds } = await repeat(count, inFlight, async () => {
    const startedAt = performance.now();
    const { status, result } = await subject.rest.post('/tasks', { ...bodyOf(subject), sync: true });
    if (status !== 'success' || result !== `${TEXT}\n`) throw new Error(`a synchronous task ended as ${status}`);
    latency.add(performance.now() - startedAt);
  });
  const what = `${done} synchronous POSTs, ${inFlight} in flight`;
  return [
    { what: `${what}: p50 / p99, ms`, value: showLatency(latency) },
    { what: `${what}: tasks/s`, value: (done / seconds).toFixed(0) },
  ];
}

/** The first page of the list, as a console shows it, with all tasks of the run still there. */
export async function measureList(subject: Subject, count: number): Promise<Measure[]> {
  const latency = new Samples();
  await repeat(count, 1, async () => {
    const startedAt = performance.now();
    await subject.rest.get('/tasks?limit=100');
    latency.add(performance.now() - startedAt);
  });
  return [{ what: `GET /tasks?limit=100 with all of these tasks: p50 / p99, ms`, value: showLatency(latency) }];
}

/** Resident memory of every process, with all tasks of the run still there. */
export function measureMemory(subject: Subject): Measure[] {
  const values = Object.entries(subject.pids).map(([name, pid]) => `${name} ${usageOf(pid).rssMb.toFixed(0)}`);
  return [{ what: 'RSS in the end, MB', value: values.join(', ') }];
}

export function showLatency(latency: Samples): string {
  return `${latency.percentile(0.5).toFixed(1)} / ${latency.percentile(0.99).toFixed(1)}`;
}
