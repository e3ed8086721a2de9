import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { HttpTransport } from '../../kube/http-transport.ts';
import type { Cluster } from '../kubernetes/cluster.ts';

/** A connection under the name of a ServiceAccount, with a token of an hour. */
export async function connectAs(cluster: Cluster, namespace: string, serviceAccount: string): Promise<HttpTransport> {
  const { status } = await cluster.client().raw<{ status: { token: string } }>({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}/token`,
    body: JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }),
  });
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: 'test', server: cluster.url, caFile: join(cluster.folder, 'certs/apiserver.crt'), skipTLSVerify: false },
    { name: serviceAccount, token: status.token },
  );
  return new HttpTransport(config, { userAgent: 'tiangong-test' });
}
