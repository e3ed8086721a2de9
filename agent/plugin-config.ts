import type { TaskType } from '../kube/task-state.ts';
import { asMap, checkKeys, ConfigError, flag, number, strings, text } from './config-values.ts';
import type { Settings } from './config-values.ts';
import type { Connections } from './connections/connections.ts';
import { readConnections } from './connections/read-connections.ts';
import { KNOWN_GOINCEPTION, readGoInception } from './executors/mysql/goinception/goinception-settings.ts';
import type { ExecutorSettings } from './executors/registry.ts';

/** What the file's list `plugins` says of the types of tasks. */
export type PluginSettings = Pick<
  ExecutorSettings,
  'api' | 'k8s' | 'file' | 'goInception' | 'connections' | 'disabled'
> & { readonly shell: Pick<ExecutorSettings['shell'], 'hostPid'> };

const KNOWN_PLUGIN = ['type', 'enabled', 'config'];
const KNOWN_API = ['verify_ssl', 'allow_addresses', 'deny_addresses', 'max_body_bytes'];
const KNOWN_K8S = ['kubeconfig', 'context', 'namespace', 'service_account', 'require_service_account'];
const KNOWN_SERVICE_ACCOUNT = ['namespace', 'name'];
const KNOWN_SHELL = ['nsenter'];
const KNOWN_FILE = ['roots', 'cache_bytes'];
const DATABASES = ['mysql', 'postgres', 'mongo', 'elasticsearch', 'clickhouse', 'doris'] as const;
const TYPES: readonly string[] = ['shell', 'api', 'k8s', 'file', 'sync-action', ...DATABASES];

/** Reads `plugins`, the settings of the executors by type. Throws `ConfigError`. */
export function readPlugins(value: unknown, where: string): PluginSettings {
  const disabled: TaskType[] = [];
  const connections = new Map<TaskType, Connections>();
  let { api, k8s, file }: Pick<PluginSettings, 'api' | 'k8s' | 'file'> = { api: {}, k8s: {}, file: {} };
  let shell: PluginSettings['shell'] = {};
  let goInception: PluginSettings['goInception'];
  if (value !== undefined && !Array.isArray(value)) throw new ConfigError(`${where} must be a list`);
  for (const [index, item] of ((value ?? []) as unknown[]).entries()) {
    const place = `${where}[${index}]`;
    const plugin = asMap(item, place);
    checkKeys(plugin, KNOWN_PLUGIN, place);
    const type = plugin['type'];
    if (!isType(type)) throw new ConfigError(`${place}: type must be one of ${TYPES.join(', ')}`);
    const config = asMap(plugin['config'] ?? {}, `${place}.config`);
    // Where paths may lead counts for the files of all types.
    if (type === 'file') file = readFile(config, `${place}.config`);
    if (flag(plugin, 'enabled', place) === false) disabled.push(type);
    else if (type === 'api') api = readApi(config, `${place}.config`);
    else if (type === 'k8s') k8s = readK8s(config, `${place}.config`);
    else if (type === 'shell') shell = readShell(config, `${place}.config`);
    else if (type === 'sync-action') checkKeys(config, [], `${place}.config`);
    else if (type !== 'file') {
      const keys = type === 'mysql' ? ['connections', ...KNOWN_GOINCEPTION] : ['connections'];
      checkKeys(config, keys, `${place}.config`);
      if (type === 'mysql') goInception = readGoInception(config, `${place}.config`);
      connections.set(type, readConnections(config['connections'], `${place}.config.connections`));
    }
  }
  return { api, k8s, file, shell, ...(goInception && { goInception }), connections, disabled };
}

const isType = (type: unknown): type is TaskType => typeof type === 'string' && TYPES.includes(type);

function readApi(config: Settings, where: string): ExecutorSettings['api'] {
  checkKeys(config, KNOWN_API, where);
  const verifySsl = flag(config, 'verify_ssl', where);
  const { allow_addresses: allow, deny_addresses: deny, max_body_bytes: maxBodyBytes } = config;
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

function readShell(config: Settings, where: string): PluginSettings['shell'] {
  checkKeys(config, KNOWN_SHELL, where);
  return flag(config, 'nsenter', where) === true ? { hostPid: 1 } : {};
}

function readK8s(config: Settings, where: string): ExecutorSettings['k8s'] {
  checkKeys(config, KNOWN_K8S, where);
  const kubeconfig = text(config, 'kubeconfig', where);
  const context = text(config, 'context', where);
  const namespace = text(config, 'namespace', where);
  const requireServiceAccount = flag(config, 'require_service_account', where);
  const account = config['service_account'] ?? undefined;
  return {
    ...(account === undefined ? {} : { serviceAccount: readServiceAccount(account, `${where}.service_account`) }),
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(requireServiceAccount === undefined ? {} : { requireServiceAccount }),
  };
}

function readServiceAccount(value: unknown, where: string): { namespace: string; name: string } {
  const account = asMap(value, where);
  checkKeys(account, KNOWN_SERVICE_ACCOUNT, where);
  const [namespace, name] = [text(account, 'namespace', where), text(account, 'name', where)];
  if (namespace === undefined || name === undefined) throw new ConfigError(`${where} must have namespace and name`);
  return { namespace, name };
}

function readFile(config: Settings, where: string): ExecutorSettings['file'] {
  checkKeys(config, KNOWN_FILE, where);
  const { roots, cache_bytes: cacheBytes } = config;
  return {
    ...(roots === undefined ? {} : { roots: strings(roots, `${where}: roots`) }),
    ...(cacheBytes === undefined ? {} : { cacheBytes: number(cacheBytes, `${where}: cache_bytes`, 1) }),
  };
}
