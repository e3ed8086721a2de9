import { join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import type { KubeClient } from '../../kube/client.ts';
import { isNotFound } from '../../kube/kube-error.ts';
import { agents } from '../../kube/resource.ts';
import { writePrivateFile } from '../private-file.ts';
import { StartError } from '../start-error.ts';
import { AgentAccess, accountOf } from './agent-access.ts';
import type { HostAgent } from './agent-access.ts';
import { hostKubeconfig } from './host-kubeconfig.ts';
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
  const namespaces = options.namespaces ?? (await namespacesOf(client, agent));
  const access = new AgentAccess(client, agent);
  await access.grant(namespaces);
  await setNamespaces(client, agent, namespaces);
  const { token, expires } = await access.token(options.expiresSeconds);
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
      server: options.server ?? cluster.server,
    }),
  );
}

async function namespacesOf(client: KubeClient, { home, name }: HostAgent): Promise<readonly string[]> {
  try {
    return (await client.get(agents, home, name)).spec?.namespaces ?? [];
  } catch (err) {
    if (isNotFound(err)) return [];
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
