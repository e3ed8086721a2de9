import { ServerException } from './native/native-error.ts';

/** Names of errors that servers up to version 20 do not tell (ClickHouse's ErrorCodes.cpp). */
const NAMES: Readonly<Record<number, string>> = {
  6: 'CANNOT_PARSE_TEXT',
  10: 'NOT_FOUND_COLUMN_IN_BLOCK',
  16: 'NO_SUCH_COLUMN_IN_TABLE',
  20: 'NUMBER_OF_COLUMNS_DOESNT_MATCH',
  27: 'CANNOT_PARSE_INPUT_ASSERTION_FAILED',
  36: 'BAD_ARGUMENTS',
  38: 'CANNOT_PARSE_DATE',
  41: 'CANNOT_PARSE_DATETIME',
  42: 'NUMBER_OF_ARGUMENTS_DOESNT_MATCH',
  43: 'ILLEGAL_TYPE_OF_ARGUMENT',
  46: 'UNKNOWN_FUNCTION',
  47: 'UNKNOWN_IDENTIFIER',
  48: 'NOT_IMPLEMENTED',
  50: 'UNKNOWN_TYPE',
  53: 'TYPE_MISMATCH',
  57: 'TABLE_ALREADY_EXISTS',
  60: 'UNKNOWN_TABLE',
  62: 'SYNTAX_ERROR',
  70: 'CANNOT_CONVERT_TYPE',
  81: 'UNKNOWN_DATABASE',
  82: 'DATABASE_ALREADY_EXISTS',
  115: 'UNKNOWN_SETTING',
  122: 'INCOMPATIBLE_COLUMNS',
  128: 'TOO_LARGE_ARRAY_SIZE',
  131: 'TOO_LARGE_STRING_SIZE',
  158: 'TOO_MANY_ROWS',
  159: 'TIMEOUT_EXCEEDED',
  160: 'TOO_SLOW',
  164: 'READONLY',
  192: 'UNKNOWN_USER',
  193: 'WRONG_PASSWORD',
  194: 'REQUIRED_PASSWORD',
  195: 'IP_ADDRESS_NOT_ALLOWED',
  202: 'TOO_MANY_SIMULTANEOUS_QUERIES',
  209: 'SOCKET_TIMEOUT',
  210: 'NETWORK_ERROR',
  216: 'QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING',
  241: 'MEMORY_LIMIT_EXCEEDED',
  242: 'TABLE_IS_READ_ONLY',
  252: 'TOO_MANY_PARTS',
  291: 'DATABASE_ACCESS_DENIED',
  349: 'CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN',
  392: 'QUERY_IS_PROHIBITED',
  394: 'QUERY_WAS_CANCELLED',
  395: 'FUNCTION_THROW_IF_VALUE_IS_NON_ZERO',
  497: 'ACCESS_DENIED',
  516: 'AUTHENTICATION_FAILED',
};

const LOGIN_CODES = [192, 193, 194, 195, 516];

/** Whether the server refused the login, not the query. */
export const isLoginRefused = (err: unknown): boolean =>
  err instanceof ServerException && LOGIN_CODES.includes(err.code);

/** `Code: 60. DB::Exception: Table default.t doesn't exist. (UNKNOWN_TABLE)`, as new servers write it themselves. */
export function exceptionText({ code, message }: ServerException): string {
  const text = message.trim();
  // What a proxy says has no code.
  if (code === 0) return text;
  const name = /\([A-Z][A-Z0-9_]{2,}\)(?: \(version .*\))?$/.test(text) ? undefined : NAMES[code];
  const origin = /^(?:DB|std|Poco)::/.test(text) ? '' : 'DB::Exception: ';
  return `Code: ${code}. ${origin}${text}${name === undefined ? '' : ` (${name})`}`;
}

/** How exceptions begin that HTTP answers hold: `Code: 60, e.displayText() = DB::Exception: …`, `Code: 60. DB::Exception: …`. */
export const EXCEPTION_START = /^Code: (\d+)(?:, e\.displayText\(\) = |\. )(?=\w+::)/;

/** The exception that the body of an HTTP answer tells; undefined when it tells none. */
export function parseException(body: string): ServerException | undefined {
  const text = body.trim();
  const start = EXCEPTION_START.exec(text);
  if (start === null) return undefined;
  const message = text.slice(start[0].length).replace(/, e\.what\(\) = [^]*$/, '');
  return new ServerException(Number(start[1]), message);
}
