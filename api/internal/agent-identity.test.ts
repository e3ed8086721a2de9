import { describe, expect, it } from 'vitest';
import type { User } from '../auth/user.ts';
import { callerFor, speaksFor } from './agent-identity.ts';
import type { AgentUsers } from './agent-identity.ts';

const USERS: AgentUsers = {
  homeNamespace: 'tiangong',
  hostNamespace: 'tiangong-host',
  serviceAccount: 'tiangong-agent',
  named: false,
};
const user = (name: string, extra: User['extra'] = {}, groups: string[] = []): User => ({
  name,
  groups,
  uid: '',
  extra,
});
const bound = (pod: string, node?: string): User['extra'] => ({
  'authentication.kubernetes.io/pod-name': [pod],
  ...(node !== undefined && { 'authentication.kubernetes.io/node-name': [node] }),
});
const agentsOf = (who: User, users = USERS): readonly string[] | undefined => callerFor(who, users)?.agents;

describe('callerFor', () => {
  it('knows a pod of a pool by its own name and by that of its pool and node', () => {
    const pod = (namespace: string): User =>
      user(`system:serviceaccount:${namespace}:tiangong-agent`, bound('db-x7k2p', 'node-1'));
    expect(agentsOf(pod('tiangong'))).toEqual(['db-x7k2p', 'db-node-1']);
    expect(agentsOf(pod('tiangong-host'))).toEqual(['db-x7k2p', 'db-node-1']);
    expect(agentsOf(pod('elsewhere'))).toBeUndefined();
    expect(callerFor(pod('elsewhere'), USERS)).toBeUndefined();
    expect(agentsOf(pod('tiangong-host'), { ...USERS, hostNamespace: undefined })).toBeUndefined();
  });

  it('knows nobody by a token of the ServiceAccount of pools that is bound to no pod', () => {
    const name = 'system:serviceaccount:tiangong:tiangong-agent';
    expect(callerFor(user(name), USERS)).toBeUndefined();
    expect(callerFor(user(name, bound('', 'node-1')), USERS)).toBeUndefined();
    expect(callerFor(user(name, { 'authentication.kubernetes.io/pod-name': ['a-1', 'b-1'] }), USERS)).toBeUndefined();
    expect(agentsOf(user(name, bound('db-x7k2p')))).toEqual(['db-x7k2p']);
    expect(agentsOf(user(name, bound('alone', 'node-1')))).toEqual(['alone']);
  });

  it('knows the agent of a bare host by its ServiceAccount in the home namespace alone', () => {
    expect(agentsOf(user('system:serviceaccount:tiangong:agent-host.example'))).toEqual(['host.example']);
    expect(callerFor(user('system:serviceaccount:tiangong-host:agent-host1'), USERS)).toBeUndefined();
    expect(callerFor(user('system:serviceaccount:default:agent-host1'), USERS)).toBeUndefined();
    expect(callerFor(user('system:serviceaccount:tiangong:agent-'), USERS)).toBeUndefined();
  });

  it('takes the ServiceAccount of pools for no bare host, whatever it is called', () => {
    const users = { ...USERS, serviceAccount: 'agent-tiangong-agent' };
    expect(callerFor(user('system:serviceaccount:tiangong:agent-tiangong-agent'), users)).toBeUndefined();
  });

  it('knows names of the embedded server only where they are its own', () => {
    const local = user('tiangong:agent:local');
    expect(callerFor(local, USERS)).toBeUndefined();
    expect(agentsOf(local, { ...USERS, named: true })).toEqual(['local']);
    expect(callerFor(user('tiangong:agent:'), { ...USERS, named: true })).toBeUndefined();
  });

  it('lets administrators speak for every agent, and nobody else', () => {
    expect(callerFor(user('root', {}, ['system:masters']), USERS)).toEqual({ agents: undefined, user: 'root' });
    for (const name of ['alice', 'system:serviceaccount:tiangong:tiangong-api', 'system:node:node-1', ''])
      expect(callerFor(user(name, bound('db-x7k2p', 'node-1')), USERS)).toBeUndefined();
  });
});

describe('speaksFor', () => {
  it('is no for what is assigned to nobody, but for administrators', () => {
    expect(speaksFor({ agents: ['a'] }, undefined)).toBe(false);
    expect(speaksFor({ agents: ['a', 'b'] }, 'b')).toBe(true);
    expect(speaksFor({ agents: ['a'] }, 'b')).toBe(false);
    expect(speaksFor({ agents: undefined }, undefined)).toBe(true);
  });
});
