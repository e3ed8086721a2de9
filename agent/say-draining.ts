import type { Logger } from 'pino';
import { sleep } from '../kube/backoff.ts';
import type { KubeClient } from '../kube/client.ts';
import { isNotFound } from '../kube/kube-error.ts';
import { agents } from '../kube/resource.ts';

export interface SayDrainingOptions {
  readonly namespace: string;
  readonly name: string;
  readonly instance: string;
  readonly logger: Logger;
}

const RETRY_MS = 200;

/**
 * Makes the agent's own Agent say that it is being stopped, so that it gets nothing new and what it has not begun goes to others.
 * Tries until the signal aborts; resolves to whether it is said. Another process that has become this agent is left alone.
 */
export async function sayDraining(
  client: KubeClient,
  { namespace, name, instance, logger }: SayDrainingOptions,
  signal: AbortSignal,
): Promise<boolean> {
  while (!signal.aborted) {
    try {
      // Changes nothing, and shows the Agent as it is: agents have no right to get.
      const { metadata, status } = await client.patch(agents, namespace, name, {}, { signal });
      if (status?.instance !== instance) return false;
      const patch = { metadata: { resourceVersion: metadata.resourceVersion }, status: { draining: true } };
      await client.patch(agents, namespace, name, patch, { subresource: 'status', signal });
      return true;
    } catch (err) {
      if (isNotFound(err)) return false;
      logger.warn({ err }, 'cannot say yet that the agent is being stopped');
      await sleep(RETRY_MS, signal);
    }
  }
  return false;
}
