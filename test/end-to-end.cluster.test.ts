import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { isNotFound } from '../kube/kube-error.ts';
import { deployTasks, leases } from '../kube/resource.ts';
import { isFinished } from '../kube/task-state.ts';
import type { DeployTask, DeployTaskSpec } from '../kube/types/deploytask.ts';
import { binary } from './kubernetes/binaries.ts';
import { hasCluster, sharedCluster } from './kubernetes/shared.ts';
import type { SharedCluster } from './kubernetes/shared.ts';
import { startPrograms } from './programs/programs.ts';
import type { Programs } from './programs/programs.ts';
import type { RestTask } from './programs/rest-client.ts';
import { expectAgreement } from './survival/agreement.ts';

const run = promisify(execFile);
const SOON = { timeout: 60_000, interval: 50 };

describe.skipIf(!hasCluster())('operator, API and agent together', () => {
  let cluster: SharedCluster;
  let programs: Programs;
  let serial = 0;

  beforeAll(async () => {
    cluster = await sharedCluster();
    programs = await startPrograms(cluster);
  });

  afterAll(() => programs.stop());

  const kubectl = async (...args: string[]): Promise<string> => {
    const to = ['--kubeconfig', cluster.kubeconfig(), '--namespace', cluster.namespace];
    return (await run(binary('kubectl'), [...to, ...args])).stdout;
  };

  const post = (command: string, extra: object = {}): Promise<RestTask> =>
    programs.rest.post('/tasks', { agent_id: programs.agentName, type: 'shell', command, ...extra });

  /** Creates a task as `kubectl apply` does, but without kubectl's start-up. */
  async function apply(spec: Partial<DeployTaskSpec>): Promise<string> {
    const metadata = { name: `manifest-${(serial += 1)}` };
    const body = { metadata, spec: { agent: programs.agentName, type: 'shell' as const, ...spec } };
    return (await cluster.client.create(deployTasks, cluster.namespace, body)).metadata.name;
  }

  const read = (name: string): Promise<DeployTask> => cluster.client.get(deployTasks, cluster.namespace, name);

  async function reach(name: string, ...states: string[]): Promise<DeployTask> {
    await vi.waitUntil(async () => states.includes((await read(name)).status?.state ?? ''), SOON);
    return read(name);
  }

  /** The task once it has ended, after REST was seen to say the same of it as the Kubernetes API. */
  async function ended(name: string): Promise<DeployTask> {
    await vi.waitUntil(async () => isFinished(await read(name)), SOON);
    const task = await read(name);
    await vi.waitFor(async () => expectAgreement(await programs.rest.get(`/tasks/${name}`), task), SOON);
    return task;
  }

  const reasonOf = (task: DeployTask): string | undefined =>
    task.status?.conditions?.find(({ type }) => type === 'Succeeded')?.reason;

  /** Whether there is a process with this in its command line. */
  const isRunning = (text: string): boolean =>
    readdirSync('/proc')
      .filter((pid) => /^\d+$/.test(pid))
      .some((pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').includes(text);
        } catch {
          // It ended in the meantime.
          return false;
        }
      });

  it('shows a task from REST to kubectl', async () => {
    const { id } = await post('echo Hello World');
    await kubectl('wait', `deploytask/${id}`, '--for', 'condition=Succeeded', '--timeout', '60s');
    expect(await kubectl('get', 'dt', id)).toMatch(/shell\s+agent-1\s+Succeeded\s+Completed/);
    expect((await ended(id)).status?.result?.text).toBe('Hello World\n');
  });

  it('shows a task from kubectl to REST', async () => {
    const manifest = join(programs.folder, 'manifest.yaml');
    writeFileSync(
      manifest,
      `apiVersion: tiangong.io/v1alpha1
kind: DeployTask
metadata: {name: from-kubectl}
spec: {agent: ${programs.agentName}, type: shell, command: 'echo $A; exit 4', params: {env: {A: "it's me"}}}
`,
    );
    await kubectl('apply', '-f', manifest);
    await ended('from-kubectl');
    expect(await programs.rest.get('/tasks/from-kubectl')).toMatchObject({
      status: 'failed',
      result: "it's me\n",
      error: 'command failed: exit status 4',
    });
    const logs = await programs.rest.get<{ message: string }[]>('/tasks/from-kubectl/logs');
    expect(logs.map(({ message }) => message)).toContain("it's me");
    // A second apply changes nothing: the task does not run again.
    expect(await kubectl('apply', '-f', manifest)).toContain('unchanged');
  });

  it('answers a synchronous task with its result', async () => {
    expect(await post('echo now', { sync: true })).toMatchObject({ status: 'success', result: 'now\n' });
  });

  it('cancels by REST what runs, and by kubectl too', async () => {
    const { id } = await post('echo begun; sleep 4711.1');
    await reach(id, 'Running');
    await programs.rest.post(`/tasks/${id}/cancel`);
    expect((await ended(id)).status).toMatchObject({ state: 'Canceled', result: { text: 'begun\n' } });

    const name = await apply({ command: 'sleep 4711.2' });
    await reach(name, 'Running');
    await kubectl('patch', 'dt', name, '--type', 'merge', '--patch', '{"spec":{"cancel":true}}');
    expect(reasonOf(await ended(name))).toBe('CanceledByUser');
    expect(isRunning('sleep 4711')).toBe(false);
  });

  it('ends a task that takes longer than it may', async () => {
    const task = await ended(await apply({ command: 'echo before; sleep 4712', timeoutSeconds: 1 }));
    expect(task.status).toMatchObject({ state: 'Failed', result: { text: 'before\n' } });
    expect(reasonOf(task)).toBe('TimeoutExceeded');
    expect(isRunning('sleep 4712')).toBe(false);
  });

  it('kills what a canceled command forked and detached', async () => {
    const { id } = await post('sleep 4713.1 & setsid sleep 4713.2 & (trap "" TERM; sleep 4713.3) & echo up; wait');
    await reach(id, 'Running');
    await vi.waitUntil(() => isRunning('sleep 4713.3'), SOON);
    await programs.rest.post(`/tasks/${id}/cancel`);
    await ended(id);
    expect(isRunning('sleep 4713')).toBe(false);
  });

  it('does not wait for what a command leaves behind, and lets it live', async () => {
    const marker = join(programs.folder, 'left-behind');
    const task = await ended(await apply({ command: `setsid sh -c 'sleep 2; echo x > ${marker}' & echo done` }));
    expect(task.status).toMatchObject({ state: 'Succeeded', result: { text: 'done\n' } });
    await vi.waitUntil(() => existsSync(marker), SOON);
  });

  it('removes a running task that kubectl deletes, after its command was ended', async () => {
    const { id } = await post('sleep 4714');
    await reach(id, 'Running');
    await kubectl('delete', 'dt', id, '--timeout', '60s');
    await expect(read(id)).rejects.toSatisfy(isNotFound);
    expect(isRunning('sleep 4714')).toBe(false);
    expect(await programs.rest.tryGet(`/tasks/${id}`)).toBeUndefined();
  });

  it('keeps every byte of 100 MB of output', async () => {
    const bytes = 100 * 1024 * 1024;
    const { id } = await post(`head -c ${bytes} /dev/zero | tr '\\0' 'x'`);
    await vi.waitUntil(async () => isFinished(await read(id)), { ...SOON, timeout: 100_000 });
    const { status } = await read(id);
    expect(status).toMatchObject({ state: 'Succeeded', result: { bytes, truncated: true } });
    expect(JSON.stringify(status).length).toBeLessThan(32 * 1024);
    const hash = createHash('sha256');
    let received = 0;
    await vi.waitUntil(
      async () => {
        const response = await fetch(`${programs.rest.url}/api/v1/tasks/${id}/result`);
        if (!response.ok || response.body === null) return false;
        for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
          received += chunk.length;
          hash.update(chunk);
        }
        return true;
      },
      { ...SOON, timeout: 100_000 },
    );
    expect([received, hash.digest('hex')]).toEqual([bytes, status?.result?.sha256]);
  });

  it('gives output that is not UTF-8 as text and byte for byte', async () => {
    const { id } = await post("printf 'a\\377\\376b\\n'", { sync: true });
    expect(await programs.rest.get(`/tasks/${id}`)).toMatchObject({ status: 'success', result: 'a\uFFFD\uFFFDb\n' });
    const response = await fetch(`${programs.rest.url}/api/v1/tasks/${id}/result`);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(Buffer.from([0x61, 0xff, 0xfe, 0x62, 0x0a]));
  });

  it('says what is known of a task whose agent was killed, and does not run it again', async () => {
    const ran = join(programs.folder, 'ran');
    const name = await apply({ command: `echo once >> ${ran}; sleep 4715` });
    await vi.waitUntil(() => existsSync(ran), SOON);
    // What the agent notes of a process reaches its disk with what it next writes there.
    await ended(await apply({ command: 'true' }));
    await programs.agent.kill();
    programs.agent.start();
    const task = await ended(name);
    expect(task.status?.state).toBe('Unknown');
    expect(reasonOf(task)).toBe('AgentRestarted');
    expect(task.status?.error).toMatch(/pid \d+/);
    expect(isRunning('sleep 4715')).toBe(false);
    expect((await ended(await apply({ command: 'echo after' }))).status?.state).toBe('Succeeded');
    expect(readFileSync(ran, 'utf8')).toBe('once\n');
  });

  it('resolves the tasks of an agent that is lost for good within 45 s', async () => {
    const name = await apply({ command: 'sleep 4716' });
    await reach(name, 'Running');
    await programs.agent.kill();
    const died = performance.now();
    const waiting = await apply({ command: 'echo later' });
    const task = await ended(name);
    expect(performance.now() - died).toBeLessThan(45_000);
    expect([task.status?.state, reasonOf(task)]).toEqual(['Unknown', 'AgentLost']);
    await reach(waiting, 'Pending');
    await vi.waitUntil(
      async () => (await programs.rest.get(`/agents/${programs.agentName}/status`))['status'] === 'offline',
      SOON,
    );
    // REST refuses what a manifest may wait with.
    await expect(post('echo never')).rejects.toThrow(/404/);
    programs.agent.start();
    expect((await ended(waiting)).status).toMatchObject({ state: 'Succeeded', result: { text: 'later\n' } });
    const lease = await cluster.client.get(leases, cluster.namespace, programs.agentName);
    expect((await read(waiting)).status?.assignment?.instance).toBe(lease.spec?.holderIdentity);
    expect(isRunning('sleep 4716')).toBe(false);
  });
});
