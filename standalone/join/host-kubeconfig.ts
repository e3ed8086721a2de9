import { readFile } from 'node:fs/promises';
import type { Cluster } from '@kubernetes/client-node';
import { StartError } from '../start-error.ts';

export interface HostKubeconfigOptions {
  /** How the admin reaches the cluster. */
  readonly cluster: Cluster;
  /** The address that the host reaches it by, where that is another. */
  readonly server: string | undefined;
  readonly namespace: string;
  readonly user: string;
  readonly token: string;
}

/** A kubeconfig for a host: the admin's cluster with its CA inside, and a token. As JSON, which is YAML too. */
export async function hostKubeconfig(options: HostKubeconfigOptions): Promise<string> {
  const { cluster, namespace, user, token } = options;
  const server = hostServer(cluster, options.server);
  const ca = cluster.caData ?? (await caOf(cluster.caFile));
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: cluster.name,
        cluster: {
          server,
          ...(ca === undefined ? {} : { 'certificate-authority-data': ca }),
          ...(cluster.skipTLSVerify && ca === undefined ? { 'insecure-skip-tls-verify': true } : {}),
          ...(cluster.tlsServerName === undefined ? {} : { 'tls-server-name': cluster.tlsServerName }),
        },
      },
    ],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: cluster.name, context: { cluster: cluster.name, user, namespace } }],
    'current-context': cluster.name,
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** Where the host finds the Kubernetes API. Throws a `StartError` when a token may not be sent there. */
export function hostServer(cluster: Cluster, server = cluster.server): string {
  if (URL.parse(server)?.protocol !== 'https:')
    throw new StartError(`a token may only be sent over https, not to ${server} (--server)`);
  return server;
}

async function caOf(path: string | undefined): Promise<string | undefined> {
  return path === undefined ? undefined : (await readFile(path)).toString('base64');
}
