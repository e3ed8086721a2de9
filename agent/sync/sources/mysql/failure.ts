import { BinlogError } from '../../../executors/mysql/binlog/binlog-error.ts';
import { maskSecrets } from '../../../executors/database/mask-secrets.ts';
import { isLoginRefused, networkText } from '../../../executors/mysql/failure.ts';
import { ERRNO, isLost, isServerError } from '../../../executors/mysql/session/server-error.ts';
import { PositionLostError, SourceError } from '../../source.ts';
import type { MysqlSettings } from './settings.ts';

/** MySQL's numbers for a missing right: to a database, a table, of an administrator, to lock tables. */
const DENIED: readonly number[] = [ERRNO.dbAccessDenied, ERRNO.tableAccessDenied, 1143, 1227];
/** The log no longer has it, or is not that of the server where the position was taken. */
const LOST =
  /purged|Could not find (?:first|next) log|impossible position|more GTIDs than|log truncated|not in the master's binlog|Position > file size/i;

/** What a failure means to a pipeline. What is one already stays as it is. */
export function asSourceError(err: unknown, { target }: MysqlSettings): SourceError | PositionLostError {
  if (err instanceof SourceError || err instanceof PositionLostError) return err;
  const cause = err instanceof BinlogError && err.cause !== undefined ? err.cause : err;
  const said = maskSecrets(networkText(err instanceof BinlogError ? err : cause), target.secrets);
  const where = `${target.host}:${target.port}`;
  if (isLoginRefused(cause))
    return new SourceError('AuthenticationFailed', `${where} refuses the login ${target.user ?? ''}: ${said}`, {
      ...{ retryable: false, cause: err },
    });
  if (isServerError(cause) && DENIED.includes(cause.errno))
    return new SourceError('PrivilegeMissing', `${where}: ${said}`, { retryable: false, cause: err });
  if (err instanceof BinlogError) {
    const isOfServer = isServerError(cause);
    if (isOfServer && LOST.test(said)) return new PositionLostError(`${where}: ${said}`, { cause: err });
    if (err.reason === 'AccessDenied')
      return new SourceError('PrivilegeMissing', `${where}: ${said}`, { retryable: false, cause: err });
    if (err.reason === 'Malformed')
      return new SourceError('LogUnreadable', `${where}: ${said}`, { retryable: false, cause: err });
    return new SourceError(isOfServer ? 'ServerError' : 'ConnectionFailed', `${where}: ${said}`, {
      ...{ retryable: true, cause: err },
    });
  }
  const reason = isServerError(cause) && !isLost(cause) ? 'ServerError' : 'ConnectionFailed';
  return new SourceError(reason, `${where}: ${said}`, { retryable: true, cause: err });
}

/** Whether the login lacks a right. */
export function isDenied(err: unknown): boolean {
  const cause = err instanceof BinlogError && err.cause !== undefined ? err.cause : err;
  return (
    (isServerError(cause) && DENIED.includes(cause.errno)) ||
    (err instanceof BinlogError && err.reason === 'AccessDenied')
  );
}

/** What must be changed in the configuration, here or at the server. */
export const invalid = (message: string): SourceError =>
  new SourceError('ConfigurationInvalid', message, { retryable: false });
