import type { KubeObject } from '../../../kube/object.ts';
import { AGENT, API, EVERYBODY, OPERATOR, PEOPLE, roleOf } from './roles.ts';
import type { Rule } from './roles.ts';
import { taskRights } from './task-rights.ts';
import type { User } from './user.ts';

/** What somebody wants to do, in the words of RBAC. */
export interface Attributes {
  readonly verb: string;
  readonly group: string;
  /** The plural. */
  readonly resource: string;
  /** Empty for the object itself. */
  readonly subresource: string;
  /** Empty for cluster-wide kinds and for all namespaces. */
  readonly namespace: string;
  /** Empty when not about one object. */
  readonly name: string;
  /** The object as it is stored, for rules that depend on it. */
  readonly stored: () => KubeObject | undefined;
}

export interface Decision {
  readonly allowed: boolean;
  /** Set on a create that is allowed for objects of this name alone. */
  readonly onlyName?: string;
  /** Set on a call on a collection that is allowed for the objects that this field selector matches. */
  readonly onlyFields?: string;
}

const ADMINS = 'system:masters';
const AGENT_PREFIX = 'tiangong:agent:';
const TASKS = 'tiangong:tasks';

/** The fixed roles of the embedded server: administrators, the api, the operator, agents by name, k8s tasks, and people. */
export class Authorizer {
  readonly #rules = new Map<string, Map<string, readonly Rule[]>>([
    ['tiangong:api', indexed(API)],
    ['tiangong:operator', indexed(OPERATOR)],
  ]);
  readonly #people = new Map(Object.values(PEOPLE).map(({ group, rules }) => [group, indexed(rules)] as const));
  readonly #agents = indexed(AGENT);
  readonly #everybody = indexed(EVERYBODY);

  decide(user: User, attributes: Attributes): Decision {
    if (user.groups.includes(ADMINS)) return { allowed: true };
    if (user.name === TASKS) return taskRights(attributes);
    const { verb, group, resource, subresource, name } = attributes;
    const person = roleOf(user);
    const agent = user.name.startsWith(AGENT_PREFIX) ? user.name.slice(AGENT_PREFIX.length) : undefined;
    const rules =
      person === undefined
        ? (this.#rules.get(user.name) ?? (agent === undefined ? this.#everybody : this.#agents))
        : (this.#people.get(person.group) ?? this.#everybody);
    const key = `${group}/${resource}${subresource === '' ? '' : `/${subresource}`}`;
    for (const rule of rules.get(key) ?? []) {
      if (!rule.verbs.includes(verb)) continue;
      if (rule.ownName === true && agent !== name) {
        if (verb === 'create' && name === '' && agent !== undefined) return { allowed: true, onlyName: agent };
        continue;
      }
      if (rule.assigned === true && assignedAgent(attributes.stored()) !== agent) continue;
      return { allowed: true };
    }
    return { allowed: false };
  }

  /** Paths that name no resource: what is served is for everybody who is known, metrics for administrators. */
  mayRead(user: User, path: string): boolean {
    if (path !== '/metrics' || user.groups.includes(ADMINS)) return true;
    return roleOf(user)?.readsMetrics ?? this.#rules.has(user.name);
  }
}

/** Why a call is refused, as RBAC words it. */
export function denial(user: User, { verb, group, resource, subresource, namespace }: Attributes): string {
  const what = subresource === '' ? resource : `${resource}/${subresource}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  return `User "${user.name}" cannot ${verb} resource "${what}" in API group "${group}" ${where}`;
}

function indexed(rules: readonly Rule[]): Map<string, readonly Rule[]> {
  const index = new Map<string, Rule[]>();
  for (const rule of rules) {
    for (const resource of rule.resources) {
      const key = `${rule.group}/${resource}`;
      index.set(key, [...(index.get(key) ?? []), rule]);
    }
  }
  return index;
}

function assignedAgent(task: KubeObject | undefined): string | undefined {
  const { status } = (task ?? {}) as { status?: { assignment?: { agent?: string } } };
  return status?.assignment?.agent;
}
