import { connect } from '../test/kubernetes/connection.ts';
import type { Cluster } from '../test/kubernetes/cluster.ts';
import { installRelease } from '../test/rbac/release.ts';
import { startReleasePrograms } from '../test/rbac/release-programs.ts';
import { serverPids } from './on-cluster.ts';
import type { Subject } from './subject.ts';

const AGENT = { pod: 'tiangong-agent-0', node: 'node-1' };

/**
 * As `startOnCluster`, with all that the chart adds: its Roles and admission policies, tokens of ServiceAccounts, callers
 * of REST checked by TokenReview and SubjectAccessReview, and the audit trail.
 */
export async function startOnRelease(cluster: Cluster, nodeArgs: readonly string[] = []): Promise<Subject> {
  const release = await installRelease(cluster, 'bench');
  const { home } = release;
  await release.person('caller', { [home]: `tiangong.${home}.admin` });
  const restToken = await release.token('people', 'caller');
  const env = { TIANGONG_AUTH: 'kubernetes' };
  const programs = await startReleasePrograms(cluster, release, AGENT, {
    ...{ nodeArgs, restToken, env },
  });
  const { operator, api, agent, rest } = programs;
  const transport = connect(cluster, 'admin');
  return {
    name: 'release',
    ...{ rest, transport },
    namespace: home,
    agent: AGENT.pod,
    pids: { operator: operator.pid, api: api.pid, agent: agent.pid, ...serverPids(cluster) },
    stop: async () => {
      await transport.close();
      await programs.stop();
    },
  };
}
