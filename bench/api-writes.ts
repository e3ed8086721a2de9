import type { KubeTransport } from '../kube/transport.ts';

/** The verbs of apiserver_request_total that change something. APPLY is a patch, too. */
const WRITE = /\bverb="(POST|PUT|PATCH|APPLY|CREATE|UPDATE|DELETE|DELETECOLLECTION)"/;

/** How many writes to DeployTasks an API server has answered since its start, by its own count. */
export async function taskWrites(transport: KubeTransport): Promise<number> {
  const response = await transport.send({ method: 'GET', path: '/metrics', accept: 'text/plain' });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`GET /metrics: ${response.status}`);
  let writes = 0;
  for (const line of text.split('\n')) {
    if (!line.startsWith('apiserver_request_total{') || !line.includes('resource="deploytasks"')) continue;
    if (WRITE.test(line)) writes += Number(line.slice(line.lastIndexOf(' ') + 1));
  }
  return writes;
}
