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
