import { defaultAddressRules } from '../../../connections/address-rules.ts';
import { mayBeSentTo } from '../../../connections/allowed-hosts.ts';
import { SourceError } from '../../source.ts';
import type { SourceConfig } from '../../source.ts';

/** Where a bucket is, and who may read it. */
export interface BucketSettings {
  /** `https://host:port`; for people as well. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  /** Only objects whose keys begin so. */
  readonly prefix: string;
  /** Whether objects below further slashes count. */
  readonly recursive: boolean;
  readonly login: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
}

/** What a configuration of the source_oss source says, with the original's defaults. */
export interface OssSettings extends BucketSettings {
  readonly pollingMs: number;
}

type OssConfig = Pick<SourceConfig, 'uri' | 'credential' | 'driverParams'>;

const MAX_SECONDS = 86_400;

/** Throws a `SourceError` that is not retryable. */
export function readSettings(config: OssConfig): OssSettings {
  const { queue_type: queue = 'polling', polling_queue_config: polling = {} } = config.driverParams;
  if (queue !== 'polling') throw invalid(`driver_params.queue_type must be polling, not ${JSON.stringify(queue)}`);
  const { interval_seconds: interval = 30 } = (polling ?? {}) as { interval_seconds?: unknown };
  if (typeof interval !== 'number' || !(interval > 0) || interval > MAX_SECONDS)
    throw invalid('driver_params.polling_queue_config.interval_seconds must be above 0 and one day at most');
  return { ...readBucket(config), pollingMs: interval * 1000 };
}

function readBucket({ uri, credential, driverParams }: OssConfig): BucketSettings {
  const { bucket_name: bucket, region_name: region, prefix, recursive } = driverParams;
  const url = endpointOf(driverParams['endpoint_url'] ?? uri);
  if (typeof bucket !== 'string' || !/^[a-zA-Z0-9][a-zA-Z0-9._-]{1,254}$/.test(bucket))
    throw invalid('driver_params.bucket_name must name a bucket');
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  if (!mayBeSentTo(credential?.allowedHosts, url.hostname.replace(/^\[|\]$/g, ''), port))
    throw new SourceError('SecurityPolicyViolation', `the credential may not be sent to ${url.host}`, {
      retryable: false,
    });
  const { user, passwd, key } = credential?.data ?? {};
  const secret = passwd ?? key;
  return {
    endpoint: url.origin,
    bucket,
    // Servers other than AWS's take any.
    region: text('region_name', region) || 'us-east-1',
    prefix: text('prefix', prefix),
    recursive: recursive !== false,
    login: user === undefined || secret === undefined ? undefined : { accessKeyId: user, secretAccessKey: secret },
  };
}

function endpointOf(endpoint: unknown): URL {
  const url = typeof endpoint === 'string' && URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol))
    throw invalid('driver_params.endpoint_url must be a URL such as https://s3.example.com');
  if (url.username !== '' || url.password !== '') throw invalid('endpoint_url must not hold a login: use credential');
  const denied = defaultAddressRules.faultOf(url.hostname);
  if (denied !== undefined) throw new SourceError('SecurityPolicyViolation', denied.message, { retryable: false });
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '')
    throw invalid('endpoint_url must end behind its port');
  return url;
}

function text(name: string, value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string' || value.length > 1024) throw invalid(`driver_params.${name} must be a text`);
  return value;
}

function invalid(message: string): SourceError {
  return new SourceError('ConfigurationInvalid', `driver source_oss: ${message}`, { retryable: false });
}
