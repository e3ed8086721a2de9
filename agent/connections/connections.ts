import { readFileSync } from 'node:fs';

/** A connection of the agent's configuration file: where a database is, and where its password stands. */
export interface ConnectionSettings {
  readonly name: string;
  readonly host: string;
  readonly port?: number;
  readonly database?: string;
  readonly user?: string;
  /** Files and environment variables are read on every use, so that a rotated password needs no restart. */
  readonly passwordFile?: string;
  readonly passwordEnv?: string;
  readonly apiKeyFile?: string;
  readonly apiKeyEnv?: string;
  readonly protocol?: string;
  readonly sslmode?: string;
  /** PEM certificates that the server's is checked against. */
  readonly caFile?: string;
  readonly verifySsl?: boolean;
  readonly authSource?: string;
  /** mysql: who reads the binary log for backups; the user of the connection unless set. */
  readonly backupUser?: string;
  readonly backupPasswordFile?: string;
  readonly backupPasswordEnv?: string;
  /** mysql and postgres: tasks keep a ledger unless they say otherwise. */
  readonly ledger?: boolean;
}

/** The connections of one type of database, by name. */
export type Connections = ReadonlyMap<string, ConnectionSettings>;

/** The value of a file or of an environment variable; undefined when neither is named. Throws when it is not there. */
export function readSecret(file: string | undefined, variable: string | undefined): string | undefined {
  if (file !== undefined) return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  if (variable === undefined) return undefined;
  const value = process.env[variable];
  if (value === undefined) throw new Error(`the environment variable ${variable} is not set`);
  return value;
}
