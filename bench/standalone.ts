import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { HttpTransport } from '../kube/http-transport.ts';
import { freePort } from '../test/kubernetes/free-port.ts';
import { RestClient } from '../test/programs/rest-client.ts';
import { until } from '../test/programs/until.ts';
import type { Subject } from './subject.ts';

const READY_DEADLINE_MS = 90_000;

/** Starts `tiangong up` in a folder of its own. `nodeArgs`: for node, such as --cpu-prof. */
export async function startStandalone(nodeArgs: readonly string[] = []): Promise<Subject> {
  const home = await mkdtemp(join(tmpdir(), 'tiangong-bench-'));
  const [port, kubePort] = await Promise.all([freePort(), freePort()]);
  const main = join(import.meta.dirname, '../standalone/main.ts');
  const flags = ['--home', home, '--port', String(port), '--kube-port', String(kubePort)];
  const child = spawn(process.execPath, [...nodeArgs, main, 'up', ...flags], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const rest = new RestClient(`http://127.0.0.1:${port}`);
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
    await rm(home, { recursive: true, force: true });
  };
  try {
    const isOnline = async (): Promise<boolean> => (await rest.tryGet('/agents/local/status'))?.['status'] === 'online';
    await until(isOnline, READY_DEADLINE_MS, 'tiangong up to be ready');
  } catch (err) {
    await stop();
    throw err;
  }
  const config = new KubeConfig();
  config.loadFromFile(join(home, 'kubeconfig'));
  const transport = new HttpTransport(config);
  const agent = JSON.parse(await readFile(join(home, 'agents/local/agent.pid'), 'utf8')) as { pid: number };
  return {
    name: 'standalone',
    rest,
    transport,
    namespace: 'default',
    agent: 'local',
    pids: { up: child.pid ?? -1, agent: agent.pid },
    stop: async () => {
      await transport.close();
      await stop();
    },
  };
}
