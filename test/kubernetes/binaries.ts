import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The Kubernetes version that test/kubernetes/build.sh builds. */
const KUBERNETES_VERSION = '1.36.3';

/**
 * The folder that holds etcd, kube-apiserver and kubectl: `KUBEBUILDER_ASSETS` when it is set, else what build.sh left in
 * the user's cache. Undefined when neither has a kube-apiserver.
 */
export function binariesFolder(): string | undefined {
  const folder =
    process.env['KUBEBUILDER_ASSETS'] ?? join(homedir(), '.cache', 'tiangong', `kubernetes-${KUBERNETES_VERSION}`);
  return existsSync(join(folder, 'kube-apiserver')) && existsSync(join(folder, 'etcd')) ? folder : undefined;
}

/** The path of one of the binaries; an error that says how to get it when there is none. */
export function binary(name: 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kubectl'): string {
  const folder = binariesFolder();
  const path = folder === undefined ? undefined : join(folder, name);
  if (path === undefined || !existsSync(path)) {
    throw new Error(`${name} is not there: run test/kubernetes/build.sh (needs Go) or set KUBEBUILDER_ASSETS`);
  }
  return path;
}
