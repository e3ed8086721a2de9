import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { load } from 'js-yaml';
import type { TaskType } from '../kube/task-state.ts';
import type { ExecutorSettings } from './executors/registry.ts';
import { SecurityPolicy } from './executors/shell/security-policy.ts';

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
  readonly executors: {
    readonly shell: Omit<ExecutorSettings['shell'], 'workFolder'>;
    readonly api: ExecutorSettings['api'];
    readonly disabled: readonly TaskType[];
  };
}

/** Flags as commander gives them. */
export interface AgentFlags {
  readonly name?: string;
  readonly homeNamespace?: string;
  readonly kubeconfig?: string;
  readonly apiUrl?: string;
  readonly apiCaFile?: string;
  readonly stateDir?: string;
  readonly config?: string;
  readonly securityFile?: string;
  readonly labels?: string;
  readonly env?: string;
  readonly drainSeconds?: string;
  readonly wait?: boolean;
}

type Settings = Readonly<Record<string, unknown>>;

/** A setting that cannot be: the message names it and where it stands. */
class ConfigError extends Error {
  override readonly name = 'ConfigError';
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
  'spool_bytes',
  'plugins',
];
const KNOWN_PLUGIN = ['type', 'enabled', 'config'];
const KNOWN_API = ['verify_ssl', 'allow_addresses', 'deny_addresses', 'max_body_bytes'];

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
  const labels = flags.labels ?? environment['TIANGONG_AGENT_LABELS'];
  return {
    name,
    namespace: text(flags.homeNamespace, 'TIANGONG_HOME_NAMESPACE', 'home_namespace') ?? 'default',
    kubeconfig: text(flags.kubeconfig, 'TIANGONG_KUBECONFIG', 'kubeconfig'),
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
    spoolBytes: file['spool_bytes'] === undefined ? undefined : number(file['spool_bytes'], 'spool_bytes', 1024 * 1024),
    executors: {
      ...plugins(file['plugins'], `${path}: plugins`),
      shell: security === undefined ? {} : { policy: policy(security) },
    },
  };
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

function plugins(value: unknown, where: string): Omit<AgentConfig['executors'], 'shell'> {
  const disabled: TaskType[] = [];
  let api: ExecutorSettings['api'] = {};
  if (value !== undefined && !Array.isArray(value)) throw new ConfigError(`${where} must be a list`);
  for (const [index, item] of ((value ?? []) as unknown[]).entries()) {
    const plugin = asMap(item, `${where}[${index}]`);
    checkKeys(plugin, KNOWN_PLUGIN, `${where}[${index}]`);
    const { type, enabled = true, config = {} } = plugin;
    if (type !== 'shell' && type !== 'api') throw new ConfigError(`${where}[${index}]: type must be shell or api`);
    if (typeof enabled !== 'boolean') throw new ConfigError(`${where}[${index}]: enabled must be true or false`);
    if (!enabled) disabled.push(type);
    else if (type === 'api') api = apiSettings(asMap(config, `${where}[${index}].config`), `${where}[${index}].config`);
    else checkKeys(asMap(config, `${where}[${index}].config`), [], `${where}[${index}].config`);
  }
  return { api, disabled };
}

function apiSettings(config: Settings, where: string): ExecutorSettings['api'] {
  checkKeys(config, KNOWN_API, where);
  const { verify_ssl: verifySsl, allow_addresses: allow, deny_addresses: deny, max_body_bytes: maxBodyBytes } = config;
  if (verifySsl !== undefined && typeof verifySsl !== 'boolean')
    throw new ConfigError(`${where}: verify_ssl must be true or false`);
  const addresses = {
    ...(allow === undefined ? {} : { allow: strings(allow, `${where}: allow_addresses`) }),
    ...(deny === undefined ? {} : { deny: strings(deny, `${where}: deny_addresses`) }),
  };
  return {
    addresses,
    ...(verifySsl === undefined ? {} : { verifySsl }),
    ...(maxBodyBytes === undefined ? {} : { maxBodyBytes: number(maxBodyBytes, `${where}: max_body_bytes`, 1) }),
  };
}

function checkKeys(settings: Settings, known: readonly string[], where: string): void {
  const unknown = Object.keys(settings).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  throw new ConfigError(`${where}: unknown setting ${unknown}; known are: ${known.join(', ') || 'none'}`);
}

function asMap(value: unknown, where: string): Settings {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ConfigError(`${where} must be a map`);
  return value as Settings;
}

function strings(value: unknown, where: string): string[] {
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string'))
    throw new ConfigError(`${where} must be a list of strings`);
  return value;
}

function number(value: unknown, where: string, least: number): number {
  const parsed = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof parsed !== 'number' || !Number.isFinite(parsed) || parsed < least)
    throw new ConfigError(`${where} must be a number of at least ${least}`);
  return parsed;
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
