import type { Logger } from 'pino';
import { sleep } from '../../kube/backoff.ts';
import type { KubeClient } from '../../kube/client.ts';
import { isConflict, isNotFound } from '../../kube/kube-error.ts';
import { agentPools, leases } from '../../kube/resource.ts';
import { watchedNamespaces } from '../../kube/watched-namespaces.ts';
import { endHostPools } from './end-host-pools.ts';
import { HELD_AT_HOME, HELD_EVERYWHERE } from './held-kinds.ts';
import { explainFailure, releaseHeld } from './release-held.ts';
import type { ReleaseReport } from './release-held.ts';

export interface CleanUpSettings {
  readonly homeNamespace: string;
  /** As the operator's. */
  readonly namespaces: readonly string[];
  /** The operator's Deployment, in the home namespace; undefined: it is stopped by others. */
  readonly operatorDeployment: string | undefined;
  /** Where agents with access to their nodes are; undefined: there are none. */
  readonly hostNamespace?: string | undefined;
  /** How long it may all take. */
  readonly timeoutMs: number;
}

/** The operator has this part of the time to end the pools; the rest is for the finalizers. */
const POOLS_SHARE = 0.5;

/** A leader that was told to end needs seconds; a Lease that nobody releases runs out in 15 s. */
const LEADER_DEADLINE_MS = 20_000;

const LOOK_MS = 500;

const LEADER_LEASE = 'tiangong-operator.leader';

/**
 * Makes a release ready to be uninstalled: its pools end while the operator can still see to that, then the operator is
 * stopped, and what outlives the release loses our finalizers. Never rejects, and ends in time; resolves to what is left.
 */
export async function cleanUp(
  client: KubeClient,
  settings: CleanUpSettings,
  logger: Logger,
): Promise<readonly ReleaseReport[]> {
  const { homeNamespace: home, timeoutMs } = settings;
  const signal = AbortSignal.timeout(timeoutMs);
  const step = async (what: string, work: Promise<void>): Promise<void> => {
    try {
      await work;
    } catch (err) {
      logger.warn({ err }, `${what} failed; going on`);
    }
  };
  await step('ending the agent pools', endPools(client, home, within(signal, timeoutMs * POOLS_SHARE), logger));
  await step('stopping the operator', stopOperator(client, settings, within(signal, LEADER_DEADLINE_MS), logger));
  // Of pools that the operator could not end: without it nobody would ever end agents that are root on their nodes.
  if (settings.hostNamespace !== undefined) await endHostPools(client, home, settings.hostNamespace, logger, signal);

  const scopes = watchedNamespaces(settings.namespaces, home) ?? [undefined];
  const failed: ReleaseReport[] = [];
  for (const [kinds, namespaces] of [
    [HELD_AT_HOME, [home]],
    [HELD_EVERYWHERE, scopes],
  ] as const)
    for (const kind of kinds)
      for (const namespace of namespaces) {
        const report = await releaseHeld(client, kind, namespace, signal);
        const { plural, released, failure } = report;
        if (released > 0) logger.info({ namespace: namespace ?? '*', released }, `took finalizers off ${plural}`);
        if (failure === undefined) continue;
        failed.push(report);
        logger.error({ err: failure }, explainFailure(report));
      }
  return failed;
}

/** Deletes the pools and waits until they are gone. Rejects when that takes too long. */
async function endPools(client: KubeClient, home: string, signal: AbortSignal, logger: Logger): Promise<void> {
  for (let told = false; ; told = true) {
    const { items } = await client.list(agentPools, home, { signal }).catch((err: unknown) => {
      if (isNotFound(err)) return { items: [] };
      throw err;
    });
    const pools = items ?? [];
    if (pools.length === 0) return;
    const names = pools.map(({ metadata }) => metadata.name);
    if (!told) logger.info({ pools: names }, 'deleting the agent pools');
    for (const { metadata } of pools) {
      if (metadata.deletionTimestamp !== undefined) continue;
      await client.delete(agentPools, home, metadata.name).catch((err: unknown) => {
        if (!isNotFound(err) && !isConflict(err)) throw err;
      });
    }
    await sleep(LOOK_MS, signal);
    if (signal.aborted) throw new Error(`these pools were not gone in time: ${names.join(', ')}`);
  }
}

/** It would put finalizers back on running syncs. */
async function stopOperator(
  client: KubeClient,
  { homeNamespace, operatorDeployment }: CleanUpSettings,
  signal: AbortSignal,
  logger: Logger,
): Promise<void> {
  if (operatorDeployment === undefined) return;
  try {
    await client.raw({
      method: 'PATCH',
      path: `/apis/apps/v1/namespaces/${homeNamespace}/deployments/${encodeURIComponent(operatorDeployment)}/scale`,
      body: JSON.stringify({ spec: { replicas: 0 } }),
      contentType: 'application/merge-patch+json',
      signal,
    });
  } catch (err) {
    if (isNotFound(err)) return;
    throw err;
  }
  logger.info({ deployment: operatorDeployment }, 'the operator was told to end');
  for (;;) {
    const lease = await client.get(leases, homeNamespace, LEADER_LEASE, signal).catch((err: unknown) => {
      if (isNotFound(err)) return undefined;
      throw err;
    });
    if ((lease?.spec?.holderIdentity ?? '') === '') return;
    await sleep(LOOK_MS, signal);
    // What was killed does not give its Lease back; by now it has run out.
    if (signal.aborted) return;
  }
}

const within = (signal: AbortSignal, ms: number): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(ms)]);
