import { hash } from 'node:crypto';
import { defaultAddressRules } from '../../../connections/address-rules.ts';
import { mayBeSentTo } from '../../../connections/allowed-hosts.ts';
import type { Target } from '../../../connections/target.ts';
import type { ActionInput } from '../../driver-action.ts';
import { SourceError } from '../../source.ts';
import type { SourceConfig } from '../../source.ts';

/** What a configuration of the elasticsearch source says, with the original's defaults. */
export interface ElasticsearchSettings {
  readonly target: Target;
  /** An index, an alias, a data stream, or a pattern of these. */
  readonly index: string;
  readonly timestampField: string;
  readonly pollingMs: number;
  /** How late a document may be found, counted from its timestamp: what is later is lost for the stream. */
  readonly overlapMs: number;
}

/** What may be asked of a server before an index is named. */
export type ElasticsearchServer = Pick<ElasticsearchSettings, 'target'>;

const MAX_SECONDS = 86_400;

/** Throws a `SourceError` that is not retryable. */
export function readSettings(config: Pick<SourceConfig, 'uri' | 'credential' | 'driverParams'>): ElasticsearchSettings {
  const {
    index_name: index,
    timestamp_field: field,
    polling_interval_sec: polling = 5,
    overlap_sec: overlap = 60,
  } = config.driverParams;
  if (typeof index !== 'string' || !/^[^\s/?#]{1,255}$/.test(index) || index.startsWith('_'))
    throw invalid('driver_params.index_name must name an index, an alias or a data stream');
  if (typeof field !== 'string' || field === '' || field.length > 256)
    throw invalid('driver_params.timestamp_field must name a field of dates');
  return {
    target: targetOf(config),
    index,
    timestampField: field,
    pollingMs: seconds('polling_interval_sec', polling),
    overlapMs: seconds('overlap_sec', overlap),
  };
}

/** As `readSettings`, of what a wizard knows before it asks for the index. */
export function readServer({ uri, credential, driverParams }: ActionInput): ElasticsearchServer {
  if (uri === undefined || uri === '') throw invalid('uri is required');
  return { target: targetOf({ uri, credential, driverParams }) };
}

function targetOf({
  uri,
  credential,
  driverParams,
}: Pick<SourceConfig, 'uri' | 'credential' | 'driverParams'>): Target {
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol))
    throw invalid('uri must be a URL such as https://host:9200');
  if (url.username !== '' || url.password !== '') throw invalid('uri must not hold a login: use credential');
  const denied = defaultAddressRules.faultOf(url.hostname);
  if (denied !== undefined) throw new SourceError('SecurityPolicyViolation', denied.message, { retryable: false });
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') throw invalid('uri must end behind its port');
  const { ca, verify_ssl: verifySsl } = driverParams;
  if (ca !== undefined && ca !== null && typeof ca !== 'string')
    throw invalid('driver_params.ca must be certificates in PEM');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  if (!mayBeSentTo(credential?.allowedHosts, host, port))
    throw new SourceError('SecurityPolicyViolation', `the credential may not be sent to ${url.host}`, {
      retryable: false,
    });
  const { user, passwd, key } = credential?.data ?? {};
  return {
    host,
    port,
    protocol: url.protocol.slice(0, -1),
    user: key === undefined ? user : undefined,
    password: key === undefined ? passwd : undefined,
    apiKey: key,
    ca: typeof ca === 'string' && ca !== '' ? ca : undefined,
    verifySsl: typeof verifySsl === 'boolean' ? verifySsl : undefined,
    database: '',
    sslmode: undefined,
    authSource: undefined,
    backup: undefined,
    ledger: false,
    key: hash('sha256', JSON.stringify([url.origin, user, passwd, key, ca, verifySsl])),
    label: url.origin,
    secrets: [passwd, key].filter((secret) => secret !== undefined),
  };
}

function seconds(name: string, value: unknown): number {
  if (typeof value !== 'number' || !(value > 0) || value > MAX_SECONDS)
    throw invalid(`driver_params.${name} must be a number of seconds, above 0 and one day at most`);
  return value * 1000;
}

function invalid(message: string): SourceError {
  return new SourceError('ConfigurationInvalid', `driver elasticsearch: ${message}`, { retryable: false });
}
