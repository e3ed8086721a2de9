import type { Target } from '../../connections/target.ts';
import { SourceError } from '../source.ts';

/**
 * How a database is spoken to: `driver_params.tls` is `true`, or `{mode, ca}` with libpq's words for the mode; `verify-full` when it
 * says none. Throws a `SourceError` of reason ConfigurationInvalid.
 */
export function readTlsParam(tls: unknown): Pick<Target, 'sslmode' | 'ca'> {
  if (tls === undefined || tls === null || tls === false) return { sslmode: undefined, ca: undefined };
  if (tls === true) return { sslmode: 'verify-full', ca: undefined };
  const { mode, ca } = tls as { mode?: unknown; ca?: unknown };
  if (typeof tls === 'object' && isOptionalText(mode) && isOptionalText(ca))
    return { sslmode: mode ?? 'verify-full', ca: ca ?? undefined };
  throw new SourceError('ConfigurationInvalid', 'driver_params.tls must be true, or {mode, ca}', { retryable: false });
}

const isOptionalText = (value: unknown): value is string | undefined | null =>
  value === undefined || value === null || typeof value === 'string';
