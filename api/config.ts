import { Command, InvalidArgumentError, Option } from 'commander';
import { ALL_NAMESPACES, parseNamespaces } from '../kube/watched-namespaces.ts';
import type { S3Settings } from '../store/s3/s3-settings.ts';
import { DEFAULT_AUDIT_BOUNDS } from '../store/sqlite/sqlite-audit.ts';
import type { AuditBounds } from '../store/sqlite/sqlite-audit.ts';
import { DEFAULT_STORE_MAX_BYTES, defaultSettings, MAX_FILE_BYTES } from './settings.ts';
import { addAuthFlags, authSettings } from './auth/auth-flags.ts';
import type { AuthFlags } from './auth/auth-flags.ts';
import type { ApiSettings } from './settings.ts';
import { upTo } from './whole-number.ts';

export interface ApiConfig {
  readonly settings: ApiSettings;
  /** Path of a kubeconfig; undefined: `KUBECONFIG`, `~/.kube/config` or the pod's service account. */
  readonly kubeconfig: string | undefined;
  readonly dataFolder: string;
  readonly storeMaxBytes: number;
  /** Where the bytes of files go; undefined: the data folder. */
  readonly s3: S3Settings | undefined;
  readonly audit: AuditBounds;
  readonly logLevel: string;
}

const DAY_MS = 24 * 3600 * 1000;

interface Flags extends AuthFlags {
  host: string;
  port: number;
  homeNamespace: string;
  namespaces: readonly string[];
  corsOrigins: readonly string[];
  allowedHosts: readonly string[];
  taskTtl: number;
  kubeconfig?: string;
  data: string;
  storeMaxBytes: number;
  maxFileBytes: number;
  auditDays: number;
  auditMaxRecords: number;
  s3Bucket?: string;
  s3Prefix: string;
  s3Region: string;
  s3Endpoint?: string;
  s3PathStyle: boolean;
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
      flag('--namespaces <list>', 'whose tasks are shown, beside the home namespace; * for all', 'TIANGONG_NAMESPACES')
        .default([ALL_NAMESPACES], ALL_NAMESPACES)
        .argParser(namespaceList),
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
    .addOption(flag('--data <folder>', 'where logs, large results and files are kept', 'TIANGONG_DATA').default('data'))
    .addOption(
      flag('--store-max-bytes <bytes>', 'how much may be kept there', 'TIANGONG_STORE_MAX_BYTES')
        .default(DEFAULT_STORE_MAX_BYTES)
        .argParser(upTo(Number.MAX_SAFE_INTEGER)),
    )
    .addOption(
      flag('--max-file-bytes <bytes>', 'how large an uploaded file may be', 'TIANGONG_MAX_FILE_BYTES')
        .default(defaultSettings.maxFileBytes)
        .argParser(upTo(MAX_FILE_BYTES)),
    )
    .addOption(
      flag('--audit-days <days>', 'how long records of the audit trail are kept', 'TIANGONG_AUDIT_DAYS')
        .default(DEFAULT_AUDIT_BOUNDS.maxAgeMs / DAY_MS)
        .argParser(upTo(36_500)),
    )
    .addOption(
      flag('--audit-max-records <n>', 'how many are kept at most; the oldest go', 'TIANGONG_AUDIT_MAX_RECORDS')
        .default(DEFAULT_AUDIT_BOUNDS.maxRecords)
        .argParser(upTo(1_000_000_000)),
    )
    .addOption(flag('--s3-bucket <name>', 'keep uploaded files in this bucket, not in --data', 'TIANGONG_S3_BUCKET'))
    .addOption(
      flag('--s3-prefix <prefix>', 'put before the keys of objects', 'TIANGONG_S3_PREFIX').default('tiangong/files/'),
    )
    .addOption(flag('--s3-region <name>', 'region of the bucket', 'TIANGONG_S3_REGION').default('us-east-1'))
    .addOption(flag('--s3-endpoint <url>', "address of an object store other than AWS's", 'TIANGONG_S3_ENDPOINT'))
    .addOption(
      flag('--s3-path-style', 'put the bucket in the path, not in the host name', 'TIANGONG_S3_PATH_STYLE').default(
        false,
      ),
    )
    .addOption(flag('--log-level <level>', 'of the log on standard output', 'LOG_LEVEL').default('info'));
  addAuthFlags(command).parse(argv, { from: 'user' });
  const flags = command.opts<Flags>();
  const fault = endpointFault(flags.s3Endpoint);
  if (fault !== undefined) command.error(`error: ${fault}`);
  const { host, port, homeNamespace, namespaces, corsOrigins, allowedHosts, taskTtl, maxFileBytes } = flags;
  const own = {
    host,
    port,
    homeNamespace,
    namespaces,
    corsOrigins,
    allowedHosts,
    taskTtlSeconds: taskTtl,
    maxFileBytes,
  };
  return {
    settings: { ...defaultSettings, ...own, ...authSettings(command, flags) },
    kubeconfig: flags.kubeconfig,
    dataFolder: flags.data,
    storeMaxBytes: flags.storeMaxBytes,
    s3: s3Settings({ ...flags, s3PathStyle: flags.s3PathStyle && !isOffByVariable(command) }),
    audit: { maxRecords: Math.max(1, flags.auditMaxRecords), maxAgeMs: flags.auditDays * DAY_MS },
    logLevel: flags.logLevel,
  };
}

function s3Settings({ s3Bucket: bucket, s3Prefix, s3Region, s3Endpoint, s3PathStyle }: Flags): S3Settings | undefined {
  if (bucket === undefined || bucket === '') return undefined;
  return {
    bucket,
    prefix: s3Prefix,
    region: s3Region,
    endpoint: s3Endpoint === '' ? undefined : s3Endpoint,
    pathStyle: s3PathStyle,
  };
}

/** Commander takes a variable as set whatever its value. */
function isOffByVariable(command: Command): boolean {
  const value = process.env['TIANGONG_S3_PATH_STYLE'] ?? '';
  return (
    command.getOptionValueSource('s3PathStyle') === 'env' && ['', '0', 'false', 'no'].includes(value.toLowerCase())
  );
}

/** Not by commander, whose errors repeat the value: it may hold a password. */
function endpointFault(endpoint: string | undefined): string | undefined {
  if (endpoint === undefined || endpoint === '') return undefined;
  if (!URL.canParse(endpoint) || !['http:', 'https:'].includes(new URL(endpoint).protocol))
    return '--s3-endpoint must be an http or https address';
  const { username, password } = new URL(endpoint);
  if (username === '' && password === '') return undefined;
  return '--s3-endpoint may hold no credentials; put them into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY';
}

const flag = (flags: string, description: string, variable: string): Option =>
  new Option(flags, description).env(variable);

function list(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function namespaceList(text: string): readonly string[] {
  try {
    return parseNamespaces(text);
  } catch (err) {
    throw new InvalidArgumentError((err as Error).message);
  }
}
