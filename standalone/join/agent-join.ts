import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import type { KubeClient } from '../../kube/client.ts';
import { isNotFound } from '../../kube/kube-error.ts';
import { agents } from '../../kube/resource.ts';
import type { Agent } from '../../kube/types/agent.ts';
import { POOL_LABEL } from '../../operator/agentpool/pool-labels.ts';
import { writePrivateFile } from '../private-file.ts';
import { StartError } from '../start-error.ts';
import { AgentAccess, accountOf } from './agent-access.ts';
import type { HostAgent } from './agent-access.ts';
import { hostKubeconfig, hostServer } from './host-kubeconfig.ts';
import { nextSteps } from './next-steps.ts';
import { configMaps } from './rbac-kinds.ts';

export interface JoinOptions {
  readonly agent: HostAgent;
  /** Whose tasks it takes beside the home namespace's, `*` for all; undefined: as before, at first none. */
  readonly namespaces: readonly string[] | undefined;
  /** How long its token is to live. */
  readonly expiresSeconds: number;
  /** The address of the Kubernetes API as the host sees it; the admin's unless set. */
  readonly server: string | undefined;
  /** The address of Tiangong's API as the host sees it. */
  readonly apiUrl: string | undefined;
  /** The folder that the files for the host are written to. */
  readonly folder: string;
  readonly print: (text: string) => void;
}

/** Gives an agent outside of the cluster its rights and writes what its host needs. Again: renews its token and its rights. */
export async function agentJoin(client: KubeClient, admin: KubeConfig, options: JoinOptions): Promise<void> {
  const { agent, folder, print } = options;
  const cluster = admin.getCurrentCluster();
  if (cluster === null) throw new StartError('the kubeconfig has no current cluster (--kubeconfig)');
  // Nothing is given before it is sure that it can be handed over.
  hostServer(cluster, options.server);
  await access(folder, constants.W_OK).catch((err: unknown) => {
    throw new StartError(`cannot write to ${folder}: ${(err as Error).message} (--output)`, { cause: err });
  });
  const before = await agentBefore(client, agent);
  const namespaces = options.namespaces ?? before?.spec?.namespaces ?? [];
  const rights = new AgentAccess(client, agent);
  await rights.grant(namespaces);
  await setNamespaces(client, agent, namespaces);
  const { token, expires } = await rights.token(options.expiresSeconds);
  const user = accountOf(agent);
  const text = await hostKubeconfig({ cluster, server: options.server, namespace: agent.home, user, token });
  const kubeconfig = join(folder, `${agent.name}.kubeconfig`);
  await writePrivateFile(kubeconfig, text);
  const ca = await apiCa(client, agent);
  const apiCaFile = ca === undefined ? undefined : join(folder, `${agent.name}.api-ca.crt`);
  if (ca !== undefined && apiCaFile !== undefined) await writePrivateFile(apiCaFile, ca);
  print(
    nextSteps({
      agent,
      kubeconfig,
      apiCaFile,
      apiUrl: options.apiUrl,
      expires,
      server: hostServer(cluster, options.server),
    }),
  );
}

/** The Agent that there is of the name. Rejects with `StartError` when that is a pod's: two would be one agent. */
async function agentBefore(client: KubeClient, { home, name }: HostAgent): Promise<Agent | undefined> {
  try {
    const found = await client.get(agents, home, name);
    const pool = found.metadata.labels?.[POOL_LABEL];
    if (pool === undefined) return found;
    throw new StartError(`${name} is an agent of the pool ${pool}: choose another name`);
  } catch (err) {
    if (isNotFound(err)) return undefined;
    throw err;
  }
}

/** Has the operator give it tasks of these namespaces. Nothing else of the Agent is touched; it may not have come yet. */
async function setNamespaces(
  client: KubeClient,
  { home, name }: HostAgent,
  namespaces: readonly string[],
): Promise<void> {
  const options = { fieldManager: 'tiangong-join', force: true };
  await client.apply(agents, home, { metadata: { name }, spec: { namespaces: [...namespaces] } }, options);
}

/** What the certificate of Tiangong's API is checked against, where the chart made it. */
async function apiCa(client: KubeClient, { home, fullname }: HostAgent): Promise<string | undefined> {
  try {
    return (await client.get(configMaps, home, `${fullname}-api-ca`)).data?.['ca.crt'];
  } catch (err) {
    if (isNotFound(err)) return undefined;
    throw err;
  }
}
