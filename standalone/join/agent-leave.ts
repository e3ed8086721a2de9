import type { KubeClient } from '../../kube/client.ts';
import { isNotFound } from '../../kube/kube-error.ts';
import { agents, leases } from '../../kube/resource.ts';
import type { Agent } from '../../kube/types/agent.ts';
import { POOL_LABEL } from '../../operator/agentpool/pool-labels.ts';
import { StartError } from '../start-error.ts';
import { AgentAccess } from './agent-access.ts';
import type { HostAgent } from './agent-access.ts';

export interface LeaveOptions {
  readonly agent: HostAgent;
  /** Also when the agent seems to run. */
  readonly force: boolean;
  readonly print: (text: string) => void;
}

/** A Lease that was renewed within this time is that of an agent that runs. Hosts' clocks may differ by some of it. */
const ALIVE_MS = 60_000;

/**
 * Takes an agent outside of the cluster its rights, and removes its Agent. The operator settles what it had to do. Rejects with
 * `StartError` while it runs, and when there is none: whoever takes back a stolen kubeconfig must not be told so of another name.
 */
export async function agentLeave(client: KubeClient, { agent, force, print }: LeaveOptions): Promise<void> {
  const { home, name } = agent;
  const found = await agentOf(client, agent);
  const isOfPool = found?.metadata.labels?.[POOL_LABEL] !== undefined;
  if (!force && (await isAlive(client, agent)))
    throw new StartError(
      `agent ${name} is running: stop it first, so that its tasks end in good order, or use --force to cut it off`,
    );
  const hadRights = await new AgentAccess(client, agent).revoke();
  if (!hadRights && (found === undefined || isOfPool))
    throw new StartError(
      `there is no agent ${name} outside of the cluster that belongs to namespace ${home}: nothing was changed (--home-namespace)`,
    );
  for (const resource of isOfPool ? [] : ([agents, leases] as const))
    await client.delete(resource, home, name).catch((err: unknown) => {
      if (!isNotFound(err)) throw err;
    });
  print(`Agent ${name} has no rights any more and is removed. Its kubeconfig is worth nothing now.\n`);
}

async function agentOf(client: KubeClient, { home, name }: HostAgent): Promise<Agent | undefined> {
  try {
    return await client.get(agents, home, name);
  } catch (err) {
    if (isNotFound(err)) return undefined;
    throw err;
  }
}

async function isAlive(client: KubeClient, { home, name }: HostAgent): Promise<boolean> {
  try {
    const { holderIdentity = '', renewTime = '' } = (await client.get(leases, home, name)).spec ?? {};
    return holderIdentity !== '' && Math.abs(Date.now() - Date.parse(renewTime)) < ALIVE_MS;
  } catch (err) {
    if (isNotFound(err)) return false;
    throw err;
  }
}
