import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { TaskType } from '../../kube/task-state.ts';
import type { Credential, ExecutionContext } from '../executors/executor.ts';
import { readSecret } from './connections.ts';
import type { Connections, ConnectionSettings } from './connections.ts';
import { AddressDenied, AddressRules, defaultAddressRules } from './address-rules.ts';
import { mayBeSentTo } from './allowed-hosts.ts';
import { parseTarget } from './parse-target.ts';
import type { TargetParams } from './parse-target.ts';
import { TaskFailure } from '../task-failure.ts';

/** A server and a login there. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly apiKey: string | undefined;
  readonly database: string;
  readonly protocol: string | undefined;
  readonly sslmode: string | undefined;
  /** PEM certificates that the server's is checked against. */
  readonly ca: string | undefined;
  readonly verifySsl: boolean | undefined;
  readonly authSource: string | undefined;
  /** Who reads the binary log for backups; undefined: `user`. Only of the agent's connections. */
  readonly backup: { readonly user: string; readonly password: string | undefined } | undefined;
  /** Whether tasks keep a ledger unless they say otherwise. */
  readonly ledger: boolean;
  /** From the agent's own configuration: it may be at an address that others may not name. */
  readonly isConfigured?: boolean;
  /** Equal for the same server, login and options; tells nothing of them. */
  readonly key: string;
  /** For logs and errors: `postgres://user@host:5432/database`. */
  readonly label: string;
  /** What may not be shown. */
  readonly secrets: readonly string[];
}

/** What a target is when the task and the connection do not say. */
export interface TargetDefaults {
  readonly port: number;
  readonly user?: string;
  readonly database: string;
  /** The connection that counts when the task names neither target nor connection. */
  readonly connection?: string;
}

/** There is no target: `reason` is for the task's condition. */
export class TargetError extends TaskFailure {
  override readonly name = 'TargetError';
}

/**
 * Where a database task is to go (manual, §4 general notes 4 and 5): `params.target` before `params.connection` before
 * the defaults. Rejects with `TargetError`.
 */
export async function resolveTarget(
  context: Pick<ExecutionContext, 'params' | 'credential'>,
  options: { readonly type: TaskType; readonly connections: Connections; readonly defaults: TargetDefaults },
): Promise<Target> {
  const { type, connections, defaults } = options;
  const params = parseTarget(context.params);
  if (typeof params === 'string') throw new TargetError('InvalidParams', params);
  if (params.target === undefined) {
    const name = params.connection ?? defaults.connection;
    if (name === undefined)
      throw new TargetError('InvalidParams', 'params is required, must provide target or connection');
    const settings = connections.get(name);
    if (settings === undefined)
      throw new TargetError(
        'ConnectionNotFound',
        `connection '${name}' not found: the agent's configuration has ${listed([...connections.keys()])} for ${type}`,
      );
    return finish(type, fromSettings(settings, params.database, defaults));
  }
  const { target, database } = params;
  checkAddress(target.host);
  const secret = target.secretRef ?? params.secretRef;
  const credential = secret === undefined ? undefined : await readCredential(context, secret, target);
  return finish(type, {
    ...target,
    host: target.host,
    port: target.port ?? defaultPort(type, target.protocol, defaults.port),
    user: target.user ?? credential?.data['user'] ?? credential?.data['username'] ?? defaults.user,
    password: credential?.data['password'] ?? credential?.data['passwd'] ?? credential?.data['pwd'],
    apiKey: credential?.data['api_key'] ?? credential?.data['apikey'],
    database: target.database ?? database ?? defaults.database,
    backup: undefined,
    ledger: false,
  });
}

type Unlabelled = Omit<Target, 'key' | 'label' | 'secrets'>;

function fromSettings(
  settings: ConnectionSettings,
  database: string | undefined,
  defaults: TargetDefaults,
): Unlabelled & { port: number } {
  const { name, passwordFile, passwordEnv, apiKeyFile, apiKeyEnv, caFile, backupUser } = settings;
  try {
    return {
      host: settings.host,
      port: settings.port ?? defaults.port,
      user: settings.user ?? defaults.user,
      password: readSecret(passwordFile, passwordEnv),
      apiKey: readSecret(apiKeyFile, apiKeyEnv),
      database: database ?? settings.database ?? defaults.database,
      protocol: settings.protocol,
      sslmode: settings.sslmode,
      ca: caFile === undefined ? undefined : readFileSync(caFile, 'utf8'),
      verifySsl: settings.verifySsl,
      authSource: settings.authSource,
      backup:
        backupUser === undefined
          ? undefined
          : { user: backupUser, password: readSecret(settings.backupPasswordFile, settings.backupPasswordEnv) },
      ledger: settings.ledger ?? false,
      isConfigured: true,
    };
  } catch (err) {
    throw new TargetError('CredentialUnavailable', `connection '${name}': ${(err as Error).message}`, { cause: err });
  }
}

async function readCredential(
  context: Pick<ExecutionContext, 'credential'>,
  name: string,
  target: NonNullable<TargetParams['target']>,
): Promise<Credential> {
  let credential: Credential;
  try {
    credential = await context.credential(name);
  } catch (err) {
    throw new TargetError('CredentialUnavailable', `secret_ref ${name}: ${(err as Error).message}`, { cause: err });
  }
  if (!mayBeSentTo(credential.allowedHosts, target.host, target.port))
    throw new TargetError(
      'SecurityPolicyViolation',
      `the Secret ${name} may not be sent to ${target.host}:${target.port ?? 'the default port'}`,
    );
  return credential;
}

/** Which addresses a target may be at. */
export const addressRulesOf = ({ isConfigured }: Pick<Target, 'isConfigured'>): AddressRules =>
  isConfigured === true ? new AddressRules({ deny: [] }) : defaultAddressRules;

function checkAddress(host: string): void {
  try {
    defaultAddressRules.checkLiteral(host);
  } catch (err) {
    if (!(err instanceof AddressDenied)) throw err;
    throw new TargetError('AddressDenied', `params.target.host: ${err.message}`, { cause: err });
  }
}

function finish(type: TaskType, target: Unlabelled): Target {
  const { host, port, user, password, apiKey, database } = target;
  const known = [host, port, user, password, apiKey, database, target.protocol, target.sslmode, target.ca];
  const options = [target.verifySsl, target.authSource, target.backup, target.isConfigured];
  const key = hash('sha256', JSON.stringify([type, ...known, ...options]));
  const shownHost = host.includes(':') ? `[${host}]` : host;
  const label = `${type}://${user === undefined ? '' : `${user}@`}${shownHost}:${String(port)}/${database}`;
  const secrets = [password, apiKey, target.backup?.password].filter(
    (secret) => secret !== undefined && secret !== '',
  ) as string[];
  return { ...target, key, label, secrets };
}

/** ClickHouse listens for HTTP elsewhere (manual §4.5). */
const defaultPort = (type: TaskType, protocol: string | undefined, port: number): number => {
  if (type !== 'clickhouse') return port;
  return protocol === 'http' ? 8123 : protocol === 'https' ? 8443 : port;
};

const listed = (names: readonly string[]): string =>
  names.length === 0 ? 'no connection' : names.map((name) => `'${name}'`).join(', ');
