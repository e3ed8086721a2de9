import type { Target } from '../../../connections/target.ts';
import type { TlsAttempt } from '../../database/tls-attempts.ts';
import { openDriver } from './driver-connection.ts';
import type { DriverConnection, DriverOptions } from './driver-connection.ts';
import { ERRNO, isServerError, ServerError } from './server-error.ts';

/** A connection that is logged in, and the database that it begins with. */
export interface Login {
  readonly driver: DriverConnection;
  readonly database: string | undefined;
}

/** What a task gets when it names no database (manual §4.1). Who has no right to it gets none. */
const DEFAULT_DATABASE = 'mysql';

/** Connects and logs in, once or without the default database once more. Rejects with the server's error or the network's. */
export async function login(target: Target, options: Omit<DriverOptions, 'database'>): Promise<Login> {
  const { database } = target;
  try {
    return await attempt(target, { ...options, database: database === '' ? undefined : database });
  } catch (err) {
    const noDefault = isServerError(err) && (err.errno === ERRNO.dbAccessDenied || err.errno === ERRNO.badDatabase);
    if (database !== DEFAULT_DATABASE || !noDefault) throw err;
    return attempt(target, { ...options, database: undefined });
  }
}

async function attempt(target: Target, options: DriverOptions): Promise<Login> {
  const driver = openDriver(target, options);
  try {
    await new Promise<void>((resolve, reject) => {
      driver.on('connect', resolve);
      driver.on('error', (err) => reject(asConnectionError(err)));
    });
  } catch (err) {
    driver.stream.destroy();
    throw err;
  }
  return { driver, database: options.database };
}

/** What the driver makes of the server's errors during the login, as ours. */
export function asConnectionError(err: Error): Error {
  const { errno, sqlState, sqlMessage } = err as { errno?: unknown; sqlState?: unknown; sqlMessage?: unknown };
  if (typeof errno !== 'number' || typeof sqlMessage !== 'string') return err;
  return new ServerError(errno, typeof sqlState === 'string' && sqlState !== '' ? sqlState : 'HY000', sqlMessage);
}

/**
 * Whether the server or TLS refused the kind of connection, so that libpq would try the other one: no TLS there, a
 * handshake that failed, or an account that must use TLS, of which MySQL says no more than that access is denied.
 */
export function isRefusalOfMode(err: unknown, tls: TlsAttempt): boolean {
  if (isServerError(err))
    return tls === false && (err.errno === ERRNO.secureTransportRequired || err.errno === ERRNO.accessDenied);
  const { code = '' } = err as NodeJS.ErrnoException;
  return code.startsWith('HANDSHAKE_') && code.includes('SSL');
}
