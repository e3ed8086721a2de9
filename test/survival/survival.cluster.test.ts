import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Informer } from '../../kube/informer.ts';
import { deployTasks } from '../../kube/resource.ts';
import { isFinished } from '../../kube/task-state.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import { binary } from '../kubernetes/binaries.ts';
import { hasCluster, sharedCluster } from '../kubernetes/shared.ts';
import type { SharedCluster } from '../kubernetes/shared.ts';
import type { Program } from '../programs/program.ts';
import { startPrograms } from '../programs/programs.ts';
import type { Programs } from '../programs/programs.ts';
import type { RestTask } from '../programs/rest-client.ts';
import { expectAgreement } from './agreement.ts';

const run = promisify(execFile);

const FROM_REST = 1000;
const FROM_KUBECTL = 1000;
const ALL = FROM_REST + FROM_KUBECTL;
const MANIFESTS_PER_FILE = 100;
const IN_FLIGHT = 8;
/** Far more than it takes, on a machine that does other things as well. */
const DEADLINE = { timeout: 300_000, interval: 100 };

describe.skipIf(!hasCluster())('2,000 tasks while operator, API and agent are killed twice each', () => {
  let cluster: SharedCluster;
  let programs: Programs;
  let tasks: Informer<DeployTask>;
  let stop: AbortController;
  let counterFile: string;
  let restCreated: number;

  beforeEach(async () => {
    stop = new AbortController();
    restCreated = 0;
    cluster = await sharedCluster();
    programs = await startPrograms(cluster);
    counterFile = join(programs.folder, 'counter');
    writeFileSync(counterFile, '');
    tasks = new Informer(cluster.client, deployTasks, { namespace: cluster.namespace });
    void tasks.run(stop.signal);
    await tasks.synced;
  });

  afterEach(async () => {
    stop.abort();
    await programs?.stop();
  });

  const finished = (): number => [...tasks.values()].filter(isFinished).length;

  /** Each command notes that it ran. Some take a while, some fail, some print nothing. */
  function specOf(label: string, i: number): { type: string; command: string; params: { env: { WORD: string } } } {
    const rest = ['echo "$WORD"', 'sleep 0.1; echo slow', 'exit 3', 'true', 'echo bad >&2; false'][i % 5] ?? '';
    return {
      type: 'shell',
      command: `echo ${label} >> ${counterFile}; ${rest}`,
      params: { env: { WORD: `wörd ${i}` } },
    };
  }

  /** Posts until there is an answer, with the same key each time: nobody knows what a killed API had done. */
  async function createByRest(i: number): Promise<void> {
    const { params, ...spec } = specOf(`rest-${i}`, i);
    const body = { ...spec, params, agent_id: programs.agentName };
    let failure: unknown;
    const post = (): Promise<RestTask | undefined> =>
      programs.rest.post('/tasks', body, { 'Idempotency-Key': `key-${i}` }).catch((err: unknown) => {
        failure = err;
        // No connection, or one that broke, is what a killed API looks like; one that holds without an answer is not.
        if ((err as Error).name === 'HeadersTimeoutError') throw err;
        return undefined;
      });
    try {
      await vi.waitUntil(post, DEADLINE);
    } catch {
      throw new Error(`POST ${i} has no answer: ${String(failure)}\n${programs.api.log.slice(-4000)}`);
    }
    restCreated += 1;
  }

  async function createAllByRest(): Promise<void> {
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < FROM_REST) await createByRest(next++);
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, work));
  }

  const kubectl = (...args: string[]): Promise<{ stdout: string }> =>
    run(binary('kubectl'), ['--kubeconfig', cluster.kubeconfig(), '--namespace', cluster.namespace, ...args], {
      maxBuffer: 256 * 1024 * 1024,
    });

  async function createAllByKubectl(): Promise<void> {
    for (let first = 0; first < FROM_KUBECTL; first += MANIFESTS_PER_FILE) {
      const items = Array.from({ length: MANIFESTS_PER_FILE }, (_, i) => ({
        apiVersion: 'tiangong.io/v1alpha1',
        kind: 'DeployTask',
        metadata: { name: `kubectl-${first + i}` },
        spec: { ...specOf(`kubectl-${first + i}`, i), agent: programs.agentName },
      }));
      const file = join(programs.folder, `manifests-${first}.json`);
      writeFileSync(file, items.map((item) => JSON.stringify(item)).join('\n'));
      await kubectl('apply', '-f', file);
    }
  }

  /** Kills a program each time that so much has been done, and starts it again at once. */
  async function killAt(program: Program, progress: () => number, ...marks: number[]): Promise<void> {
    for (const mark of marks) {
      await vi.waitUntil(() => progress() >= mark, DEADLINE);
      await program.kill();
      program.start();
    }
  }

  it(
    'ends every task, runs no command twice, and shows the same by REST and kubectl',
    { timeout: 600_000 },
    async () => {
      await Promise.all([
        createAllByRest(),
        createAllByKubectl(),
        killAt(programs.api, () => restCreated, FROM_REST * 0.2, FROM_REST * 0.6),
        killAt(programs.agent, finished, ALL * 0.1, ALL * 0.5),
        killAt(programs.operator, finished, ALL * 0.2, ALL * 0.7),
      ]);
      await vi.waitUntil(() => finished() >= ALL, DEADLINE);

      const { stdout } = await kubectl('get', 'deploytasks', '--output', 'json');
      const { items } = JSON.parse(stdout) as { items: DeployTask[] };
      expect(items).toHaveLength(ALL);

      const runs = new Map<string, number>();
      for (const label of readFileSync(counterFile, 'utf8').trimEnd().split('\n')) {
        runs.set(label, (runs.get(label) ?? 0) + 1);
      }
      const states = new Map<string, number>();
      for (const { metadata, spec, status } of items) {
        const state = status?.state ?? '';
        states.set(state, (states.get(state) ?? 0) + 1);
        const label = /^echo (\S+)/.exec(spec.command ?? '')?.[1] ?? '';
        const allowed = state === 'Unknown' ? [0, 1] : [1];
        expect({ task: metadata.name, state, label, runs: allowed.includes(runs.get(label) ?? 0) }).toMatchObject({
          state: expect.stringMatching(/^(Succeeded|Failed|Unknown)$/),
          runs: true,
        });
      }
      expect([...runs.values()].filter((count) => count > 1)).toEqual([]);
      // What is killed while it runs can only be that which ran at that moment.
      expect(states.get('Unknown') ?? 0).toBeLessThanOrEqual(40);

      for (const item of items) expectAgreement(await programs.rest.get(`/tasks/${item.metadata.name}`), item);
    },
  );
});
