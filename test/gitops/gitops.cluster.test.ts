import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { isNotFound } from '../../kube/kube-error.ts';
import { deployTasks } from '../../kube/resource.ts';
import { isFinished } from '../../kube/task-state.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import { binary } from '../kubernetes/binaries.ts';
import { hasCluster, sharedCluster } from '../kubernetes/shared.ts';
import type { SharedCluster } from '../kubernetes/shared.ts';
import { startPrograms } from '../programs/programs.ts';
import type { Programs } from '../programs/programs.ts';
import { canTellHealth, healthOf } from './health.ts';

const run = promisify(execFile);
const SOON = { timeout: 60_000, interval: 50 };
const example = join(import.meta.dirname, '../../docs/gitops/example');

/** As the tools do it: by field manager, again and again, from a folder of manifests. */
describe.skipIf(!hasCluster())('tasks from a repository', () => {
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

  const sync = (folder: string): Promise<string> =>
    kubectl('apply', '--server-side', '--field-manager=argocd-controller', '-k', folder);

  const read = (name: string): Promise<DeployTask> => cluster.client.get(deployTasks, cluster.namespace, name);

  /** The task at its end, and all of its spec observed: the agent ends a canceled task before the operator says so. */
  const ended = (name: string): Promise<DeployTask> =>
    vi.waitUntil(async () => {
      const task = await read(name);
      return isFinished(task) && task.status?.observedGeneration === task.metadata.generation && task;
    }, SOON);

  /** The example of the documentation as a folder of its own, with this command; what ran is counted in `marks`. */
  function repository(command: string, more: readonly string[] = []): { folder: string; name: string; marks: string } {
    const base = `task-${(serial += 1)}`;
    const folder = join(programs.folder, base);
    const marks = join(programs.folder, `${base}.marks`);
    mkdirSync(folder);
    cpSync(example, folder, { recursive: true });
    const text = readFileSync(join(folder, 'task.yaml'), 'utf8')
      .replace('warm-cache', base)
      .replace('agent: local', `agent: ${programs.agentName}`)
      .replace('echo warmed', `echo ran >> ${marks}; ${command}`);
    writeFileSync(join(folder, 'task.yaml'), [text, ...more.map((line) => `  ${line}\n`)].join(''));
    return { folder, name: `${base}-v1`, marks };
  }

  const runsOf = (marks: string): number =>
    existsSync(marks) ? readFileSync(marks, 'utf8').split('\n').length - 1 : 0;

  it('runs a task once, however often it is synced', async () => {
    const { folder, name, marks } = repository('echo warmed');
    await sync(folder);
    const before = await ended(name);
    expect(before.status).toMatchObject({ state: 'Succeeded', result: { text: 'warmed\n' } });
    expect(before.spec.ttlSecondsAfterFinished).toBeUndefined();
    for (let i = 0; i < 3; i += 1) expect(await sync(folder)).toContain('serverside-applied');
    expect((await read(name)).metadata.resourceVersion).toBe(before.metadata.resourceVersion);
    expect(runsOf(marks)).toBe(1);
  });

  it('shows no difference between the repository and a task that has run', async () => {
    const { folder, name } = repository('true');
    await sync(folder);
    await ended(name);
    const diff = ['diff', '--server-side', '--field-manager=argocd-controller', '-k', folder];
    expect(await kubectl(...diff)).toBe('');
  });

  it('refuses another command under the same name, and runs it under the next', async () => {
    const { folder, name, marks } = repository('echo one');
    await sync(folder);
    await ended(name);
    const change = (file: string, from: string, to: string): void => {
      const path = join(folder, file);
      writeFileSync(path, readFileSync(path, 'utf8').replace(from, to));
    };
    change('task.yaml', 'echo one', 'echo two');
    await expect(sync(folder)).rejects.toThrow('command is immutable');
    change('kustomization.yaml', '-v1', '-v2');
    await sync(folder);
    expect((await ended(name.replace('-v1', '-v2'))).status?.result?.text).toBe('two\n');
    expect((await read(name)).status?.result?.text).toBe('one\n');
    expect(runsOf(marks)).toBe(2);
  });

  it('runs a task with a TTL again after it was removed, as the documentation warns', async () => {
    const { folder, name, marks } = repository('true', ['ttlSecondsAfterFinished: 0']);
    await sync(folder);
    const isGone = (): Promise<boolean> => read(name).then(() => false, isNotFound);
    await vi.waitUntil(isGone, SOON);
    await sync(folder);
    await vi.waitUntil(() => runsOf(marks) === 2, SOON);
  });

  it('cancels what is pruned, and lets it go', async () => {
    const { folder, name } = repository('sleep 300');
    await sync(folder);
    await vi.waitUntil(async () => (await read(name)).status?.state === 'Running', SOON);
    await kubectl('delete', '-k', folder, '--timeout', '60s');
    await expect(read(name)).rejects.toSatisfy(isNotFound);
  });

  it('makes a task for each sync out of generateName', async () => {
    const manifest = join(programs.folder, 'hook.yaml');
    const spec = `{agent: ${programs.agentName}, type: shell, command: echo hooked}`;
    const metadata = '{generateName: hook-, annotations: {argocd.argoproj.io/hook: PreSync}}';
    writeFileSync(
      manifest,
      `{apiVersion: tiangong.io/v1alpha1, kind: DeployTask, metadata: ${metadata}, spec: ${spec}}`,
    );
    const names = [];
    for (let i = 0; i < 2; i += 1)
      names.push((await kubectl('create', '-f', manifest, '-o', 'jsonpath={.metadata.name}')).trim());
    expect(new Set(names).size).toBe(2);
    for (const name of names) expect((await ended(name)).status?.state).toBe('Succeeded');
  });

  describe.skipIf(!canTellHealth())('health', () => {
    const health = async (name: string): Promise<{ kstatus: string; argo: string; argoMessage: string }> => {
      const { kstatus, argo, argoMessage } = healthOf({ kind: 'DeployTask', ...(await read(name)) }, programs.folder);
      return { kstatus, argo, argoMessage };
    };

    it('is progressing while the task runs, and good after a success', async () => {
      const go = join(programs.folder, `go-${serial}`);
      const { folder, name } = repository(`while [ ! -e ${go} ]; do sleep 0.1; done`);
      await sync(folder);
      await vi.waitUntil(async () => (await read(name)).status?.state === 'Running', SOON);
      expect(await health(name)).toMatchObject({ kstatus: 'InProgress', argo: 'Progressing' });
      writeFileSync(go, '');
      await ended(name);
      expect(await health(name)).toMatchObject({ kstatus: 'Current', argo: 'Healthy' });
    });

    it('is bad after a failure, and says why', async () => {
      const { folder, name } = repository('exit 3');
      await sync(folder);
      await ended(name);
      const found = await health(name);
      expect(found).toMatchObject({ kstatus: 'Failed', argo: 'Degraded' });
      expect(found.argoMessage).toMatch(/^CommandFailed: .*3/);
    });

    it('is bad after a cancel', async () => {
      const { folder, name } = repository('sleep 300');
      await sync(folder);
      await vi.waitUntil(async () => (await read(name)).status?.state === 'Running', SOON);
      await kubectl('patch', 'dt', name, '--type', 'merge', '-p', '{"spec":{"cancel":true}}');
      await ended(name);
      expect(await health(name)).toMatchObject({ kstatus: 'Failed', argo: 'Degraded' });
    });

    it('waits where the task waits for an approval or for its agent', async () => {
      const approval = repository('true', ['params:', '  approve: required']);
      await sync(approval.folder);
      await vi.waitUntil(async () => (await read(approval.name)).status?.state === 'Pending', SOON);
      expect(await health(approval.name)).toMatchObject({ kstatus: 'InProgress', argo: 'Suspended' });
      const lost = repository('true');
      const task = join(lost.folder, 'task.yaml');
      writeFileSync(task, readFileSync(task, 'utf8').replace(`agent: ${programs.agentName}`, 'agent: nobody'));
      await sync(lost.folder);
      await vi.waitUntil(async () => (await read(lost.name)).status?.state === 'Pending', SOON);
      expect(await health(lost.name)).toMatchObject({ kstatus: 'InProgress', argo: 'Progressing' });
    });

    it('is progressing before the operator has seen the task', () => {
      const unseen = { kind: 'DeployTask', metadata: { generation: 1 }, spec: {}, status: { observedGeneration: -1 } };
      expect(healthOf(unseen, programs.folder)).toMatchObject({ kstatus: 'InProgress', argo: 'Progressing' });
    });
  });
});
