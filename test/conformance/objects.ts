/** Objects as a user would send them. Calls that need other fields spread them in. */

export const GROUP_VERSION = 'tiangong.io/v1alpha1';

type Fields = Readonly<Record<string, unknown>>;

export const task = (name: string, spec: Fields = {}, metadata: Fields = {}): Fields => ({
  apiVersion: GROUP_VERSION,
  kind: 'DeployTask',
  metadata: { name, ...metadata },
  spec: { agent: 'agent-1', type: 'shell', command: 'echo hi', ...spec },
});

export const agent = (name: string, spec: Fields = {}, metadata: Fields = {}): Fields => ({
  apiVersion: GROUP_VERSION,
  kind: 'Agent',
  metadata: { name, ...metadata },
  spec,
});

export const configMap = (name: string, data: Fields = {}, metadata: Fields = {}): Fields => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  data,
});

export const secret = (name: string, fields: Fields = {}, metadata: Fields = {}): Fields => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, ...metadata },
  ...fields,
});

export const lease = (name: string, spec: Fields = {}): Fields => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name },
  spec,
});

/** The status that the operator writes when it gives a task to an agent. */
export const assigned = (agentName: string, epoch = 1): Fields => ({
  state: 'Assigned',
  assignment: { agent: agentName, instance: 'abc', epoch, time: '2026-01-02T03:04:05Z' },
});
