import type { Target } from '../../../../connections/target.ts';
import { isLoginRefused, networkText } from '../../../../executors/postgres/failure.ts';
import { isServerError } from '../../../../executors/postgres/statement-error.ts';
import { maskSecrets } from '../../../../executors/database/mask-secrets.ts';
import { PositionLostError, SourceError } from '../../../source.ts';

interface Meaning {
  readonly reason: string;
  readonly retryable: boolean;
}

/** By SQLSTATE, or its class. Source: PostgreSQL's documentation, "Error Codes". */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  '42501': { reason: 'PrivilegeMissing', retryable: false },
  '3D000': { reason: 'ConfigurationInvalid', retryable: false },
  '0A000': { reason: 'ConfigurationInvalid', retryable: false },
  // All replication slots, or all connections, are in use.
  '53400': { reason: 'ServerFull', retryable: true },
  '53300': { reason: 'ServerFull', retryable: true },
  '55006': { reason: 'SlotInUse', retryable: true },
};

/** What a failure means to a pipeline. */
export function toSourceError(err: unknown, target: Target): SourceError | PositionLostError {
  if (err instanceof SourceError || err instanceof PositionLostError) return err;
  const text = maskSecrets(networkText(err), target.secrets);
  const message = `${target.label}: ${text}`;
  if (isLoginRefused(err)) return new SourceError('AuthenticationFailed', message, { retryable: false, cause: err });
  if (!isServerError(err)) return new SourceError('ConnectionFailed', message, { retryable: true, cause: err });
  const { reason, retryable } = MEANINGS[err.code ?? ''] ?? { reason: 'ServerFailed', retryable: true };
  return new SourceError(reason, message, { retryable, cause: err });
}

/**
 * The same of a stream. What the server says when it no longer has what the slot needs (55000, 58P01), or when the publication is
 * younger than the position (42704): nothing brings that back.
 */
export function toStreamError(err: unknown, target: Target): SourceError | PositionLostError {
  if (isServerError(err) && ['55000', '58P01', '42704'].includes(err.code ?? ''))
    return new PositionLostError(`${target.label}: ${err.message}`, { cause: err });
  return toSourceError(err, target);
}
