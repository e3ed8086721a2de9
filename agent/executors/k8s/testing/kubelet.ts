import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { KubeClient } from '../../../../kube/client.ts';
import { createCertificate } from '../../../../test/certificate.ts';

export interface KubeletOptions {
  readonly client: KubeClient;
  /** Of the Node that the kube-apiserver is to believe in. */
  readonly node: string;
  /** Answers `/containerLogs/<namespace>/<pod>/<container>`. */
  readonly answer: (url: URL, response: ServerResponse) => void;
}

/** A node whose kubelet serves nothing but logs: the kube-apiserver between it and the client is a real one. */
export async function startKubelet({ client, node, answer }: KubeletOptions): Promise<{ stop(): Promise<void> }> {
  const { key, cert } = await createCertificate();
  const server = createServer({ key, cert }, (request: IncomingMessage, response: ServerResponse) =>
    answer(new URL(request.url ?? '', 'https://kubelet'), response),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await client.raw({
    method: 'POST',
    path: '/api/v1/nodes',
    body: JSON.stringify({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: node },
      status: {
        addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
        daemonEndpoints: { kubeletEndpoint: { Port: port } },
      },
    }),
  });
  return {
    stop: async () => {
      await client.raw({ method: 'DELETE', path: `/api/v1/nodes/${node}` });
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
