import { hash } from 'node:crypto';
import type { Target } from '../../../../connections/target.ts';
import { tlsAttempts } from '../../../../executors/database/tls-attempts.ts';
import { mayBeSentTo } from '../../../../connections/allowed-hosts.ts';
import type { Credential } from '../../../../executors/executor.ts';
import { SourceError } from '../../../source.ts';
import { readTlsParam } from '../../tls-param.ts';

/** What a SyncSource of this driver says. */
export interface PostgresConfig {
  readonly target: Target;
  readonly publication: string;
  /** Whether the publication is ours to make. */
  readonly ownsPublication: boolean;
  /** The tables that it is made for, as `schema.table` with `*` for anything; undefined: all that have a key. */
  readonly tables: readonly string[] | undefined;
}

export interface PostgresPlace {
  readonly uri: string | undefined;
  readonly credential: Credential | undefined;
  readonly driverParams: Readonly<Record<string, unknown>>;
}

const URI = /^(?:postgres(?:ql)?:\/\/)?(\[[0-9a-f:.%]+\]|[^\s:/?#@[\]]+)(?::(\d{1,5}))?(?:\/([^\s?#/]*))?\/?$/i;
const DEFAULT_PORT = 5432;
const NAME = 'tiangong';

/** Reads `uri` (`host:port/database`) and `driver_params`. Throws a `SourceError` of reason ConfigurationInvalid. */
export function readPostgresConfig({ uri = '', credential, driverParams }: PostgresPlace): PostgresConfig {
  const [, host, port, name] = URI.exec(uri.trim()) ?? [];
  if (host === undefined) throw invalid("uri must be 'host:port/database', without a login");
  const target = toTarget(
    { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port ?? DEFAULT_PORT), database: readName(name) },
    { credential, driverParams },
  );
  if (target.port < 1 || target.port > 65_535) throw invalid('the port of uri must be 1 to 65535');
  const tls = tlsAttempts(target);
  if (typeof tls === 'string')
    throw invalid(tls.replaceAll('target.ssl', 'driver_params.tls.').replaceAll('target.', 'driver_params.tls.'));
  if (credential !== undefined && !mayBeSentTo(credential.allowedHosts, target.host, target.port))
    throw new SourceError(
      'SecurityPolicyViolation',
      `the credential may not be sent to ${target.host}:${String(target.port)}`,
      { retryable: false },
    );
  const tables = readTables(driverParams['tables']);
  const publication = readText(driverParams, 'publication');
  return {
    target,
    tables,
    publication: publication ?? (tables === undefined ? NAME : `${NAME}_${shortHash(tables.toSorted().join('\n'))}`),
    ownsPublication: publication === undefined,
  };
}

/** The slot of a SyncTask: names are of small letters, digits and underscores, 63 at most. */
export const slotOf = (taskUid: string): string => `${NAME}_${shortHash(taskUid)}`;

const shortHash = (text: string): string => hash('sha256', text).slice(0, 24);

function toTarget(
  place: { readonly host: string; readonly port: number; readonly database: string },
  { credential, driverParams }: Omit<PostgresPlace, 'uri'>,
): Target {
  const { host, port, database } = place;
  const user = credential?.data['user'];
  const password = credential?.data['passwd'] ?? credential?.data['password'];
  const shownHost = host.includes(':') ? `[${host}]` : host;
  return {
    ...{ host, port, database, user, password },
    ...readTlsParam(driverParams['tls']),
    ...{
      verifySsl: undefined,
      apiKey: undefined,
      protocol: undefined,
      authSource: undefined,
      backup: undefined,
      ledger: false,
    },
    key: '',
    label: `postgres://${user === undefined ? '' : `${user}@`}${shownHost}:${String(port)}/${database}`,
    secrets: password === undefined || password === '' ? [] : [password],
  };
}

function readName(encoded = ''): string {
  try {
    return decodeURIComponent(encoded) || 'postgres';
  } catch {
    throw invalid('the database of uri has a % that encodes nothing');
  }
}

function readText(params: Readonly<Record<string, unknown>>, key: string): string | undefined {
  const value = params[key] ?? undefined;
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string' || value.includes('\0')) throw invalid(`driver_params.${key} must be a text`);
  return value;
}

function readTables(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) return undefined;
  if (Array.isArray(value) && value.every((name) => typeof name === 'string' && /^[^.]+\.[^.]+$/.test(name)))
    return value as string[];
  throw invalid("driver_params.tables must be a list of 'schema.table'");
}

const invalid = (message: string): SourceError =>
  new SourceError('ConfigurationInvalid', message, { retryable: false });
