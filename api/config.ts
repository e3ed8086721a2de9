import { Command, InvalidArgumentError, Option } from 'commander';
import { DEFAULT_STORE_MAX_BYTES, defaultSettings } from './settings.ts';
import type { ApiSettings } from './settings.ts';

export interface ApiConfig {
  readonly settings: ApiSettings;
  /** Path of a kubeconfig; undefined: `KUBECONFIG`, `~/.kube/config` or the pod's service account. */
  readonly kubeconfig: string | undefined;
  readonly dataFolder: string;
  readonly storeMaxBytes: number;
  readonly logLevel: string;
}

interface Flags {
  host: string;
  port: number;
  homeNamespace: string;
  corsOrigins: readonly string[];
  allowedHosts: readonly string[];
  taskTtl: number;
  kubeconfig?: string;
  data: string;
  storeMaxBytes: number;
  logLevel: string;
}

/** Reads flags and environment variables; prints help or an error and exits where that is due. */
export function readConfig(argv: readonly string[]): ApiConfig {
  const command = new Command('tiangong-api')
    .description("Serves Tiangong's REST API.")
    .addOption(flag('--host <address>', 'address to listen on', 'TIANGONG_API_HOST').default(defaultSettings.host))
    .addOption(flag('--port <port>', 'port to listen on', 'TIANGONG_API_PORT').default(8080).argParser(upTo(65_535)))
    .addOption(
      flag('--home-namespace <name>', 'where agents live, and tasks made by REST', 'TIANGONG_HOME_NAMESPACE').default(
        defaultSettings.homeNamespace,
      ),
    )
    .addOption(
      flag(
        '--cors-origins <list>',
        'origins of web pages that may use the API, separated by commas; * for all',
        'TIANGONG_CORS_ORIGINS',
      )
        .default([])
        .argParser(list),
    )
    .addOption(
      flag(
        '--allowed-hosts <list>',
        'host names that requests may name while listening on loopback',
        'TIANGONG_ALLOWED_HOSTS',
      )
        .default([])
        .argParser(list),
    )
    .addOption(
      flag('--task-ttl <seconds>', 'how long tasks made by REST are kept after their end', 'TIANGONG_TASK_TTL')
        .default(defaultSettings.taskTtlSeconds)
        .argParser(upTo(31_536_000)),
    )
    .addOption(flag('--kubeconfig <file>', 'the Kubernetes API to use', 'KUBECONFIG'))
    .addOption(flag('--data <folder>', 'where logs and large results are kept', 'TIANGONG_DATA').default('data'))
    .addOption(
      flag('--store-max-bytes <bytes>', 'how much may be kept there', 'TIANGONG_STORE_MAX_BYTES')
        .default(DEFAULT_STORE_MAX_BYTES)
        .argParser(upTo(Number.MAX_SAFE_INTEGER)),
    )
    .addOption(flag('--log-level <level>', 'of the log on standard output', 'LOG_LEVEL').default('info'))
    .parse(argv, { from: 'user' });
  const flags = command.opts<Flags>();
  const { host, port, homeNamespace, corsOrigins, allowedHosts, taskTtl } = flags;
  return {
    settings: { ...defaultSettings, host, port, homeNamespace, corsOrigins, allowedHosts, taskTtlSeconds: taskTtl },
    kubeconfig: flags.kubeconfig,
    dataFolder: flags.data,
    storeMaxBytes: flags.storeMaxBytes,
    logLevel: flags.logLevel,
  };
}

const flag = (flags: string, description: string, variable: string): Option =>
  new Option(flags, description).env(variable);

function upTo(max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isInteger(value) || value < 0 || value > max)
      throw new InvalidArgumentError(`must be a whole number from 0 to ${max}`);
    return value;
  };
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
