import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export interface AgentProcessOptions {
  readonly name: string;
  readonly namespace: string;
  readonly kubeconfig: string;
  readonly stateDir: string;
  readonly args?: readonly string[];
}

export interface AgentProcess {
  /** Ends it as a crash does, and waits until it is gone. */
  crash(): Promise<void>;
  terminate(): void;
  /** Resolves with the exit code and what it wrote. */
  readonly ended: Promise<{ code: number | null; output: string }>;
}

/** Starts the agent's program as a process of its own; what is left of it when the test has finished is killed. */
export function startAgent(options: AgentProcessOptions): AgentProcess {
  const { name, namespace, kubeconfig, stateDir, args = [] } = options;
  const flags = ['--name', name, '--home-namespace', namespace, '--kubeconfig', kubeconfig, '--state-dir', stateDir];
  const main = join(import.meta.dirname, '../main.ts');
  const child: ChildProcess = spawn(process.execPath, [main, ...flags, ...args], {
    env: { ...process.env, LOG_LEVEL: 'info' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += String(chunk)));
  const ended = new Promise<{ code: number | null; output: string }>((resolve) =>
    child.once('close', (code) => resolve({ code, output })),
  );
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return {
    async crash() {
      child.kill('SIGKILL');
      await ended;
    },
    terminate: () => void child.kill('SIGTERM'),
    ended,
  };
}
