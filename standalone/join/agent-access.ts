import type { KubeClient } from '../../kube/client.ts';
import { isInvalid, isNotFound } from '../../kube/kube-error.ts';
import type { KubeObject } from '../../kube/object.ts';
import type { Resource } from '../../kube/resource.ts';
import { ALL_NAMESPACES, watchedNamespaces } from '../../kube/watched-namespaces.ts';
import { StartError } from '../start-error.ts';
import { clusterRoleBindings, clusterRoles, roleBindings, roleRef, roles, serviceAccounts } from './rbac-kinds.ts';
import type { RoleBinding, RoleRef } from './rbac-kinds.ts';

/** An agent outside of the cluster, and the release that it belongs to. */
export interface HostAgent {
  readonly name: string;
  readonly home: string;
  /** What names of the release's objects begin with. */
  readonly fullname: string;
}

/** On everything that is made for one agent: its name. */
const AGENT_LABEL = 'tiangong.io/agent';

const FIELD_MANAGER = 'tiangong-join';

/** The ServiceAccount that is the agent's (docs/authentication.md). */
export const accountOf = ({ name }: HostAgent): string => `agent-${name}`;

/** The rights of one agent outside of the cluster: a ServiceAccount that is it, and bindings to the roles of the release. */
export class AgentAccess {
  readonly #client: KubeClient;
  readonly #agent: HostAgent;

  constructor(client: KubeClient, agent: HostAgent) {
    this.#client = client;
    this.#agent = agent;
  }

  /**
   * Makes the agent have its rights in the home namespace and in these, and nowhere else. Call it again to change where.
   * Rejects with `StartError` when the release has no role for agents there.
   */
  async grant(namespaces: readonly string[]): Promise<void> {
    const { home, fullname } = this.#agent;
    const everywhere = namespaces.includes(ALL_NAMESPACES);
    const watched = watchedNamespaces(namespaces, home) ?? [home];
    // All roles are looked for before anything is made.
    const refs = new Map<string, RoleRef>();
    for (const namespace of watched) refs.set(namespace, await this.#roleIn(namespace));
    const homeRole = `${fullname}-agent-home`;
    if (!(await this.#has(roles, home, homeRole))) throw this.#noRole(home, homeRole);
    const clusterRole = this.#clusterName('agent');
    if (everywhere && !(await this.#has(clusterRoles, undefined, clusterRole))) throw this.#noRole('*', clusterRole);

    const account = accountOf(this.#agent);
    await this.#apply(serviceAccounts, home, { metadata: this.#metadata(account) });
    // Its own token alone, so that it can have a new one before that ends.
    const rules = [
      { apiGroups: [''], resources: ['serviceaccounts/token'], resourceNames: [account], verbs: ['create'] },
    ];
    await this.#apply(roles, home, { metadata: this.#metadata(`${account}-token`), rules });
    await this.#bind(home, `${account}-token`, roleRef('Role', `${account}-token`));
    await this.#bind(home, `${account}-home`, roleRef('Role', homeRole));
    for (const [namespace, ref] of refs) await this.#bind(namespace, account, ref);
    if (everywhere) await this.#bind(undefined, this.#clusterName(account), roleRef('ClusterRole', clusterRole));
    await this.#removeBindings((namespace) => watched.includes(namespace), everywhere);
  }

  /**
   * Takes everything away that `grant` gave. From then on no token of the agent is worth anything. Resolves to whether there was
   * anything.
   */
  async revoke(): Promise<boolean> {
    const { home } = this.#agent;
    const account = accountOf(this.#agent);
    const removed = [
      await this.#remove(serviceAccounts, home, account),
      await this.#removeBindings(() => false, false),
      await this.#remove(roles, home, `${account}-token`),
    ];
    return removed.includes(true);
  }

  /** A token of the agent that lives so long, or shorter where the server allows no more. */
  async token(seconds: number): Promise<{ readonly token: string; readonly expires: Date }> {
    const { home } = this.#agent;
    const answer = await this.#client.raw<{ status: { token: string; expirationTimestamp: string } }>({
      method: 'POST',
      path: `/api/v1/namespaces/${home}/serviceaccounts/${accountOf(this.#agent)}/token`,
      body: JSON.stringify({
        ...{ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest' },
        spec: { expirationSeconds: seconds },
      }),
    });
    return { token: answer.status.token, expires: new Date(answer.status.expirationTimestamp) };
  }

  /** Agents' rights in one namespace: a Role where the release has it there, else its ClusterRole. */
  async #roleIn(namespace: string): Promise<RoleRef> {
    const name = `${this.#agent.fullname}-agent`;
    if (await this.#has(roles, namespace, name)) return roleRef('Role', name);
    const clusterRole = this.#clusterName('agent');
    if (await this.#has(clusterRoles, undefined, clusterRole)) return roleRef('ClusterRole', clusterRole);
    throw this.#noRole(namespace, name);
  }

  async #bind(namespace: string | undefined, name: string, ref: RoleRef): Promise<void> {
    const { home } = this.#agent;
    const resource = namespace === undefined ? clusterRoleBindings : roleBindings;
    const subjects = [{ kind: 'ServiceAccount', name: accountOf(this.#agent), namespace: home }];
    const binding = { metadata: this.#metadata(name), roleRef: ref, subjects };
    try {
      await this.#apply(resource, namespace, binding);
    } catch (err) {
      // What a binding refers to cannot be changed.
      if (!isInvalid(err)) throw err;
      await this.#remove(resource, namespace, name);
      await this.#apply(resource, namespace, binding);
    }
  }

  /** Removes the agent's bindings but for those in namespaces to be kept. Resolves to whether there were such. */
  async #removeBindings(isKept: (namespace: string) => boolean, keepsClusterWide: boolean): Promise<boolean> {
    const labelSelector = `${AGENT_LABEL}=${this.#agent.name}`;
    const { items } = await this.#client.list(roleBindings, undefined, { labelSelector });
    let isAny = false;
    for (const { metadata, subjects = [] } of items ?? [])
      if (!isKept(metadata.namespace ?? '') && this.#isIts(subjects))
        isAny = (await this.#remove(roleBindings, metadata.namespace, metadata.name)) || isAny;
    const clusterWide = this.#clusterName(accountOf(this.#agent));
    return (!keepsClusterWide && (await this.#remove(clusterRoleBindings, undefined, clusterWide))) || isAny;
  }

  /** Another release may have an agent of the same name. */
  #isIts(subjects: NonNullable<RoleBinding['subjects']>): boolean {
    return subjects.some(({ namespace }) => namespace === this.#agent.home);
  }

  #metadata(name: string): { name: string; labels: Record<string, string> } {
    const labels = { 'app.kubernetes.io/name': 'tiangong', 'app.kubernetes.io/component': 'agent' };
    return { name, labels: { ...labels, [AGENT_LABEL]: this.#agent.name } };
  }

  #clusterName(name: string): string {
    return `${this.#agent.fullname}.${this.#agent.home}.${name}`;
  }

  #noRole(namespace: string, name: string): StartError {
    const how =
      namespace === '*'
        ? 'install the chart with scope.clusterWide, or name namespaces by --namespaces'
        : `install the chart, with ${namespace} in scope.namespaces, or name its release by --release`;
    return new StartError(`there is no role ${name} for agents in namespace ${namespace}: ${how}`);
  }

  async #apply<T extends KubeObject>(
    resource: Resource<T>,
    namespace: string | undefined,
    object: Omit<T, 'metadata'> & { metadata: Partial<T['metadata']> & { name: string } },
  ): Promise<void> {
    await this.#client.apply(resource, namespace, object, { fieldManager: FIELD_MANAGER, force: true });
  }

  async #has(resource: Resource<KubeObject>, namespace: string | undefined, name: string): Promise<boolean> {
    try {
      await this.#client.get(resource, namespace, name);
      return true;
    } catch (err) {
      if (isNotFound(err)) return false;
      throw err;
    }
  }

  /** Resolves to whether it was there. */
  async #remove(resource: Resource<KubeObject>, namespace: string | undefined, name: string): Promise<boolean> {
    try {
      await this.#client.delete(resource, namespace, name);
      return true;
    } catch (err) {
      if (isNotFound(err)) return false;
      throw err;
    }
  }
}
