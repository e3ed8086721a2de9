/**
 * Settings of every session: what the text of values depends on, the same for the log and for snapshots. Without `row_security` a table whose rows are hidden
 * from this login fails, where it would be read in part: the log does not hide them. Nothing that is written here waits for a standby.
 */
export const SESSION_SETTINGS = [
  "SET DateStyle = 'ISO, YMD'",
  "SET IntervalStyle = 'iso_8601'",
  "SET TimeZone = 'UTC'",
  'SET extra_float_digits = 3',
  "SET bytea_output = 'hex'",
  "SET lc_monetary = 'C'",
  "SET search_path = 'pg_catalog'",
  'SET standard_conforming_strings = on',
  'SET row_security = off',
  "SET synchronous_commit = 'local'",
  'SET statement_timeout = 0',
  'SET lock_timeout = 0',
  'SET idle_in_transaction_session_timeout = 0',
].join('; ');
