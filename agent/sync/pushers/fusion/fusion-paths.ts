import { PusherError } from '../../pusher.ts';

/** Under which Fusion's ingestion lies: until 2026, and since. */
const PREFIXES = ['/ingestor-api/v1', '/api/v1/ingest'] as const;

export interface FusionPaths {
  readonly sessions: URL;
  readonly heartbeat: URL;
  readonly position: URL;
  readonly events: URL;
}

/**
 * Fusion's calls. An endpoint that ends with one of the known prefixes is taken as it is, any other is the base address, to which
 * `driver_params.api_prefix` or the older prefix is added. Throws a `PusherError`.
 */
export function fusionPaths(endpoint: URL, driverParams: Readonly<Record<string, unknown>>): FusionPaths {
  const { api_prefix: given = PREFIXES[0] } = driverParams;
  if (typeof given !== 'string' || !/^(\/[\w.-]+)*\/?$/.test(given))
    throw new PusherError('ConfigurationInvalid', 'driver_params.api_prefix must be a path such as /api/v1/ingest', {
      retryable: false,
    });
  const path = withoutSlash(endpoint.pathname);
  const base = PREFIXES.some((prefix) => path.endsWith(prefix)) ? path : path + withoutSlash(given);
  const at = (rest: string): URL => new URL(endpoint.origin + base + rest);
  return {
    sessions: at('/sessions/'),
    heartbeat: at('/sessions/heartbeat'),
    position: at('/events/position'),
    events: at('/events/'),
  };
}

const withoutSlash = (path: string): string => path.replace(/\/+$/, '');
