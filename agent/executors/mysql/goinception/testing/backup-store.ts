import { createConnection } from 'mysql2/promise';
import type { Connection } from 'mysql2/promise';
import { quoteName } from '../../session/session.ts';

export interface StoreLogin {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** What is kept of one statement. */
export interface Kept {
  readonly sequence: string;
  readonly sql: string;
  readonly type: string;
  readonly schema: string;
  readonly table: string;
  readonly statements: readonly string[];
}

const INFORMATION = quoteName('$_$Inception_backup_information$_$');

/** Writes rollback SQL where and as goInception does (facts §3.3). */
export class BackupStore {
  readonly #connection: Connection;
  readonly #origin: { readonly host: string; readonly port: number };
  readonly #made = new Set<string>();

  private constructor(connection: Connection, origin: { readonly host: string; readonly port: number }) {
    this.#connection = connection;
    this.#origin = origin;
  }

  static async open(login: StoreLogin, origin: { readonly host: string; readonly port: number }): Promise<BackupStore> {
    return new BackupStore(await createConnection({ ...login, charset: 'utf8mb4' }), origin);
  }

  /** The name has the address of the target; of a longer one its last 64 characters. */
  databaseOf(schema: string): string {
    const { host, port } = this.#origin;
    return `${host}_${port}_${schema}`.replaceAll(/[.-]/g, '_').slice(-64);
  }

  async keep({ sequence, sql, type, schema, table, statements }: Kept): Promise<void> {
    const database = quoteName(this.databaseOf(schema));
    const backup = `${database}.${quoteName(table)}`;
    if (!this.#made.has(backup)) {
      await this.#connection.query(`CREATE DATABASE IF NOT EXISTS ${database} DEFAULT CHARACTER SET utf8mb4`);
      await this.#connection.query(
        `CREATE TABLE IF NOT EXISTS ${database}.${INFORMATION} (opid_time varchar(50), start_binlog_file varchar(512), start_binlog_pos int, end_binlog_file varchar(512), end_binlog_pos int, sql_statement text, host varchar(64), dbname varchar(64), tablename varchar(64), port int, time timestamp NULL, type varchar(20), PRIMARY KEY (opid_time))`,
      );
      await this.#connection.query(
        `CREATE TABLE IF NOT EXISTS ${backup} (id bigint AUTO_INCREMENT PRIMARY KEY, rollback_statement mediumtext, opid_time varchar(50), KEY (opid_time))`,
      );
      this.#made.add(backup);
    }
    const { host, port } = this.#origin;
    await this.#connection.query(
      `INSERT INTO ${database}.${INFORMATION} (opid_time, sql_statement, host, dbname, tablename, port, time, type) VALUES (?, ?, ?, ?, ?, ?, now(), ?)`,
      [sequence, sql, host, schema, table, port, type],
    );
    for (const statement of statements)
      await this.#connection.query(`INSERT INTO ${backup} (rollback_statement, opid_time) VALUES (?, ?)`, [
        statement,
        sequence,
      ]);
  }

  async close(): Promise<void> {
    await this.#connection.end();
  }
}
