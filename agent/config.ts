import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { load } from 'js-yaml';
import { asMap, checkKeys, ConfigError, number, strings } from './config-values.ts';
import type { Settings } from './config-values.ts';
import type { ExecutorSettings } from './executors/registry.ts';
import { SecurityPolicy } from './executors/shell/security-policy.ts';
import { readPlugins } from './plugin-config.ts';
import type { PluginSettings } from './plugin-config.ts';
import { privatePaths } from './private-paths.ts';

/** What a start of the agent is told: by flags, else by the environment, else by its file, else by default. */
export interface AgentConfig {
  readonly name: string;
  readonly namespace: string;
  readonly kubeconfig: string | undefined;
  readonly apiUrl: string | undefined;
  readonly apiCaFile: string | undefined;
  readonly stateDir: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly env: string | undefined;
  readonly wait: boolean;
  readonly drainSeconds: number;
  readonly spoolBytes: number | undefined;
  /** Where /healthz, /readyz and /metrics are served; undefined: nowhere. */
  readonly health: { readonly host: string; readonly port: number } | undefined;
  /** Files and folders that no task may name by a path. */
  readonly privatePaths: readonly string[];
  readonly executors: PluginSettings & { readonly shell: Omit<ExecutorSettings['shell'], 'workFolder'> };
}

/** Flags as commander gives them. */
export interface AgentFlags {
  readonly name?: string;
  readonly homeNamespace?: string;
  readonly kubeconfig?: string;
  readonly k8sKubeconfig?: string;
  readonly apiUrl?: string;
  readonly apiCaFile?: string;
  readonly stateDir?: string;
  readonly config?: string;
  readonly securityFile?: string;
  readonly labels?: string;
  readonly env?: string;
  readonly drainSeconds?: string;
  readonly healthHost?: string;
  readonly healthPort?: string;
  readonly wait?: boolean;
}

const KNOWN = [
  'name',
  'home_namespace',
  'kubeconfig',
  'api_url',
  'api_ca_file',
  'state_dir',
  'security_file',
  'labels',
  'env',
  'drain_seconds',
  'health_host',
  'health_port',
  'spool_bytes',
  'private_paths',
  'plugins',
];

/** Reads the configuration file, if one is named, and joins it with flags and environment. Throws `ConfigError`. */
export function loadConfig(flags: AgentFlags, environment: NodeJS.ProcessEnv): AgentConfig {
  const path = flags.config ?? environment['TIANGONG_AGENT_CONFIG'];
  const file = path === undefined ? {} : readSettings(path);
  checkKeys(file, KNOWN, path ?? '');
  const text = (flag: string | undefined, variable: string, key: string): string | undefined => {
    const value = flag ?? environment[variable] ?? file[key];
    if (value !== undefined && typeof value !== 'string') throw new ConfigError(`${path}: ${key} must be a string`);
    return value === '' ? undefined : value;
  };
  const name = text(flags.name, 'TIANGONG_AGENT_NAME', 'name') ?? hostName();
  if (!/^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/.test(name))
    throw new ConfigError(`${name} cannot be an agent's name: up to 63 of a-z, 0-9, - and . (--name)`);
  const apiUrl = text(flags.apiUrl, 'TIANGONG_API_URL', 'api_url');
  if (apiUrl !== undefined && !/^https?:$/.test(URL.parse(apiUrl)?.protocol ?? ''))
    throw new ConfigError(`the address of the API must begin with http:// or https:// (--api-url), not ${apiUrl}`);
  const security = text(flags.securityFile, 'TIANGONG_SECURITY_FILE', 'security_file');
  const kubeconfig = text(flags.kubeconfig, 'TIANGONG_KUBECONFIG', 'kubeconfig');
  const plugins = readPlugins(file['plugins'], `${path}: plugins`);
  // Read again for each task, and the agent's own unless another is named.
  const tasksKubeconfig =
    flags.k8sKubeconfig ?? environment['TIANGONG_K8S_KUBECONFIG'] ?? plugins.k8s.kubeconfig ?? kubeconfig;
  const labels = flags.labels ?? environment['TIANGONG_AGENT_LABELS'];
  return {
    name,
    namespace: text(flags.homeNamespace, 'TIANGONG_HOME_NAMESPACE', 'home_namespace') ?? 'default',
    kubeconfig,
    apiUrl,
    apiCaFile: text(flags.apiCaFile, 'TIANGONG_API_CA_FILE', 'api_ca_file'),
    stateDir: resolve(text(flags.stateDir, 'TIANGONG_STATE_DIR', 'state_dir') ?? '/var/lib/tiangong-agent'),
    labels: labels === undefined ? labelMap(file['labels'], `${path}: labels`) : parseLabels(labels),
    env: text(flags.env, 'TIANGONG_ENV', 'env'),
    wait: flags.wait ?? false,
    drainSeconds: number(
      flags.drainSeconds ?? environment['TIANGONG_DRAIN_SECONDS'] ?? file['drain_seconds'] ?? 20,
      'drain_seconds',
      0,
    ),
    health: healthOf(
      text(flags.healthHost, 'TIANGONG_HEALTH_HOST', 'health_host'),
      flags.healthPort ?? environment['TIANGONG_HEALTH_PORT'] ?? file['health_port'],
    ),
    spoolBytes: file['spool_bytes'] === undefined ? undefined : number(file['spool_bytes'], 'spool_bytes', 1024 * 1024),
    privatePaths: privatePaths({
      kubeconfigs: [kubeconfig, tasksKubeconfig],
      connections: plugins.connections,
      goInception: plugins.goInception,
      environment,
      more: [
        ...strings(file['private_paths'] ?? [], `${path}: private_paths`),
        ...(environment['TIANGONG_PRIVATE_PATHS']?.split(':') ?? []),
      ],
    }),
    executors: {
      ...plugins,
      k8s: { ...plugins.k8s, ...(tasksKubeconfig === undefined ? {} : { kubeconfig: tasksKubeconfig }) },
      shell: { ...plugins.shell, ...(security === undefined ? {} : { policy: policy(security) }) },
    },
  };
}

function healthOf(host = '127.0.0.1', given: unknown): AgentConfig['health'] {
  if (given === undefined) return undefined;
  const port = number(given, 'health_port', 0);
  if (!Number.isInteger(port) || port > 65_535)
    throw new ConfigError(`health_port must be a port, not ${port} (--health-port)`);
  return { host, port };
}

function policy(path: string): SecurityPolicy {
  try {
    return SecurityPolicy.readFile(path);
  } catch (err) {
    throw new ConfigError(`the security file cannot be used: ${(err as Error).message}`, { cause: err });
  }
}

function readSettings(path: string): Settings {
  let settings: unknown;
  try {
    settings = load(readFileSync(path, 'utf8'));
  } catch (err) {
    throw new ConfigError(`cannot read the configuration ${path}: ${(err as Error).message}`, { cause: err });
  }
  return asMap(settings ?? {}, path);
}

function labelMap(value: unknown, where: string): Record<string, string> {
  const labels = asMap(value ?? {}, where);
  if (!Object.values(labels).every((label) => typeof label === 'string'))
    throw new ConfigError(`${where} must be a map of strings`);
  return labels as Record<string, string>;
}

function parseLabels(text: string): Record<string, string> {
  const pairs = text.split(',').filter((pair) => pair.trim() !== '');
  return Object.fromEntries(
    pairs.map((pair) => {
      const [key = '', value] = pair.split('=').map((part) => part.trim());
      if (key === '' || value === undefined)
        throw new ConfigError(`labels are key=value,key=value, not ${text} (--labels)`);
      return [key, value];
    }),
  );
}

const hostName = (): string =>
  hostname()
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, '-')
    .slice(0, 63)
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '');
