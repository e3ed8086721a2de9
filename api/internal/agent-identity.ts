import type { User } from '../auth/user.ts';

/** Which users are agents. */
export interface AgentUsers {
  /** Where bare hosts have their ServiceAccounts, and pods of pools theirs. */
  readonly homeNamespace: string;
  /** Where pods with access to their host run; undefined: there are none. */
  readonly hostNamespace: string | undefined;
  /** The ServiceAccount of the pods of all pools, of this name in both namespaces. */
  readonly serviceAccount: string;
  /** Whether `tiangong:agent:<name>` is the agent of the name, as on the embedded server. */
  readonly named: boolean;
}

/** Who calls under `/internal`. */
export interface Caller {
  /** The names of agents that the caller is; undefined for an administrator, who may read for every agent. */
  readonly agents: readonly string[] | undefined;
  readonly user: string;
}

const POD_NAME = 'authentication.kubernetes.io/pod-name';
const NODE_NAME = 'authentication.kubernetes.io/node-name';
const ADMINISTRATORS = 'system:masters';
const NAMED = /^tiangong:agent:([a-z0-9.-]{1,63})$/;
const SERVICE_ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;
const BARE_HOST = /^agent-(.+)$/;

/** Whom a user speaks for; undefined: neither an agent nor an administrator. The policies of the chart have the same rule. */
export function callerFor(user: User, users: AgentUsers): Caller | undefined {
  const agents = agentsOf(user, users);
  if (agents.length > 0) return { agents, user: user.name };
  return user.groups.includes(ADMINISTRATORS) ? { agents: undefined, user: user.name } : undefined;
}

/** Whether the caller may speak for the agent. */
export const speaksFor = ({ agents }: Pick<Caller, 'agents'>, agent: string | undefined): boolean =>
  agents === undefined || (agent !== undefined && agents.includes(agent));

/** Whether an assignment is the caller's, at this epoch. Administrators have none, and need none. */
export const isAssignedTo = (
  caller: Pick<Caller, 'agents'>,
  assignment: { readonly agent: string; readonly epoch: number } | null | undefined,
  epoch: number | undefined,
): boolean =>
  speaksFor(caller, assignment?.agent) &&
  (assignment?.epoch === epoch || (caller.agents === undefined && epoch === undefined));

function agentsOf({ name, extra }: User, users: AgentUsers): string[] {
  const named = users.named ? NAMED.exec(name)?.[1] : undefined;
  if (named !== undefined) return [named];
  const [, namespace, account = ''] = SERVICE_ACCOUNT.exec(name) ?? [];
  const isHome = namespace === users.homeNamespace;
  const isHost = namespace !== undefined && namespace === users.hostNamespace;
  if ((isHome || isHost) && account === users.serviceAccount) return podAgents(extra);
  const bareHost = isHome ? BARE_HOST.exec(account)?.[1] : undefined;
  return bareHost === undefined ? [] : [bareHost];
}

/** A token that is bound to no pod is nobody's: the ServiceAccount is that of all pods of all pools. */
function podAgents(extra: User['extra']): string[] {
  const [pod, ...otherPods] = extra[POD_NAME] ?? [];
  const [node, ...otherNodes] = extra[NODE_NAME] ?? [];
  if (pod === undefined || pod === '' || otherPods.length > 0) return [];
  if (node === undefined || node === '' || otherNodes.length > 0) return [pod];
  // The pods of a DaemonSet are called <pool>-<random>, its agents <pool>-<node>.
  const end = pod.lastIndexOf('-');
  return end < 1 ? [pod] : [pod, `${pod.slice(0, end)}-${node}`];
}
