import type { Logger } from 'pino';
import { sleep } from '../../kube/backoff.ts';
import type { KubeClient } from '../../kube/client.ts';
import { isForbidden, isNotFound } from '../../kube/kube-error.ts';
import type { KubeObject } from '../../kube/object.ts';
import type { Resource } from '../../kube/resource.ts';
import { HELD_EVERYWHERE } from './held-kinds.ts';
import { namespaces } from './leave-home.ts';
import { explainFailure, releaseHeld } from './release-held.ts';

export interface LeaveWatchedOptions {
  /** The namespaces that are watched beside the home namespace. */
  readonly namespaces: readonly string[];
  /** The RoleBinding that keeps the programs' rights in a namespace that is being deleted. */
  readonly holdBinding: string;
  /** How often the namespaces are looked at; 30 s unless set. */
  readonly checkMs?: number;
  /** After how long objects are let go whatever they wait for; 5 minutes unless set. */
  readonly forceMs?: number;
}

/** A hundred namespaces are 3 reads a second. */
const CHECK_MS = 30_000;

/** Longer than any wait for an agent to report the end of a deleted task. */
const FORCE_MS = 300_000;

const roleBindings: Resource<KubeObject> = {
  ...{ group: 'rbac.authorization.k8s.io', version: 'v1', plural: 'rolebindings', kind: 'RoleBinding' },
};

/**
 * Lets watched namespaces go that are being deleted. The controllers end what runs there as they do for any deleted task; when
 * nothing is held any more, or after too long, the hold on the programs' rights is given up (`hold` in the chart's files/rbac.yaml), and
 * Kubernetes removes the rest. Never rejects; ends when the signal aborts.
 */
export async function leaveWatched(
  client: KubeClient,
  options: LeaveWatchedOptions,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    for (const namespace of options.namespaces) {
      if (signal.aborted) return;
      try {
        await look(client, namespace, options, logger, signal);
      } catch (err) {
        // A namespace that is not there yet, or that has gone with its Roles.
        if (!signal.aborted && !isForbidden(err) && !isNotFound(err))
          logger.warn({ err, namespace }, 'whether the namespace is being deleted is not known; trying again');
      }
    }
    await sleep((options.checkMs ?? CHECK_MS) * (0.9 + Math.random() / 5), signal);
  }
}

async function look(
  client: KubeClient,
  namespace: string,
  { holdBinding, forceMs = FORCE_MS }: LeaveWatchedOptions,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const { metadata } = await client.get(namespaces, undefined, namespace, signal);
  if (metadata.deletionTimestamp === undefined) return;
  if (Date.now() - Date.parse(metadata.deletionTimestamp) >= forceMs) {
    logger.warn({ namespace }, 'the namespace has been going for too long: taking finalizers off');
    for (const kind of HELD_EVERYWHERE) {
      const report = await releaseHeld(client, kind, namespace, signal);
      if (report.failure !== undefined) logger.error({ err: report.failure }, explainFailure(report));
    }
  }
  if (await isHolding(client, namespace, signal)) return;
  await client.delete(roleBindings, namespace, holdBinding);
  logger.info({ namespace }, 'nothing of Tiangong holds the namespace that is being deleted any more');
}

/** Asks the server itself: nothing new can come to a namespace that is being deleted. */
async function isHolding(client: KubeClient, namespace: string, signal: AbortSignal): Promise<boolean> {
  for (const { resource, finalizer } of HELD_EVERYWHERE) {
    let position: string | undefined;
    do {
      const page = await client.list(resource, namespace, {
        limit: 500,
        signal,
        ...(position && { continue: position }),
      });
      const isHeld = ({ metadata }: KubeObject): boolean => (metadata.finalizers ?? []).includes(finalizer);
      if ((page.items ?? []).some(isHeld)) return true;
      position = page.metadata.continue;
    } while (position);
  }
  return false;
}
