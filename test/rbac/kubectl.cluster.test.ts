import { execFile } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { deployTasks } from '../../kube/resource.ts';
import { hasHelm } from '../chart/helm-binaries.ts';
import { binary } from '../kubernetes/binaries.ts';
import { startCluster } from '../kubernetes/cluster.ts';
import type { Cluster } from '../kubernetes/cluster.ts';
import { hasCluster } from '../kubernetes/shared.ts';
import { installRelease, userName } from './release.ts';
import type { Release } from './release.ts';

const LEVELS = ['nobody', 'view', 'edit', 'admin', 'cluster-admin'] as const;
type Level = (typeof LEVELS)[number];

/** What is typed, and the first of the levels that may. */
const COMMANDS: readonly (readonly [command: string, from: Level])[] = [
  ['get deploytasks,agents,agentpools,syncsources,syncpushers,synctasks', 'view'],
  ['describe dt held', 'view'],
  ['auth can-i get deploytasks.tiangong.io --subresource=log', 'view'],
  ['create -f - # task', 'edit'],
  ['apply --server-side -f - # task', 'edit'],
  ['patch dt held --type=merge -p {"spec":{"priority":7}}', 'edit'],
  ['annotate dt held team=a', 'edit'],
  ['patch st sync --type=merge -p {"spec":{"desiredState":"Running","disabled":false}}', 'edit'],
  ['delete dt unwanted', 'edit'],
  ['patch dt unknown --subresource=status --type=merge -p # settle', 'edit'],
  ['patch dt held --type=merge -p {"spec":{"approved":true}}', 'admin'],
  ['patch agent a1 --type=merge -p {"spec":{"unschedulable":true}}', 'admin'],
  ['delete agent a2', 'admin'],
  ['create -f - # pool', 'admin'],
  ['auth can-i approve deploytasks.tiangong.io', 'admin'],
  ['create -f - # pool with hostAccess', 'cluster-admin'],
];

/** What nobody may type, not even administrators of the cluster. */
const REFUSED: readonly (readonly [command: string, words: string])[] = [
  ['patch dt held --subresource=status --type=merge -p {"status":{"state":"Failed"}}', 'may only settle'],
  ['patch agent a1 --subresource=status --type=merge -p {"status":{"version":"9"}}', 'only the operator and the agent'],
  ['patch st sync --subresource=status --type=merge -p {"status":{"info":"x"}}', 'only the operator and the agent'],
  ['patch ap old --subresource=status --type=merge -p {"status":{"ready":9}}', 'only the operator writes the status'],
  ['annotate --overwrite dt held tiangong.io/created-by=x', 'tiangong.io/created-by may not be changed'],
  ['annotate dt held tiangong.io/approved-by=x', 'tiangong.io/approved-by is set with an approval'],
  ['create -f - # lease of the leader', 'only the operator may hold the Lease of the leader'],
];

const manifest = (kind: string, name: string, spec: object, apiVersion = 'tiangong.io/v1alpha1'): string =>
  JSON.stringify({ apiVersion, kind, metadata: { name }, spec });

const SHELL = { agent: 'a1', type: 'shell', command: 'true' } as const;

const INPUT: Readonly<Record<string, string>> = {
  task: manifest('DeployTask', 'typed', SHELL),
  pool: manifest('AgentPool', 'typed', { workload: 'Deployment' }),
  'pool with hostAccess': manifest('AgentPool', 'rooted', { workload: 'DaemonSet', hostAccess: true }),
  'lease of the leader': manifest('Lease', 'tiangong-operator.leader', {}, 'coordination.k8s.io/v1'),
};

describe.skipIf(!hasCluster() || !hasHelm())('kubectl', () => {
  let cluster: Cluster;
  let release: Release;
  const tokens = new Map<Level, string>();

  beforeAll(async () => {
    cluster = await startCluster({ controllerManager: ['clusterrole-aggregation-controller'] });
    release = await installRelease(cluster, 'home');
    for (const level of LEVELS) {
      await release.person(level, level === 'nobody' ? {} : { home: level });
      tokens.set(level, await release.token('people', level));
    }
    await makeObjects();
    const last = 'auth can-i approve deploytasks.tiangong.io';
    await vi.waitFor(async () => expect(await type('admin', last)).toMatchObject({ code: 0 }));
  });
  afterAll(() => cluster?.stop());

  /** Runs a command that changes nothing: every write is tried only, by the API server. */
  function type(level: Level, command: string): Promise<{ code: number; output: string }> {
    const [words = '', note = ''] = command.split(' # ');
    const args = words.trim().split(' ');
    const settle = { state: 'Failed', resolution: { by: userName(level), evidence: 'seen' } };
    if (note === 'settle') args.push(JSON.stringify({ status: settle }));
    if (!['get', 'describe', 'auth'].includes(args[0] ?? '')) args.push('--dry-run=server');
    const all = [
      ...['--server', cluster.url, '--token', tokens.get(level) ?? '', '--insecure-skip-tls-verify'],
      ...['--namespace', 'home', ...args],
    ];
    return new Promise((resolve) => {
      const options = { timeout: 60_000, env: { HOME: cluster.folder } };
      const child = execFile(binary('kubectl'), all, options, (err, stdout, stderr) =>
        resolve({ code: err === null ? 0 : Number(err.code ?? -1), output: stdout + stderr }),
      );
      child.stdin?.end(INPUT[note] ?? '');
    });
  }

  async function makeObjects(): Promise<void> {
    const { admin } = release;
    const operator = await release.component('operator');
    const approve = { params: { approve: 'required' as const } };
    for (const [name, spec] of Object.entries({ held: { ...SHELL, ...approve }, unknown: SHELL, unwanted: SHELL }))
      await admin.create(deployTasks, 'home', { metadata: { name }, spec });
    const status = (name: string, state: string, more: object = {}): Promise<unknown> =>
      operator.patch(deployTasks, 'home', name, { status: { state, ...more } }, { subresource: 'status' });
    await status('held', 'Pending');
    await status('unknown', 'Assigned', { assignment: { agent: 'a1', instance: 'i', epoch: 1 } });
    await status('unknown', 'Unknown');
    const make = (plural: string, text: string): Promise<unknown> =>
      admin.raw({ method: 'POST', path: `/apis/tiangong.io/v1alpha1/namespaces/home/${plural}`, body: text });
    for (const name of ['a1', 'a2']) await make('agents', manifest('Agent', name, {}));
    await make('agentpools', manifest('AgentPool', 'old', { workload: 'Deployment' }));
    await make('synctasks', manifest('SyncTask', 'sync', { source: 's', pusher: 'p' }));
  }

  it.each(COMMANDS)('%s: from %s on', async (command, from) => {
    for (const [index, level] of LEVELS.entries()) {
      const { code, output } = await type(level, command);
      const isAllowed = index >= LEVELS.indexOf(from);
      expect(code === 0, `${level}: ${output}`).toBe(isAllowed);
      if (!isAllowed && !command.startsWith('auth')) expect(output).toMatch(/forbidden/i);
    }
  });

  it.each(REFUSED)('%s: for nobody, since %s', async (command, words) => {
    for (const level of ['admin', 'cluster-admin'] as const) {
      const { code, output } = await type(level, command);
      expect(code, output).not.toBe(0);
      expect(output).toMatch(/forbidden/i);
    }
    expect((await type('cluster-admin', command)).output).toContain(words);
  });
});
