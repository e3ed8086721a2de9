import { sleep } from '../kube/backoff.ts';
import type { KubeClient } from '../kube/client.ts';
import { findCondition } from '../kube/conditions.ts';
import { isNotFound } from '../kube/kube-error.ts';
import { agents } from '../kube/resource.ts';

/** After a crash the Lease of the agent before runs out first, which takes 25 s. */
const DEADLINE_MS = 40_000;
const POLL_MS = 50;

/** Waits until the operator sees the agent online. False when that did not come in time or the signal aborted. */
export async function waitOnline(
  client: KubeClient,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<boolean> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!signal.aborted && performance.now() < deadline) {
    try {
      const agent = await client.get(agents, namespace, name, signal);
      if (findCondition(agent.status?.conditions, 'Online')?.status === 'True') return true;
    } catch (err) {
      if (!isNotFound(err) && !signal.aborted) throw err;
    }
    await sleep(POLL_MS, signal);
  }
  return false;
}
