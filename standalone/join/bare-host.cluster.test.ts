import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agents, deployTasks } from '../../kube/resource.ts';
import { hasHelm } from '../../test/chart/helm-binaries.ts';
import { startCluster } from '../../test/kubernetes/cluster.ts';
import type { Cluster } from '../../test/kubernetes/cluster.ts';
import { hasCluster } from '../../test/kubernetes/shared.ts';
import { Program } from '../../test/programs/program.ts';
import { installRelease } from '../../test/rbac/release.ts';
import type { Release } from '../../test/rbac/release.ts';
import { hostKubeconfig } from './host-kubeconfig.ts';

const run = promisify(execFile);
const WITHIN = { timeout: 60_000 };

/** The command, an agent and an operator as processes, with the rights and the policies of the chart alone. */
describe.skipIf(!hasCluster() || !hasHelm())('an agent on a bare host', () => {
  let cluster: Cluster;
  let release: Release;
  let folder: string;
  const programs: Program[] = [];

  const tiangong = (...args: string[]): Promise<{ stdout: string }> =>
    run(process.execPath, [
      ...['standalone/main.ts', 'agent', ...args],
      ...['--home-namespace', release.home, '--kubeconfig', cluster.kubeconfig()],
    ]);

  function start(name: string, ...args: string[]): Program {
    const program = new Program({ name, folder, args: ['--home-namespace', release.home, ...args] });
    programs.push(program);
    program.start();
    return program;
  }

  beforeEach(async () => {
    cluster = await startCluster();
    release = await installRelease(cluster, 'bare');
    folder = await mkdtemp(join(tmpdir(), 'tiangong-bare-host-'));
  }, 120_000);
  afterEach(async () => {
    await Promise.all(programs.splice(0).map((program) => program.kill()));
    await cluster.stop();
    await rm(folder, { recursive: true });
  });

  it('runs tasks of the namespaces that it was let into, until it leaves', async () => {
    const { admin, home, watched } = release;
    const { stdout } = await tiangong('join', 'edge-1', '--namespaces', watched, '--output', folder);
    expect(stdout).toContain('Agent edge-1 may join namespace bare.');
    const agent = start(
      'agent',
      ...['--name', 'edge-1', '--kubeconfig', join(folder, 'edge-1.kubeconfig'), '--state-dir', folder],
    );
    const operator = join(folder, 'operator.kubeconfig');
    const token = await release.token(home, 'tiangong-operator');
    const connection = { name: 'test', server: cluster.url, skipTLSVerify: true };
    await writeFile(
      operator,
      await hostKubeconfig({ cluster: connection, server: undefined, namespace: home, user: 'operator', token }),
    );
    start('operator', '--kubeconfig', operator, '--namespaces', watched, '--health-port', '0');
    for (const namespace of [home, watched]) {
      await admin.create(deployTasks, namespace, {
        metadata: { name: 'hello' },
        spec: { type: 'shell', command: 'echo hello from $((40 + 2))', agent: 'edge-1' },
      });
      const result = async (): Promise<string | undefined> =>
        (await admin.get(deployTasks, namespace, 'hello')).status?.result?.text;
      await expect.poll(result, WITHIN).toEqual(expect.stringContaining('hello from 42'));
    }
    await expect(tiangong('leave', 'edge-1')).rejects.toThrow(/agent edge-1 is running: stop it first/);
    await agent.stop();
    await tiangong('leave', 'edge-1');
    expect((await admin.list(agents, home)).items).toEqual([]);
  });
});
