import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { Agent, fetch } from 'undici';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { KubeClient } from '../../kube/client.ts';
import { HttpTransport } from '../../kube/http-transport.ts';
import { agents, deployTasks } from '../../kube/resource.ts';
import { freePort } from '../../test/kubernetes/free-port.ts';

const MAIN = join(import.meta.dirname, '..', 'main.ts');

/** Listens on 127.0.0.1, but is not known to be loopback: as any address of a network. */
const NOT_LOOPBACK = '0x7f.1';

describe('tiangong up for users with tokens', { timeout: 180_000 }, () => {
  let home: string;
  let child: ChildProcess;
  let output = '';
  let url: string;
  let kubePort: number;
  let dispatcher: Agent;

  const tiangong = (...args: string[]): string =>
    execFileSync(process.execPath, [MAIN, ...args, '--home', home], { encoding: 'utf8', stdio: 'pipe' });
  const call = async (
    token: string | undefined,
    method: string,
    path: string,
    body?: object,
  ): Promise<{ status: number; body: Record<string, unknown> }> => {
    const response = await fetch(url + path, {
      ...{ method, dispatcher, body: body === undefined ? null : JSON.stringify(body) },
      headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const withKube = async <T>(token: string, use: (client: KubeClient) => Promise<T>): Promise<T> => {
    const config = new KubeConfig();
    const cluster = {
      name: 'x',
      server: `https://127.0.0.1:${kubePort}`,
      caFile: join(home, 'pki/server.crt'),
      skipTLSVerify: false,
    };
    config.loadFromClusterAndUser(cluster, { name: 'x', token });
    const transport = new HttpTransport(config);
    try {
      return await use(new KubeClient(transport));
    } finally {
      await transport.close();
    }
  };

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'tiangong-users-of-up-'));
    kubePort = await freePort();
    const flags = ['--home', home, '--host', NOT_LOOPBACK, '--port', '0', '--kube-port', String(kubePort)];
    child = spawn(process.execPath, [MAIN, 'up', ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await vi.waitUntil(() => output.includes('Tiangong is up.'), { timeout: 90_000, interval: 100 });
    url = (/REST API\s+(\S+)\/api\/v1/.exec(output)?.[1] ?? '').replace(NOT_LOOPBACK, '127.0.0.1');
    dispatcher = new Agent({ connect: { ca: readFileSync(join(home, 'pki/server.crt')) } });
  }, 120_000);
  afterAll(async () => {
    await dispatcher?.close();
    const exited = child?.exitCode === null ? once(child, 'exit') : undefined;
    child?.kill('SIGINT');
    await exited;
    rmSync(home, { recursive: true, force: true });
  });

  it('says how to add users, and speaks TLS', () => {
    expect(output).toMatch(/Users +none yet: tiangong user add <name>/);
    expect(output).toContain('$TOKEN');
    expect(output).toMatch(/--cacert .*server\.crt/);
    expect(url).toMatch(/^https:/);
    expect(output).not.toContain('NOT ONLINE');
  });

  it('knows a user who is added while it runs, with the same rights by REST and by kubectl, until removed', async () => {
    expect((await call(undefined, 'GET', '/api/v1/tasks')).status).toBe(401);
    onTestFinished(() => {
      // Those that are there: a try that failed has not removed all of them.
      for (const [name] of tiangong('user', 'list').matchAll(/^(edith|victor)\b/gm)) tiangong('user', 'remove', name);
    });
    const edith = tiangong('user', 'add', 'edith', '--role', 'edit').trim();
    const victor = tiangong('user', 'add', 'victor', '--role', 'view').trim();
    expect(tiangong('user', 'list')).toMatch(/^NAME +ROLE +CREATED\nedith +edit +\S+\nvictor +view +\S+\n$/);
    await expect.poll(async () => (await call(victor, 'GET', '/api/v1/agents')).status).toBe(200);

    const task = { agent_id: 'local', type: 'shell', command: 'echo Hello', sync: true };
    const made = await call(edith, 'POST', '/api/v1/tasks', task);
    expect(made.body).toMatchObject({ status: 'success', result: 'Hello\n' });
    const refused = await call(victor, 'POST', '/api/v1/tasks', task);
    expect([refused.status, refused.body['code']]).toEqual([403, 'Forbidden']);
    expect((await call(edith, 'DELETE', '/api/v1/agents/local')).body['code']).toBe('Forbidden');

    const name = String(made.body['id']);
    const object = await withKube(victor, (client) => client.get(deployTasks, 'default', name));
    expect(object.metadata.annotations).toMatchObject({ 'tiangong.io/created-by': 'edith' });
    await expect(withKube(victor, (client) => client.delete(deployTasks, 'default', name))).rejects.toMatchObject({
      code: 403,
    });
    await expect(withKube(edith, (client) => client.delete(agents, 'default', 'local'))).rejects.toMatchObject({
      code: 403,
    });

    tiangong('user', 'remove', 'victor');
    await expect.poll(async () => (await call(victor, 'GET', '/api/v1/agents')).status).toBe(401);
    await expect(withKube(victor, (client) => client.get(deployTasks, 'default', name))).rejects.toMatchObject({
      code: 401,
    });
  });

  it('lets nobody in without a token on an address of a network, unless it is told to', () => {
    const error = (...args: string[]): string => {
      try {
        tiangong('up', ...args);
        return '';
      } catch (err) {
        return (err as { stderr: string }).stderr;
      }
    };
    expect(error('--host', '10.0.0.1', '--auth', 'none')).toMatch(
      /^tiangong: with --auth none everybody .* --insecure/,
    );
  });
});
