import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from '../kubernetes/cluster.ts';
import { startPrograms } from '../programs/programs.ts';
import type { Programs, ProgramsOptions } from '../programs/programs.ts';
import type { BoundPod, Release } from './release.ts';

/** Starts operator, API and an agent as the chart's pods would be: by their ServiceAccounts' tokens and settings. */
export async function startReleasePrograms(
  cluster: Cluster,
  release: Release,
  agent: BoundPod,
  options: Omit<ProgramsOptions, 'agentName'> = {},
): Promise<Programs> {
  const { home, watched } = release;
  const users: Readonly<Record<string, readonly [serviceAccount: string, bound?: BoundPod]>> = {
    api: ['tiangong-api'],
    operator: ['tiangong-operator'],
    [`agent/${agent.pod}`]: ['tiangong-agent', agent],
  };
  const files = new Map<string, string>();
  for (const [user, who] of Object.entries(users)) {
    const file = join(cluster.folder, `${home}-${user.replace('/', '-')}.kubeconfig`);
    writeFileSync(file, kubeconfig(cluster.url, await release.token(home, ...who)), { mode: 0o600 });
    files.set(user, file);
  }
  return startPrograms(
    { namespace: home, kubeconfig: (user) => files.get(user) ?? '' },
    {
      ...options,
      agentName: agent.pod,
      env: {
        TIANGONG_NAMESPACES: `${home},${watched}`,
        TIANGONG_AGENT_SERVICE_ACCOUNT: 'tiangong-agent',
        ...options.env,
      },
    },
  );
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
