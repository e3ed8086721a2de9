import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { KubeClient } from '../../kube/client.ts';
import { HttpTransport } from '../../kube/http-transport.ts';
import { startEmbedded } from '../conformance/embedded.ts';
import { sharedCluster } from '../kubernetes/shared.ts';
import type { Place } from '../programs/programs.ts';

/** A Kubernetes API that operator, API and agent are run on. */
export interface ServerPlace extends Place {
  readonly client: KubeClient;
  stop(): Promise<void>;
}

export async function realPlace(): Promise<ServerPlace> {
  const cluster = await sharedCluster();
  return {
    ...{ client: cluster.client, namespace: cluster.namespace },
    kubeconfig: (user) => cluster.kubeconfig(user),
    stop: () => Promise.resolve(),
  };
}

/** The embedded server. Every user is its administrator. */
export async function embeddedPlace(): Promise<ServerPlace> {
  const server = await startEmbedded();
  const config = new KubeConfig();
  const cluster = { name: 'test', server: server.url, skipTLSVerify: true };
  config.loadFromClusterAndUser(cluster, { name: 'admin', token: server.token });
  const transport = new HttpTransport(config);
  const folder = mkdtempSync(join(tmpdir(), 'tiangong-embedded-'));
  const path = join(folder, 'kubeconfig');
  writeFileSync(path, config.exportConfig(), { mode: 0o600 });
  return {
    ...{ client: new KubeClient(transport), namespace: 'default', kubeconfig: () => path },
    stop: async () => {
      await transport.close();
      await server.stop();
      rmSync(folder, { recursive: true });
    },
  };
}
