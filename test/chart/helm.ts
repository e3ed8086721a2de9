import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { loadAll } from 'js-yaml';
import type { KubeObject } from '../../kube/object.ts';
import { helmPath } from './helm-binaries.ts';
import type { HelmVersion } from './helm-binaries.ts';

/** The folder of the chart. */
export const CHART = join(import.meta.dirname, '../../charts/tiangong');

/** What a chart may be told, as in its values.yaml. */
export type ChartValues = Readonly<Record<string, unknown>>;

export interface RenderOptions {
  /** The release's namespace; `tiangong` unless given. */
  readonly namespace?: string;
  /** The release's name; `tiangong` unless given. */
  readonly release?: string;
  /** What the cluster serves beside helm's own list, as `group/version` or `group/version/Kind`. */
  readonly apiVersions?: readonly string[];
  /** The version of Kubernetes to render for. */
  readonly kubeVersion?: string;
  /** Which helm renders; 4 unless given. */
  readonly helm?: HelmVersion;
  /** Whether hooks, which helm runs apart, are among the objects; they are unless set to false. */
  readonly hooks?: boolean;
}

export interface HelmRun {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const HELM_DEADLINE_MS = 300_000;

/** The objects that the chart makes of `values`, in the order helm prints them. Throws with helm's words when it refuses. */
export async function render(values: ChartValues = {}, options: RenderOptions = {}): Promise<KubeObject[]> {
  const { namespace = 'tiangong', release = 'tiangong', apiVersions = [], kubeVersion = '1.36.3' } = options;
  const { stdout } = await withValues(values, (file) =>
    mustHelm(options.helm ?? 4, [
      ...['template', release, CHART, '--namespace', namespace, '--kube-version', kubeVersion, '--values', file],
      ...apiVersions.flatMap((version) => ['--api-versions', version]),
      ...(options.hooks === false ? ['--no-hooks'] : []),
    ]),
  );
  return loadAll(stdout).filter((object) => object !== null && object !== undefined) as KubeObject[];
}

/** Runs `run` with the path of a file that holds the values, and removes it afterwards. */
export async function withValues<T>(values: ChartValues, run: (file: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'tiangong-values-'));
  try {
    const file = join(folder, 'values.json');
    await writeFile(file, JSON.stringify(values));
    return await run(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs helm; a failure is in `code`. `kubeconfig`: the cluster to use, none unless given. */
export async function helm(version: HelmVersion, args: readonly string[], kubeconfig?: string): Promise<HelmRun> {
  // Nothing of this machine's helm: no repositories, plug-ins, clusters.
  const home = await mkdtemp(join(tmpdir(), 'tiangong-helm-'));
  const env = {
    PATH: process.env['PATH'],
    HOME: home,
    ...Object.fromEntries(['CACHE', 'CONFIG', 'DATA'].map((kind) => [`HELM_${kind}_HOME`, join(home, kind)])),
    KUBECONFIG: kubeconfig ?? join(home, 'none'),
  };
  try {
    const done = await promisify(execFile)(helmPath(version), [...args], {
      env,
      maxBuffer: MAX_OUTPUT_BYTES,
      timeout: HELM_DEADLINE_MS,
    });
    return { ...done, code: 0 };
  } catch (err) {
    const { stdout, stderr, code } = err as { stdout?: string; stderr?: string; code?: unknown };
    if (stdout === undefined || stderr === undefined || typeof code !== 'number') throw err;
    return { stdout, stderr, code };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** Runs helm; throws with its words when it fails. */
export async function mustHelm(version: HelmVersion, args: readonly string[], kubeconfig?: string): Promise<HelmRun> {
  const run = await helm(version, args, kubeconfig);
  if (run.code !== 0) throw new Error(`helm ${version} ${args.slice(0, 2).join(' ')} failed: ${run.stderr.trim()}`);
  return run;
}
