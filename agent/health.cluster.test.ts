import { describe, expect, it } from 'vitest';
import { freePort } from '../test/kubernetes/free-port.ts';
import { hasCluster, sharedCluster } from '../test/kubernetes/shared.ts';
import { startAgent } from './testing/agent-process.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';

describe.skipIf(!hasCluster())('the health port of an agent', () => {
  it('tells that it lives, when it may be given work, and how it is', async () => {
    const cluster = await sharedCluster();
    const start = async (args: readonly string[] = []): Promise<(path: string) => Promise<[number, string]>> => {
      const port = String(await freePort());
      const kubeconfig = cluster.kubeconfig('agent/agent-1');
      startAgent({
        ...{ name: 'agent-1', namespace: cluster.namespace, kubeconfig, stateDir: temporaryFolder() },
        args: ['--health-port', port, ...args],
      });
      return async (path) => {
        const response = await fetch(`http://127.0.0.1:${port}${path}`);
        return [response.status, await response.text()];
      };
    };
    const ask = await start();
    await expect.poll(async () => (await ask('/readyz').catch(() => [0]))[0]).toBe(200);
    expect((await ask('/healthz'))[0]).toBe(200);
    const [, metrics] = await ask('/metrics');
    expect(metrics).toContain('tiangong_agent_ready 1');
    expect(metrics).toContain('tiangong_agent_tasks{state="running"} 0');
    expect(metrics).toContain('process_cpu_seconds_total');
    // One that waits for the other to go lives, but is not to be given work.
    const askSuccessor = await start(['--wait']);
    await expect.poll(async () => (await askSuccessor('/healthz').catch(() => [0]))[0]).toBe(200);
    expect((await askSuccessor('/readyz'))[0]).toBe(503);
  });
});
