import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';

/** The token that a kubeconfig shows to its cluster, as it is now: tokens on disk change. */
export async function bearerToken(config: KubeConfig): Promise<string | undefined> {
  const options: RequestOptions & { headers: Record<string, string> } = { headers: {} };
  await config.applyToHTTPSOptions(options);
  return options.headers['Authorization']?.replace(/^Bearer /, '');
}
