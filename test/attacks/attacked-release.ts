import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeClient } from '../../kube/client.ts';
import { startCluster } from '../kubernetes/cluster.ts';
import type { Cluster } from '../kubernetes/cluster.ts';
import { startPrograms } from '../programs/programs.ts';
import type { Programs } from '../programs/programs.ts';
import { TaskClient } from '../programs/task-client.ts';
import { installRelease } from '../rbac/release.ts';
import type { Release } from '../rbac/release.ts';

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
  const { home, watched, admin } = release;
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
  const files: Record<string, string> = {};
  const write = (user: string, token: string): void => {
    files[user] = join(cluster.folder, `${user.replace('/', '-')}.kubeconfig`);
    writeFileSync(files[user], kubeconfig(cluster.url, token), { mode: 0o600 });
  };
  write('api', await tokenOf(home, 'tiangong-api'));
  write('operator', await tokenOf(home, 'tiangong-operator'));
  write(`agent/${AGENT.pod}`, await tokenOf(home, 'tiangong-agent', AGENT));
  const programs = await startPrograms(
    { namespace: home, kubeconfig: (user) => files[user] ?? '' },
    {
      agentName: AGENT.pod,
      restToken: tokens.admin,
      env: {
        TIANGONG_AUTH: 'kubernetes',
        TIANGONG_NAMESPACES: `${home},${watched}`,
        TIANGONG_AGENT_SERVICE_ACCOUNT: 'tiangong-agent',
      },
    },
  );
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

const kubeconfig = (server: string, token: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  });
