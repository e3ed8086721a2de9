import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { KubeClient } from '../../kube/client.ts';
import type { HttpTransport } from '../../kube/http-transport.ts';
import type { Resource } from '../../kube/resource.ts';
import type { KubeObject } from '../../kube/object.ts';
import type { ClusterAddress } from './cluster.ts';
import { connect, writeKubeconfig } from './connection.ts';

/** The one real cluster of this test run, with a namespace that nobody else uses. */
export interface SharedCluster {
  /** A client with all rights. */
  readonly client: KubeClient;
  /** A fresh namespace. */
  readonly namespace: string;
  readonly url: string;
  clientFor(user: string): KubeClient;
  /** A connection of its own under the user's name. */
  transportFor(user: string): HttpTransport;
  tokenFor(user: string): string;
  /** Path of a kubeconfig for the user; `admin` unless given. */
  kubeconfig(user?: string): string;
}

/** Whether a real kube-apiserver is there; `describe.skipIf(!hasCluster())` for tests that need one. */
export const hasCluster = (): boolean => inject('cluster') !== null;

const namespaces: Resource<KubeObject> = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace' };

export async function sharedCluster(): Promise<SharedCluster> {
  const address: ClusterAddress | null = inject('cluster');
  if (address === null) throw new Error('there is no real kube-apiserver: guard the test with hasCluster()');
  const client = new KubeClient(connect(address, 'admin'));
  const namespace = `test-${randomBytes(5).toString('hex')}`;
  await client.create(namespaces, undefined, { metadata: { name: namespace } });
  return {
    client,
    namespace,
    url: address.url,
    transportFor: (user) => connect(address, user),
    clientFor: (user) => new KubeClient(connect(address, user)),
    tokenFor: (user) => address.tokens[user] ?? '',
    kubeconfig: (user = 'admin') => writeKubeconfig(address, user),
  };
}
