import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { KubeClient } from '../../kube/client.ts';
import { isNotFound, KubeError } from '../../kube/kube-error.ts';
import { agentPools } from '../../kube/resource.ts';
import type { AgentPool } from '../../kube/types/agentpool.ts';

/** Tells the pools of a release from those that people made: `managed-by` has this, `instance` the release. */
const MANAGER = { 'app.kubernetes.io/managed-by': 'tiangong-chart' } as const;
const INSTANCE = 'app.kubernetes.io/instance';

/** A pool as the release wants it; metadata is a name and labels. */
export type WantedPool = Pick<AgentPool, 'metadata' | 'spec'>;

export interface ApplyPoolsOptions {
  readonly client: KubeClient;
  readonly homeNamespace: string;
  readonly release: string;
  readonly logger: Logger;
  /** How long a call is tried again: the CRD, or the right to use it, may be seconds old. */
  readonly timeoutMs: number;
}

/**
 * Makes the AgentPools of a release such as it wants them, and deletes those that it wanted once. May be run any number of times, and stop anywhere.
 * Rejects when the API server refuses a pool, or when one of a wanted name is somebody else's, which stays as it is.
 */
export async function applyPools(wanted: readonly WantedPool[], options: ApplyPoolsOptions): Promise<void> {
  const { client, homeNamespace, release, logger } = options;
  const deadline = performance.now() + options.timeoutMs;
  const ours = { ...MANAGER, [INSTANCE]: release };
  const labelSelector = Object.entries(ours)
    .map((pair) => pair.join('='))
    .join(',');
  const known = await patiently(deadline, () => client.list(agentPools, homeNamespace, { labelSelector }));
  for (const { metadata, spec } of wanted) {
    const { name } = metadata;
    await patiently(deadline, () => checkFree(options, name));
    const pool = { metadata: { name, labels: { ...metadata.labels, ...ours } }, spec };
    await patiently(deadline, () =>
      client.apply(agentPools, homeNamespace, pool, { fieldManager: 'tiangong-chart', force: true }),
    );
    logger.info({ pool: name }, 'the pool is as the release says');
  }
  const names = new Set(wanted.map(({ metadata }) => metadata.name));
  for (const { metadata } of known.items ?? []) {
    if (names.has(metadata.name)) continue;
    const { uid } = metadata;
    await patiently(deadline, () =>
      client.delete(agentPools, homeNamespace, metadata.name, uid === undefined ? {} : { uid }).catch(ignoreGone),
    );
    logger.info({ pool: metadata.name }, 'the release has no such pool any more: it is deleted');
  }
}

/** Rejects when the pool of that name is somebody else's, or is still being deleted. */
async function checkFree({ client, homeNamespace, release }: ApplyPoolsOptions, name: string): Promise<void> {
  const found = await client.get(agentPools, homeNamespace, name).catch(ignoreGone);
  if (found === undefined) return;
  const pool = `AgentPool ${homeNamespace}/${name}`;
  const { labels = {}, deletionTimestamp } = found.metadata;
  if (Object.entries(MANAGER).some(([key, value]) => labels[key] !== value) || labels[INSTANCE] !== release)
    throw new ForeignPoolError(
      `${pool} is there, but not of release ${release}: take it out of agents.pools, or delete it first`,
    );
  // Agents finish what they have begun, for minutes.
  if (deletionTimestamp !== undefined) throw new Error(`${pool} is still being deleted: upgrade again when it is gone`);
}

/** No repetition mends it. */
class ForeignPoolError extends Error {}

function ignoreGone(err: unknown): undefined {
  if (!isNotFound(err)) throw err;
}

const RETRY_MS = 1000;

/** What an API server says of a request that no repetition mends. */
const REFUSED = [400, 413, 422];

async function patiently<T>(deadline: number, call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (err) {
      if (err instanceof ForeignPoolError || (err instanceof KubeError && REFUSED.includes(err.code))) throw err;
      if (performance.now() + RETRY_MS > deadline) throw err;
      await sleep(RETRY_MS);
    }
  }
}
