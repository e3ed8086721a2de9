import type { KubeClient } from '../../kube/client.ts';

/** Rules of a Role, as in its manifest. */
export interface RoleRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

const RBAC = '/apis/rbac.authorization.k8s.io/v1';

/** Makes ServiceAccounts, what they may do, and their tokens, by the Kubernetes API. */
export class ServiceAccounts {
  readonly #client: KubeClient;
  readonly #namespace: string;

  constructor(client: KubeClient, namespace: string) {
    this.#client = client;
    this.#namespace = namespace;
  }

  create(name: string): Promise<unknown> {
    return this.#post(`/api/v1/namespaces/${this.#namespace}/serviceaccounts`, { metadata: { name } });
  }

  /** A token as `kubectl create token` makes one; with `pod`, bound to it and to its node. */
  async token(name: string, pod?: { readonly name: string; readonly uid: string }): Promise<string> {
    const ref = pod && { apiVersion: 'v1', kind: 'Pod', ...pod };
    const answer = await this.#post<{ status: { token: string } }>(
      `/api/v1/namespaces/${this.#namespace}/serviceaccounts/${name}/token`,
      { spec: { expirationSeconds: 3600, ...(ref && { boundObjectRef: ref }) } },
    );
    return answer.status.token;
  }

  /** A ServiceAccount with rights in `namespace`, its own unless given; returns a token. */
  async person(name: string, rules: readonly RoleRule[], namespace = this.#namespace): Promise<string> {
    await this.create(name);
    await this.allow(name, rules, namespace);
    return this.token(name);
  }

  async allow(name: string, rules: readonly RoleRule[], namespace = this.#namespace): Promise<void> {
    const roles = `${RBAC}/namespaces/${namespace}`;
    await this.#post(`${roles}/roles`, { metadata: { name }, rules });
    await this.#post(`${roles}/rolebindings`, {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace: this.#namespace }],
    });
  }

  async disallow(name: string, namespace = this.#namespace): Promise<void> {
    const path = `${RBAC}/namespaces/${namespace}/rolebindings/${name}`;
    await this.#client.raw({ method: 'DELETE', path });
  }

  /** A pod that says it is on the node, as a scheduler would have it; nothing runs. */
  async pod(name: string, serviceAccountName: string, nodeName: string): Promise<{ name: string; uid: string }> {
    const answer = await this.#post<{ metadata: { uid: string } }>(`/api/v1/namespaces/${this.#namespace}/pods`, {
      metadata: { name },
      spec: { serviceAccountName, nodeName, containers: [{ name: 'agent', image: 'none' }] },
    });
    return { name, uid: answer.metadata.uid };
  }

  #post<T>(path: string, object: object): Promise<T> {
    return this.#client.raw({ method: 'POST', path, body: JSON.stringify(object) });
  }
}
