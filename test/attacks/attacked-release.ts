import type { KubeClient } from '../../kube/client.ts';
import { startCluster } from '../kubernetes/cluster.ts';
import type { Cluster } from '../kubernetes/cluster.ts';
import type { Programs } from '../programs/programs.ts';
import { TaskClient } from '../programs/task-client.ts';
import { installRelease } from '../rbac/release.ts';
import type { Release } from '../rbac/release.ts';
import { startReleasePrograms } from '../rbac/release-programs.ts';

/** The agent that runs, and one that does not: what the attacker stole is the token of its pod. */
export const AGENT = { pod: 'pool-6d5f-agent', node: 'node-1' };
export const STOLEN = { pod: 'pool-6d5f-stolen', node: 'node-2' };

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: Headers;
}

/** What the chart installs, as programs of their own with the chart's rights and policies, on a real Kubernetes API. */
export interface AttackedRelease {
  readonly cluster: Cluster;
  readonly release: Release;
  readonly programs: Programs;
  /** Of somebody who may create tasks and approve them. */
  readonly tasks: TaskClient;
  readonly admin: KubeClient;
  /** Tokens, by who has them; `forged` is signed by nobody. */
  readonly tokens: Readonly<Record<'admin' | 'editor' | 'viewer' | 'stolen' | 'unbound' | 'forged', string>>;
  /** Calls any path of the REST API. */
  call(token: string | undefined, method: string, path: string, body?: unknown): Promise<Answer>;
  stop(): Promise<void>;
}

export async function startAttackedRelease(): Promise<AttackedRelease> {
  const cluster = await startCluster();
  const release = await installRelease(cluster, 'home');
  const { home, admin } = release;
  for (const role of ['view', 'edit', 'admin']) await release.person(role, { [home]: `tiangong.${home}.${role}` });
  const tokenOf = (...who: Parameters<Release['token']>): Promise<string> => release.token(...who);
  const tokens = {
    admin: await tokenOf('people', 'admin'),
    editor: await tokenOf('people', 'edit'),
    viewer: await tokenOf('people', 'view'),
    stolen: await tokenOf(home, 'tiangong-agent', STOLEN),
    unbound: await tokenOf(home, 'tiangong-agent'),
    forged: forge(`system:serviceaccount:${home}:agent-bare`),
  };
  const programs = await startReleasePrograms(cluster, release, AGENT, {
    restToken: tokens.admin,
    env: { TIANGONG_AUTH: 'kubernetes' },
  });
  return {
    ...{ cluster, release, programs, admin, tokens, tasks: new TaskClient(programs) },
    call: async (token, method, path, body) => {
      const response = await fetch(programs.rest.url + path, {
        method,
        headers: {
          'content-type': 'application/json',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      const parsed = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : { text };
      return { status: response.status, body: parsed, headers: response.headers };
    },
    stop: async () => {
      await programs.stop();
      await cluster.stop();
    },
  };
}

/** A token of Kubernetes' form that says who one would like to be. */
function forge(subject: string): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { iss: 'https://kubernetes.default.svc', sub: subject, exp: Math.floor(Date.now() / 1000) + 3600 };
  return `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}.${Buffer.alloc(256, 7).toString('base64url')}`;
}
