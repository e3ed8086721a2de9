import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KubeClient } from '../kube/client.ts';
import { HttpTransport } from '../kube/http-transport.ts';
import { deployTasks } from '../kube/resource.ts';
import { freePort } from '../test/kubernetes/free-port.ts';
import { processStartTicks } from './process-identity.ts';

interface Task {
  readonly id: string;
  readonly status: string;
  readonly result: string;
}

/** A first start compiles much; a machine that runs other tests beside this one is slow. */
const START_MS = 90_000;

describe('tiangong up', { timeout: 240_000 }, () => {
  let home: string;
  let ports: { PORT: string; KUBE_PORT: string };
  const children: ChildProcess[] = [];

  const run = (environment: Record<string, string> = {}): { child: ChildProcess; output: () => string } => {
    let text = '';
    const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), 'up'], {
      env: { ...process.env, TIANGONG_HOME: home, ...ports, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    children.push(child);
    return { child, output: () => text };
  };
  const start = async (): Promise<{ child: ChildProcess; api: string; output: () => string }> => {
    const started = run();
    await expect.poll(started.output, { timeout: START_MS, interval: 100 }).toContain('Tiangong is up.');
    const api = /REST API\s+(\S+)/.exec(started.output())?.[1] ?? '';
    return { ...started, api };
  };
  const end = async (child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> => {
    const exited = once(child, 'exit') as Promise<[number | null]>;
    child.kill(signal);
    return (await exited)[0];
  };
  const create = async (api: string, body: object): Promise<Task> => {
    const response = await fetch(`${api}/tasks`, {
      method: 'POST',
      body: JSON.stringify({ agent_id: 'local', ...body }),
    });
    expect(response.status).toBe(201);
    return (await response.json()) as Task;
  };
  const read = async (api: string, id: string): Promise<Task> =>
    (await (await fetch(`${api}/tasks/${id}`)).json()) as Task;
  const agentPid = (): number =>
    (JSON.parse(readFileSync(join(home, 'agents/local/agent.pid'), 'utf8')) as { pid: number }).pid;

  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), 'tiangong-up-'));
    ports = { PORT: String(await freePort()), KUBE_PORT: String(await freePort()) };
  });
  afterEach(async () => {
    for (const child of children.splice(0))
      if (child.exitCode === null && child.signalCode === null) await end(child, 'SIGKILL');
    if (existsSync(join(home, 'agents/local/agent.pid'))) {
      const pid = agentPid();
      if (processStartTicks(pid) !== undefined) process.kill(pid, 'SIGKILL');
      await expect.poll(() => processStartTicks(pid)).toBeUndefined();
    }
    rmSync(home, { recursive: true, force: true });
  });

  it('runs a task that REST and the Kubernetes API show alike, and keeps it over a restart', async () => {
    const first = await start();
    const task = await create(first.api, { type: 'shell', command: 'echo Hello World', sync: true });
    expect(task).toMatchObject({ status: 'success', result: 'Hello World\n' });

    // k8s tasks are about the embedded Kubernetes API itself, without any setting.
    const manifest = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {mode: "0644"}\n';
    const kept = await create(first.api, { type: 'k8s', command: manifest, sync: true });
    expect(kept.status).toBe('success');
    expect(JSON.parse(kept.result)).toMatchObject({ metadata: { name: 'settings', namespace: 'default' } });
    const secret = manifest.replace('ConfigMap', 'Secret').replace('\ndata', '\nstringData');
    expect(await create(first.api, { type: 'k8s', command: secret, sync: true })).toMatchObject({ status: 'success' });

    const config = new KubeConfig();
    config.loadFromFile(join(home, 'kubeconfig'));
    const transport = new HttpTransport(config);
    const object = await new KubeClient(transport).get(deployTasks, 'default', task.id);
    await transport.close();
    expect(object.status).toMatchObject({ state: 'Succeeded', result: { text: 'Hello World\n' } });

    const pid = agentPid();
    expect(await end(first.child, 'SIGINT')).toBe(0);
    expect(processStartTicks(pid)).toBeUndefined();

    const second = await start();
    expect(await read(second.api, task.id)).toEqual(task);
  });

  it('lets tasks go on that ran when it was killed', async () => {
    const first = await start();
    const gate = join(home, 'gate');
    const command = `while [ ! -e '${gate}' ]; do sleep 0.1; done; echo done`;
    const task = await create(first.api, { type: 'shell', command });
    const pid = agentPid();
    // The kill must not come before the agent has the task.
    await expect
      .poll(
        async () =>
          ((await (await fetch(`${first.api}/tasks/${task.id}`)).json()) as { started_at: unknown }).started_at,
        {
          timeout: 60_000,
        },
      )
      .not.toBeNull();
    await end(first.child, 'SIGKILL');
    const second = await start();
    writeFileSync(gate, '');
    await expect
      .poll(() => read(second.api, task.id), { timeout: 60_000 })
      .toMatchObject({ status: 'success', result: 'done\n' });
    // The same agent: it was adopted, not replaced.
    expect(agentPid()).toBe(pid);
    expect(processStartTicks(pid)).toBeDefined();
  });

  it('says which port is in use and how to choose another', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    for (const name of ['PORT', 'KUBE_PORT']) {
      const { child, output } = run({ [name]: String(port) });
      const [code] = (await once(child, 'exit')) as [number];
      expect(code).toBe(1);
      expect(output()).toMatch(new RegExp(`^tiangong: port ${port} for the .* is in use; .* ${name}$`, 'm'));
    }
    other.close();
  });

  it('refuses a folder that another one uses', async () => {
    await start();
    const free = { PORT: String(await freePort()), KUBE_PORT: String(await freePort()) };
    const { child, output } = run(free);
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).toBe(1);
    expect(output()).toContain('tiangong: ');
    expect(output()).toContain(home);
  });
});
