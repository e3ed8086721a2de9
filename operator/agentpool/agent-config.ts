import { createHash } from 'node:crypto';
import { dump } from 'js-yaml';
import type { AgentPool } from '../../kube/types/agentpool.ts';
import { HOST_ACCESS_LABEL, POOL_LABEL } from './pool-labels.ts';
import type { PoolSettings } from './pool-settings.ts';

/** Where an agent in a pod finds what. */
export const PATHS = {
  config: '/etc/tiangong/agent',
  apiCa: '/etc/tiangong/api-ca',
  connections: '/etc/tiangong/connections',
  state: '/var/lib/tiangong-agent',
} as const;

/** After draining an agent still writes reports and gives its Lease back, before it is killed. */
const AFTER_DRAIN_SECONDS = 15;

export interface AgentConfig {
  /** The files, by name; as they stand in a ConfigMap. */
  readonly files: Readonly<Record<string, string>>;
  /** Changes with the files. */
  readonly digest: string;
}

interface Plugin {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** The configuration of a pool's agents: the same for all, as names come from the environment. */
export function agentConfig(
  pool: AgentPool,
  place: { readonly homeNamespace: string; readonly namespace: string },
  settings: PoolSettings,
): AgentConfig {
  const { name } = pool.metadata;
  const { labels, env, securityPolicy, hostAccess = false, terminationGracePeriodSeconds: grace = 600 } = pool.spec;
  const plugins = pluginsOf(pool, place.namespace);
  const agent = {
    home_namespace: place.homeNamespace,
    ...(settings.apiUrl !== undefined && { api_url: settings.apiUrl }),
    ...(settings.apiCaConfigMap !== undefined && { api_ca_file: `${PATHS.apiCa}/ca.crt` }),
    state_dir: stateFolder(pool),
    labels: { ...labels, [POOL_LABEL]: name, ...(hostAccess && { [HOST_ACCESS_LABEL]: 'true' }) },
    ...(env !== undefined && env !== '' && { env }),
    ...(securityPolicy !== undefined && { security_file: `${PATHS.config}/security.yaml` }),
    drain_seconds: grace - AFTER_DRAIN_SECONDS,
    private_paths: [PATHS.connections, '/var/run/secrets/kubernetes.io', '/run/secrets/kubernetes.io'],
    ...(plugins.length > 0 && { plugins }),
  };
  const files = {
    'agent.yaml': dump(agent, { lineWidth: -1, noRefs: true }),
    ...(securityPolicy !== undefined && { 'security.yaml': securityPolicy }),
  };
  return { files, digest: createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 10) };
}

/** An agent that acts on its node has its folder at the same path there: commands see both. */
export function stateFolder({ metadata, spec }: AgentPool): string {
  return keepsStateOnNode(spec) ? `${PATHS.state}/${metadata.name}` : PATHS.state;
}

/** Pods of a Deployment that come after each other on a node are different agents: they may not share a journal. */
export function keepsStateOnNode({ hostAccess, workload }: AgentPool['spec']): boolean {
  return hostAccess === true && workload === 'DaemonSet';
}

/** The pool's own settings, and those that follow from its other fields. */
function pluginsOf({ spec }: AgentPool, namespace: string): Plugin[] {
  const { plugins = [], hostAccess = false, taskServiceAccountName: name } = spec;
  let all: readonly Plugin[] = plugins;
  if (hostAccess) all = withSetting(all, 'shell', { nsenter: true });
  if (name !== undefined) all = withSetting(all, 'k8s', { service_account: { namespace, name } });
  return [...all];
}

function withSetting(plugins: readonly Plugin[], type: string, config: Readonly<Record<string, unknown>>): Plugin[] {
  if (!plugins.some((plugin) => plugin.type === type)) return [...plugins, { type, config }];
  return plugins.map((plugin) =>
    plugin.type === type ? { ...plugin, config: { ...(plugin['config'] as object | undefined), ...config } } : plugin,
  );
}
