/** What the server sent is no sense; the connection cannot be used any more. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

/** The connection could not be made, or ended before the answer was complete. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

/** A column has a type that this client cannot read or write. */
export class UnsupportedType extends Error {
  override readonly name = 'UnsupportedType';

  constructor(type: string, column: string) {
    super(`type ${type} of column ${column} is not supported by the native protocol's client; use protocol http`);
  }
}

/** The server's own error. */
export class ServerException extends Error {
  override readonly name = 'ServerException';
  /** ClickHouse's number of the error, such as 60. */
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}
