import type { KubeClient } from '../../../kube/client.ts';
import { failureOf, K8sFailure } from './k8s-failure.ts';

/** The first version in which a dry run cannot be switched off. */
const SINCE = { major: 1, minor: 18 };

/**
 * Refuses a dry run on a server that may not know what it is: it would ignore the parameter and do the work. Throws
 * `K8sFailure`.
 */
export async function checkDryRun(client: KubeClient, signal: AbortSignal): Promise<void> {
  let version: { readonly major?: string; readonly minor?: string };
  try {
    version = await client.raw({ method: 'GET', path: '/version', signal });
  } catch (err) {
    throw failureOf(err, 'ask the API server for its version');
  }
  const major = Number.parseInt(version.major ?? '', 10);
  const minor = Number.parseInt(version.minor ?? '', 10);
  if (major > SINCE.major || (major === SINCE.major && minor >= SINCE.minor)) return;
  throw new K8sFailure(
    'DryRunNotSupported',
    `this API server (version ${version.major ?? '?'}.${version.minor ?? '?'}) may not know dry runs; nothing was done`,
  );
}
