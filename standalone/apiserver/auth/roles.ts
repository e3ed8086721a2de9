import type { User } from './user.ts';

/** What a rule lets its users do. A subresource is named as `deploytasks/status`. */
export interface Rule {
  readonly group: string;
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  /** Only objects of the agent's own name. */
  readonly ownName?: true;
  /** Only tasks that the stored status assigns to the agent. */
  readonly assigned?: true;
}

const READ = ['get', 'list', 'watch'] as const;
const WRITE = ['create', 'update', 'patch', 'delete', 'deletecollection'] as const;
const TIANGONG = 'tiangong.io';

const EVENTS: readonly Rule[] = [
  { group: '', resources: ['events'], verbs: ['create', 'patch', 'list'] },
  { group: 'events.k8s.io', resources: ['events'], verbs: ['create', 'patch', 'list'] },
];

/** Everybody may ask who they are and what they may do, and read what the server serves. */
export const EVERYBODY: readonly Rule[] = [
  { group: 'authorization.k8s.io', resources: ['selfsubjectaccessreviews'], verbs: ['create'] },
  { group: 'authentication.k8s.io', resources: ['selfsubjectreviews'], verbs: ['create'] },
];

export const API: readonly Rule[] = [
  ...EVERYBODY,
  ...EVENTS,
  { group: TIANGONG, resources: ['deploytasks'], verbs: [...READ, ...WRITE] },
  { group: TIANGONG, resources: ['agents'], verbs: [...READ, 'update', 'patch', 'delete'] },
  { group: TIANGONG, resources: ['syncpushers', 'syncsources', 'synctasks'], verbs: [...READ, ...WRITE] },
  { group: TIANGONG, resources: ['syncsources/status'], verbs: ['get', 'update', 'patch'] },
  { group: 'coordination.k8s.io', resources: ['leases'], verbs: READ },
  { group: '', resources: ['secrets'], verbs: [...READ, 'create', 'patch', 'delete'] },
  { group: '', resources: ['namespaces'], verbs: ['get', 'list'] },
  { group: 'authentication.k8s.io', resources: ['tokenreviews'], verbs: ['create'] },
  { group: 'authorization.k8s.io', resources: ['subjectaccessreviews'], verbs: ['create'] },
];

export const OPERATOR: readonly Rule[] = [
  ...EVERYBODY,
  ...EVENTS,
  { group: TIANGONG, resources: ['deploytasks'], verbs: [...READ, 'update', 'patch', 'delete'] },
  { group: TIANGONG, resources: ['deploytasks/status', 'agents/status'], verbs: ['get', 'update', 'patch'] },
  { group: TIANGONG, resources: ['agents'], verbs: READ },
  { group: TIANGONG, resources: ['syncpushers', 'syncsources'], verbs: [...READ, 'update', 'patch'] },
  { group: TIANGONG, resources: ['synctasks'], verbs: [...READ, 'update', 'patch', 'delete'] },
  { group: TIANGONG, resources: ['synctasks/status'], verbs: ['get', 'update', 'patch'] },
  { group: 'coordination.k8s.io', resources: ['leases'], verbs: [...READ, ...WRITE] },
];

export const AGENT: readonly Rule[] = [
  ...EVERYBODY,
  ...EVENTS,
  { group: TIANGONG, resources: ['deploytasks'], verbs: READ },
  { group: TIANGONG, resources: ['deploytasks/status'], verbs: ['get'] },
  { group: TIANGONG, resources: ['deploytasks/status'], verbs: ['update', 'patch'], assigned: true },
  { group: TIANGONG, resources: ['syncpushers', 'syncsources', 'synctasks'], verbs: READ },
  { group: TIANGONG, resources: ['synctasks/status'], verbs: ['get'] },
  { group: TIANGONG, resources: ['synctasks/status'], verbs: ['update', 'patch'], assigned: true },
  { group: TIANGONG, resources: ['agents'], verbs: [...READ, 'create', 'update', 'patch'], ownName: true },
  { group: TIANGONG, resources: ['agents/status'], verbs: ['get', 'update', 'patch'], ownName: true },
  {
    group: 'coordination.k8s.io',
    resources: ['leases'],
    verbs: [...READ, 'create', 'update', 'patch', 'delete'],
    ownName: true,
  },
];

const KINDS = ['agents', 'deploytasks', 'syncpushers', 'syncsources', 'synctasks'] as const;

const VIEW: readonly Rule[] = [
  ...EVERYBODY,
  { group: TIANGONG, resources: KINDS, verbs: READ },
  // Of REST: no such path is served here.
  { group: TIANGONG, resources: ['deploytasks/log', 'synctasks/log'], verbs: ['get'] },
  { group: '', resources: ['events', 'namespaces'], verbs: READ },
  { group: 'events.k8s.io', resources: ['events'], verbs: READ },
];

const EDIT: readonly Rule[] = [
  ...VIEW,
  { group: TIANGONG, resources: ['deploytasks', 'syncpushers', 'syncsources', 'synctasks'], verbs: WRITE },
  { group: TIANGONG, resources: ['files'], verbs: ['create', 'delete', 'get', 'list'] },
  // For tasks that name them; nobody reads them again, and the answer to a change would show them.
  { group: '', resources: ['secrets'], verbs: ['create'] },
];

const ADMIN: readonly Rule[] = [
  ...EDIT,
  { group: TIANGONG, resources: ['deploytasks'], verbs: ['approve'] },
  { group: TIANGONG, resources: ['agents'], verbs: ['update', 'patch', 'delete'] },
  { group: TIANGONG, resources: ['auditrecords'], verbs: ['list'] },
];

/** What people may do, by REST and kubectl alike: as the roles that the chart makes (docs/rbac.md). A group stands for a role. */
export const PEOPLE = {
  view: { group: 'tiangong:view', rules: VIEW, readsMetrics: false },
  edit: { group: 'tiangong:edit', rules: EDIT, readsMetrics: false },
  admin: { group: 'tiangong:admin', rules: ADMIN, readsMetrics: true },
} as const;

export type PersonRole = keyof typeof PEOPLE;

/** The role of a user; undefined: a part of the product. */
export function roleOf({ groups }: User): (typeof PEOPLE)[PersonRole] | undefined {
  return Object.values(PEOPLE).find(({ group }) => groups.includes(group));
}

export const isPerson = (user: User): boolean => roleOf(user) !== undefined;
