import { readdirSync, readFileSync } from 'node:fs';
import { connect } from '../test/kubernetes/connection.ts';
import type { Cluster } from '../test/kubernetes/cluster.ts';
import { startPrograms } from '../test/programs/programs.ts';
import type { Subject } from './subject.ts';

const AGENT = 'agent-1';

/** Starts operator, API and agent as three processes on a real kube-apiserver. `nodeArgs`: for node, such as --cpu-prof. */
export async function startOnCluster(cluster: Cluster, nodeArgs: readonly string[] = []): Promise<Subject> {
  const namespace = 'default';
  const place = { namespace, kubeconfig: (user: string) => cluster.kubeconfig(user) };
  const programs = await startPrograms(place, { agentName: AGENT, nodeArgs });
  const transport = connect(cluster, 'admin');
  const { operator, api, agent, rest } = programs;
  return {
    name: 'kube-apiserver',
    rest,
    transport,
    namespace,
    agent: AGENT,
    pids: {
      operator: operator.pid,
      api: api.pid,
      agent: agent.pid,
      ...serverPids(cluster),
    },
    stop: async () => {
      await transport.close();
      await programs.stop();
    },
  };
}

/** The processes of the API server itself. */
export function serverPids({ folder }: Cluster): Record<string, number> {
  return Object.fromEntries(['kube-apiserver', 'etcd'].map((name) => [name, pidOf(name, folder)]));
}

/** The process of that name that has the cluster's folder in its command line. */
function pidOf(name: string, folder: string): number {
  const found = readdirSync('/proc').find((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      return command.split('\0')[0]?.endsWith(`/${name}`) === true && command.includes(folder);
    } catch {
      // No process, or one that ended in the meantime.
      return false;
    }
  });
  return Number(found ?? -1);
}
