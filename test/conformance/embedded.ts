import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface EmbeddedProcess {
  readonly url: string;
  readonly token: string;
  /** Ends the process as a power cut would, keeping its data; resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same data and port. */
  restart(): Promise<void>;
  /** Tries to start another process on the same data; rejects when that one refuses. */
  startSecond(): Promise<void>;
  /** Kills it and removes its data. */
  stop(): Promise<void>;
}

/** Starts the embedded server as a process of its own, so that it can be killed and has a core for itself. */
export async function startEmbedded(): Promise<EmbeddedProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'tiangong-conformance-'));
  const token = 'conformance-token';
  let { child, url } = await start(folder, 0, token);
  return {
    url,
    token,
    kill: () => end(child),
    restart: async () => {
      ({ child, url } = await start(folder, Number(new URL(url).port), token));
    },
    startSecond: async () => {
      const second = await start(folder, 0, token, 'ignore');
      await end(second.child);
    },
    stop: async () => {
      await end(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function start(
  folder: string,
  port: number,
  token: string,
  stderr: 'inherit' | 'ignore' = 'inherit',
): Promise<{ child: ChildProcess; url: string }> {
  const program = join(import.meta.dirname, 'embedded-process.ts');
  const child = spawn(process.execPath, [program, folder, String(port), token], { stdio: ['pipe', 'pipe', stderr] });
  const lines = createInterface({ input: child.stdout });
  const first = await Promise.race([
    once(lines, 'line').then(([line]) => line as string),
    once(child, 'exit').then(([code]) => {
      throw new Error(`the embedded server ended with ${String(code)} before it was ready`);
    }),
  ]);
  return { child, url: (JSON.parse(first) as { url: string }).url };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
