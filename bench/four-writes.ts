import { spawn } from 'node:child_process';
import { Pool } from 'undici';
import { CpuMeter } from './process-usage.ts';
import { Samples, repeat } from './samples.ts';
import { showLatency } from './workloads.ts';
import type { Measure } from './workloads.ts';

interface Task {
  metadata: { name: string; resourceVersion: string };
  spec: { command: string };
  status?: { state?: string };
}

const PATH = '/apis/tiangong.io/v1alpha1/namespaces/bare/deploytasks';
const AGENT = 'bare';
const WARM_UP = 300;

/**
 * What the API server itself allows: create, assign, start, finish, by a bare HTTP client that does nothing else; one
 * process in three roles, each with a watch, as operator, agent and client have them. The command is really run.
 */
export class FourWrites {
  readonly #pool: Pool;
  readonly #watches: Pool;
  readonly #headers: Record<string, string>;
  readonly #endings = new Map<string, () => void>();

  constructor(url: string, token: string) {
    const connect = { rejectUnauthorized: false };
    this.#pool = new Pool(url, { connections: 64, connect, allowH2: false });
    this.#watches = new Pool(url, { connections: 2, connect, allowH2: false, bodyTimeout: 0 });
    this.#headers = { authorization: `Bearer ${token}` };
  }

  /** `pids`: the API server's processes. */
  async measure(
    pids: Readonly<Record<string, number>>,
    idle: number,
    count: number,
    inFlight: number,
  ): Promise<Measure[]> {
    const namespace = { metadata: { name: 'bare' } };
    await this.#send('POST', '/api/v1/namespaces', namespace);
    await this.#watch('', (type, task) => {
      if (type === 'ADDED') void this.#assign(task);
      if (task.status?.state === 'Succeeded') this.#endings.get(task.metadata.name)?.();
    });
    await this.#watch(`&fieldSelector=status.assignment.agent%3D${AGENT}`, (type, task) => {
      if (type === 'ADDED') void this.#run(task);
    });
    // As for what is measured beside it: caches and code that are cold.
    await repeat(WARM_UP, inFlight, (i) => this.#one(`warm-${i}`, new Samples()));
    const alone = new Samples();
    const { done: idleDone } = await repeat(idle, 1, (i) => this.#one(`idle-${i}`, alone));
    const together = new Samples();
    const cpu = new CpuMeter(pids);
    const { done, seconds } = await repeat(count, inFlight, (i) => this.#one(`task-${i}`, together));
    const used = cpu.perPiece(done, 'all three roles');
    // The answer to the last write may come after the watch has shown it.
    await this.#pool.close();
    await this.#watches.destroy();
    const what = `${done} tasks, ${inFlight} in flight`;
    return [
      { what: `${what}: tasks/s, created to seen finished`, value: (done / seconds).toFixed(0) },
      { what: `${what}: p50 / p99 of one, ms`, value: showLatency(together) },
      { what: `${what}: CPU per task, ms`, value: used },
      {
        what: `idle, ${idleDone} one after the other: created to seen finished, p50 / p99, ms`,
        value: showLatency(alone),
      },
    ];
  }

  async #one(name: string, latency: Samples): Promise<void> {
    const startedAt = performance.now();
    const ended = new Promise<void>((resolve) => this.#endings.set(name, resolve));
    await this.#send('POST', PATH, {
      apiVersion: 'tiangong.io/v1alpha1',
      kind: 'DeployTask',
      metadata: { name, finalizers: ['tiangong.io/cleanup'] },
      spec: { agent: AGENT, type: 'shell', command: 'echo Hello World', startDeadlineSeconds: 600 },
    });
    await ended;
    this.#endings.delete(name);
    latency.add(performance.now() - startedAt);
  }

  async #assign({ metadata }: Task): Promise<void> {
    const time = new Date().toISOString();
    await this.#patch(metadata, {
      state: 'Assigned',
      observedGeneration: 1,
      assignment: { agent: AGENT, instance: 'bare', epoch: 1, time },
      conditions: conditions(['Assigned', 'Succeeded', 'Reconciling'], 'Dispatched', time),
    });
  }

  async #run({ metadata, spec }: Task): Promise<void> {
    const startTime = new Date().toISOString();
    const started = await this.#patch(metadata, { state: 'Running', startTime });
    const text = await output(spec.command);
    const completionTime = new Date().toISOString();
    const lines = [1, 2, 3, 4, 5].map((id) => ({
      id,
      level: 'info',
      timestamp: startTime,
      message: `Executing command: ${spec.command}`,
    }));
    await this.#patch(started.metadata, {
      state: 'Succeeded',
      completionTime,
      exitCode: 0,
      result: { text, bytes: text.length, sha256: '0'.repeat(64) },
      log: { total: lines.length, lines },
      conditions: conditions(
        ['Assigned', 'Succeeded', 'Reconciling', 'Finished', 'Stalled'],
        'Completed',
        completionTime,
      ),
    });
  }

  #patch({ name, resourceVersion }: Task['metadata'], status: object): Promise<Task> {
    const type = 'application/merge-patch+json';
    return this.#send('PATCH', `${PATH}/${name}/status`, { metadata: { resourceVersion }, status }, type);
  }

  async #send(method: 'POST' | 'PATCH', path: string, body: object, type = 'application/json'): Promise<Task> {
    const headers = { ...this.#headers, 'content-type': type };
    const response = await this.#pool.request({ method, path, headers, body: JSON.stringify(body) });
    const text = await response.body.text();
    if (response.statusCode >= 300) throw new Error(`${method} ${path}: ${response.statusCode} ${text}`);
    return JSON.parse(text) as Task;
  }

  async #watch(selector: string, onEvent: (type: string, task: Task) => void): Promise<void> {
    const path = `${PATH}?watch=true&resourceVersion=0${selector}`;
    const { body } = await this.#watches.request({ method: 'GET', path, headers: this.#headers });
    let rest = '';
    body.setEncoding('utf8');
    body.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const { type, object } = JSON.parse(line) as { type: string; object: Task };
        onEvent(type, object);
      }
    });
    // It ends with the pool.
    body.on('error', () => undefined);
  }
}

function conditions(types: readonly string[], reason: string, lastTransitionTime: string): object[] {
  return types.map((type) => ({
    type,
    status: 'True',
    reason,
    message: `assigned to ${AGENT}`,
    observedGeneration: 1,
    lastTransitionTime,
  }));
}

function output(command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', command], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
    child.once('error', reject).once('close', () => resolve(text));
  });
}
