import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { K8sFailure } from '../k8s-failure.ts';

export interface KubeconfigOptions {
  /** A file; KUBECONFIG, ~/.kube/config or the pod's own account unless set. `~/` is the agent's home. */
  readonly kubeconfig?: string;
  /** The context of the file; its current one unless set. */
  readonly context?: string;
}

/** Where Kubernetes puts the token of a pod's service account. */
const POD_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

const HOW =
  'set plugins[].config.kubeconfig of type k8s, --k8s-kubeconfig or KUBECONFIG, or run the agent in a pod with a service account';

/** Reads the agent's kubeconfig for tasks, anew for each task: files change. Throws `K8sFailure`. */
export function loadKubeconfig({ kubeconfig: path, context }: KubeconfigOptions): KubeConfig {
  const config = new KubeConfig();
  try {
    if (path === undefined) config.loadFromDefault();
    else config.loadFromFile(path.startsWith('~/') ? join(homedir(), path.slice(2)) : path);
  } catch (err) {
    const where = path ?? process.env['KUBECONFIG'] ?? '~/.kube/config';
    // A parser's message may quote the file, which holds credentials.
    const why = existsSync(where) ? 'is no kubeconfig' : 'cannot be read';
    throw new K8sFailure('NotConfigured', `kubernetes client not initialized: ${where} ${why}; ${HOW}`, { cause: err });
  }
  // client-node's last resort is a server on this machine without a login: better to say that there is none.
  if (path === undefined && config.currentContext === 'loaded-context')
    throw new K8sFailure('NotConfigured', `kubernetes client not initialized: there is no kubeconfig; ${HOW}`);
  if (context !== undefined) config.setCurrentContext(context);
  if (config.getCurrentCluster() === null)
    throw new K8sFailure(
      'NotConfigured',
      `kubernetes client not initialized: the kubeconfig has no context ${JSON.stringify(context ?? config.currentContext)} with a cluster; ${HOW}`,
    );
  return config;
}

/** Whether a kubeconfig's login is the service account of the pod that the agent runs in. */
export function isOfPod(config: KubeConfig): boolean {
  const provider = config.getCurrentUser()?.authProvider as { config?: { tokenFile?: unknown } } | undefined;
  return provider?.config?.tokenFile === POD_TOKEN;
}
