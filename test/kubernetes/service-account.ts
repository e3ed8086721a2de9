import { KubeConfig } from '@kubernetes/client-node';
import type { KubeClient } from '../../kube/client.ts';
import { HttpTransport } from '../../kube/http-transport.ts';

export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

const RBAC = { apiGroup: 'rbac.authorization.k8s.io' };

/** Makes a ServiceAccount and connects as it, by a token of its own. The caller closes the transport. */
export async function connectAsServiceAccount(
  admin: KubeClient,
  url: string,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): Promise<HttpTransport> {
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  await post(admin, accounts, { metadata: { name } });
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3600 } };
  const { status } = await post<{ status: { token: string } }>(admin, `${accounts}/${name}/token`, request);
  const config = new KubeConfig();
  // kube-apiserver made its own certificate; the connection does not leave this machine.
  config.loadFromClusterAndUser({ name: 'test', server: url, skipTLSVerify: true }, { name, token: status.token });
  return new HttpTransport(config);
}

/** Gives a ServiceAccount the rules in one namespace, by a Role and a RoleBinding of its name. */
export async function grant(
  admin: KubeClient,
  namespace: string,
  account: { readonly namespace: string; readonly name: string },
  rules: readonly Rule[],
): Promise<void> {
  const root = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  const metadata = { name: account.name };
  await post(admin, `${root}/roles`, { metadata, rules });
  const subjects = [{ kind: 'ServiceAccount', ...account }];
  await post(admin, `${root}/rolebindings`, { metadata, subjects, roleRef: { ...RBAC, kind: 'Role', ...metadata } });
}

function post<T>(client: KubeClient, path: string, body: unknown): Promise<T> {
  return client.raw({ method: 'POST', path, body: JSON.stringify(body) });
}
