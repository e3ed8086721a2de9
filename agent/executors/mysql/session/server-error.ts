/** An error that the server sent: its number, its state and its words. */
export class ServerError extends Error {
  override readonly name = 'ServerError';
  /** As in the manual of the server: 1062 is a duplicate key. */
  readonly errno: number;
  /** Five characters; `HY000` when it has none of its own. */
  readonly sqlState: string;

  constructor(errno: number, sqlState: string, message: string) {
    super(message);
    this.errno = errno;
    this.sqlState = sqlState;
  }
}

/** We closed the connection, or found it closed. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

/** What is known by its number, in MySQL and MariaDB alike unless it says otherwise. */
export const ERRNO = {
  dbAccessDenied: 1044,
  accessDenied: 1045,
  badDatabase: 1049,
  serverShutdown: 1053,
  parseError: 1064,
  tableAccessDenied: 1142,
  errorDuringCommit: 1180,
  lockWaitTimeout: 1205,
  deadlock: 1213,
  noSuchProcedure: 1305,
  queryInterrupted: 1317,
  wrongArguments: 1318,
  procedureDenied: 1370,
  /** MySQL. */
  secureTransportRequired: 3159,
  /** MySQL. */
  sessionWasKilled: 3169,
  /** MySQL. */
  clientInteractionTimeout: 4031,
  /** MariaDB. */
  connectionKilled: 1927,
  /** MariaDB. */
  connectionAborted: 1152,
} as const;

const LAST_WORDS: readonly number[] = [
  ERRNO.serverShutdown,
  ERRNO.sessionWasKilled,
  ERRNO.clientInteractionTimeout,
  ERRNO.connectionKilled,
  ERRNO.connectionAborted,
];

export const isServerError = (err: unknown): err is ServerError => err instanceof ServerError;

/** Whether the server ended the connection with it: what it was doing may have been done. */
export const isFatal = ({ errno }: ServerError): boolean => LAST_WORDS.includes(errno);

/** Whether the connection is gone, and the server said nothing of what it was asked. */
export const isLost = (err: unknown): boolean =>
  isServerError(err) ? isFatal(err) : err instanceof ConnectionLost || (err instanceof Error && isDriverLoss(err));

const isDriverLoss = ({ code = '', syscall }: NodeJS.ErrnoException): boolean =>
  syscall !== undefined || code.startsWith('PROTOCOL_') || code.startsWith('ERR_SSL') || code === 'EPIPE';
