import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { KubeClient } from '../kube/client.ts';
import { deployTasks } from '../kube/resource.ts';
import type { DeployTask } from '../kube/types/deploytask.ts';
import { EmbeddedServer } from '../standalone/apiserver/embedded-server.ts';

/**
 * Prints how many writes a second the embedded API server takes in process, and what they cost the main thread. Three
 * watches are open, as in `tiangong up`. Usage: node bench/apiserver-writes.ts [tasks] [in flight] [data folder]
 */
const tasks = Number(process.argv[2] ?? 3000);
const inFlight = Number(process.argv[3] ?? 32);
const directory = mkdtempSync(join(process.argv[4] ?? tmpdir(), 'tiangong-bench-'));
const admin = { name: 'tiangong:admin', groups: ['system:masters'] };
const crdFiles = ['deploytasks', 'agents'].map((name) => new URL(`../crds/${name}.yaml`, import.meta.url).pathname);
const server = await EmbeddedServer.open({
  dataDir: directory,
  tokens: new Map(),
  crdFiles,
  logger: pino({ level: 'warn' }),
});
const client = new KubeClient(server.transport(admin));
const stop = new AbortController();
let events = 0;

for (const fieldSelector of ['', '', 'status.assignment.agent=bench,status.state!=Succeeded'])
  void watch(fieldSelector);

const names: string[] = [];
await measure('create', async (index) => {
  const created = await client.create(deployTasks, 'default', newTask(index));
  names[index] = created.metadata.name;
});
const time = new Date().toISOString();
const steps: readonly [string, object][] = [
  [
    'assign',
    { state: 'Assigned', observedGeneration: 1, assignment: { agent: 'bench', instance: 'i', epoch: 1, time } },
  ],
  ['start', { state: 'Running', startTime: time }],
  [
    'finish',
    {
      state: 'Succeeded',
      completionTime: time,
      exitCode: 0,
      result: { text: 'hello\n', bytes: 6 },
      log: { total: 1, lines: [{ id: 1, level: 'info', timestamp: time, message: 'hello' }] },
      conditions: [
        { type: 'Succeeded', status: 'True', reason: 'Completed', message: 'done', lastTransitionTime: time },
      ],
    },
  ],
];
for (const [name, status] of steps)
  await measure(`status patch (${name})`, (index) =>
    client.patch(deployTasks, 'default', names[index] ?? '', { status }, { subresource: 'status' }),
  );
console.log(`events delivered to 3 watches: ${events}`);
stop.abort();
await server.close();
rmSync(directory, { recursive: true });

function newTask(index: number): Parameters<typeof client.create<DeployTask>>[2] {
  return {
    metadata: { name: `task-${index}`, finalizers: ['tiangong.io/cleanup'] },
    spec: { agent: 'bench', type: 'shell', command: 'echo hello', ttlSecondsAfterFinished: 604_800 },
  };
}

async function watch(fieldSelector: string): Promise<void> {
  const options = { resourceVersion: '0', timeoutSeconds: 3600, signal: stop.signal, fieldSelector };
  try {
    for await (const _event of client.watch(deployTasks, undefined, options)) events += 1;
  } catch (err) {
    if (!stop.signal.aborted) throw err;
  }
}

async function measure(name: string, write: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const start = performance.now();
  const cpu = process.threadCpuUsage();
  const worker = async (): Promise<void> => {
    while (next < tasks) await write(next++);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.threadCpuUsage(cpu);
  const perSecond = Math.round(tasks / seconds);
  const perWrite = ((user + system) / 1000 / tasks).toFixed(3);
  console.log(
    `${name.padEnd(24)} ${String(perSecond).padStart(6)} writes/s  ${perWrite} ms main-thread CPU each (client included)`,
  );
}
