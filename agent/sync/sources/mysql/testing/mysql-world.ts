import { randomBytes } from 'node:crypto';
import { createPool } from 'mysql2/promise';
import type { Pool, RowDataPacket } from 'mysql2/promise';
import type { Service } from '../../../../../test/services/service.ts';
import type { SourceWorld } from '../../../conformance/source-under-test.ts';
import type { ActionInput } from '../../../driver-action.ts';
import type { SourceConfig } from '../../../source.ts';
import type { Row } from '../../../sync-event.ts';
import { mysqlDriver } from '../index.ts';

const WRITERS = 8;

export interface WorldOptions {
  readonly params?: Record<string, unknown>;
  readonly hasMarker?: boolean;
  readonly losePositions?: () => Promise<void>;
}

/** A table of one test's own on a real server. */
export class MysqlWorld implements SourceWorld {
  readonly driver = mysqlDriver;
  readonly config: SourceConfig;
  readonly refused: SourceConfig;
  readonly unreachable: SourceConfig;
  readonly actionInput: ActionInput;
  readonly coalesces = false;
  readonly indexesRepeat = true;
  readonly losePositions?: () => Promise<void>;
  readonly database: string;
  readonly pool: Pool;
  readonly #agent: string;

  static async create(server: Service, options: WorldOptions = {}): Promise<MysqlWorld> {
    const { host, port, user, password } = server;
    const pool = createPool({ host, port, user, password, connectionLimit: WRITERS, supportBigNumbers: true });
    const database = `sync_${randomBytes(5).toString('hex')}`;
    await pool.query(`CREATE DATABASE ${database}`);
    await pool.query(`CREATE TABLE ${database}.rows_ (id INT PRIMARY KEY, version INT NOT NULL, note TEXT)`);
    const { hasMarker = false, ...rest } = options;
    if (hasMarker)
      await pool.query(`CREATE TABLE ${database}.marker (id INT PRIMARY KEY, written BIGINT UNSIGNED NOT NULL)`);
    return new MysqlWorld(server, { pool, database, ...rest, ...(hasMarker && { marker: `${database}.marker` }) });
  }

  private constructor(
    { host, port, user, password }: Service,
    options: Omit<WorldOptions, 'hasMarker'> & {
      readonly pool: Pool;
      readonly database: string;
      readonly marker?: string;
    },
  ) {
    const { pool, database, params = {}, marker, losePositions } = options;
    this.pool = pool;
    this.database = database;
    const credential = { data: { user, passwd: password }, allowedHosts: undefined };
    this.config = {
      ...{ id: 'orders', driver: 'mysql', uri: `${host}:${port}`, credential },
      driverParams: { databases: [database], ...(marker !== undefined && { marker_table: marker }), ...params },
      ...{ maxQueueSize: 1000, maxRetries: 1, retryDelayMs: 10 },
    };
    const wrong = { data: { user, passwd: `wrong-${randomBytes(6).toString('hex')}` }, allowedHosts: undefined };
    this.refused = { ...this.config, credential: wrong };
    this.unreachable = { ...this.config, uri: `${host}:1` };
    this.#agent = `agent_${database}`;
    this.actionInput = {
      ...{ uri: this.config.uri, adminCreds: credential, driverParams: this.config.driverParams },
      credential: { data: { user: this.#agent, passwd: `pa55'\\-${database}` }, allowedHosts: undefined },
    };
    if (losePositions !== undefined) this.losePositions = losePositions;
  }

  /** Executes statements in the database, one after the other on a connection of their own. */
  async run(...statements: readonly string[]): Promise<void> {
    const connection = await this.pool.getConnection();
    try {
      await connection.query(`USE ${this.database}`);
      for (const statement of statements) await connection.query(statement);
    } finally {
      connection.destroy();
    }
  }

  async put(key: number, version: number): Promise<void> {
    await this.pool.query(
      `INSERT INTO ${this.database}.rows_ (id, version) VALUES (?, ?) ON DUPLICATE KEY UPDATE version = VALUES(version)`,
      [key, version],
    );
  }

  async remove(key: number): Promise<void> {
    await this.pool.query(`DELETE FROM ${this.database}.rows_ WHERE id = ?`, [key]);
  }

  /** Deletes all files of the log but the last. */
  async purge(): Promise<void> {
    const [files] = await this.pool.query<RowDataPacket[]>('SHOW BINARY LOGS');
    await this.pool.query('PURGE BINARY LOGS TO ?', [files.at(-1)?.['Log_name']]);
  }

  keyOf(row: Row): number {
    return Number(row['id']);
  }

  versionOf(row: Row): number {
    return Number(row['version']);
  }

  async close(): Promise<void> {
    await this.pool.query(`DROP DATABASE ${this.database}`);
    await this.pool.query(`DROP USER IF EXISTS ${this.#agent}@'%'`);
    await this.pool.end();
  }
}
