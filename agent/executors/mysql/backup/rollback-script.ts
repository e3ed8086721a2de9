/**
 * What the session of a rollback must have, whatever the server's defaults are: values are written as the log has them,
 * zero is no request for a new number, and a value that does not fit is an error.
 */
export const SCRIPT_SETTINGS: readonly string[] = [
  'SET NAMES utf8mb4',
  `SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'`,
  `SET SESSION time_zone = '+00:00'`,
];
