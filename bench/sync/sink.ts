import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { request } from 'undici';
import type { SinkStats } from './sink-process.ts';

/** A consumer in a process of its own. */
export class Sink {
  readonly pid: number;
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.pid = child.pid ?? -1;
    this.url = url;
  }

  static async start(): Promise<Sink> {
    const program = join(import.meta.dirname, 'sink-process.ts');
    const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const { port } = JSON.parse(line) as { port: number };
    return new Sink(child, `http://127.0.0.1:${port}`);
  }

  async stats(): Promise<SinkStats> {
    return (await (await request(`${this.url}/stats`)).body.json()) as SinkStats;
  }

  /** Without latencies and arrivals, so that asking costs nothing. */
  async counts(): Promise<SinkStats> {
    return (await (await request(`${this.url}/counts`)).body.json()) as SinkStats;
  }

  async reset(): Promise<void> {
    await (await request(`${this.url}/reset`, { method: 'POST' })).body.dump();
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exited;
  }
}
