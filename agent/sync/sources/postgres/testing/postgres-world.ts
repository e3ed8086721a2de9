import { randomBytes } from 'node:crypto';
import { Client, Pool } from 'pg';
import type { Service } from '../../../../../test/services/service.ts';
import type { SourceWorld } from '../../../conformance/source-under-test.ts';
import type { SourceConfig } from '../../../source.ts';
import { postgresDriver } from '../index.ts';

/** A database of its own on a test's server, with a login for the agent. */
export class PostgresWorld {
  readonly name = `sync_${randomBytes(6).toString('hex')}`;
  readonly password = `pa55-${randomBytes(6).toString('hex')}`;
  readonly server: Service;
  /** Of the agent's login, which owns the database. */
  readonly clients: Pool;

  private constructor(server: Service) {
    this.server = server;
    const { host, port } = server;
    this.clients = new Pool({ host, port, user: this.name, password: this.password, database: this.name, max: 8 });
    // The database may be dropped first.
    this.clients.on('error', () => undefined);
  }

  static async create(server: Service): Promise<PostgresWorld> {
    const world = new PostgresWorld(server);
    await world.#administrate(
      `CREATE ROLE ${world.name} LOGIN REPLICATION PASSWORD '${world.password}'`,
      `CREATE DATABASE ${world.name} OWNER ${world.name}`,
    );
    return world;
  }

  config(changes: Partial<SourceConfig> = {}): SourceConfig {
    const { host, port } = this.server;
    return {
      id: 'a-database',
      driver: 'postgres',
      uri: `${host}:${port}/${this.name}`,
      credential: { data: { user: this.name, passwd: this.password }, allowedHosts: undefined },
      driverParams: {},
      maxQueueSize: 1000,
      maxRetries: 10,
      retryDelayMs: 100,
      ...changes,
    };
  }

  async query(text: string): Promise<void> {
    await this.clients.query(text);
  }

  /** The only column of what a query finds. */
  async values(text: string): Promise<unknown[]> {
    const { rows } = await this.clients.query<unknown[]>({ text, rowMode: 'array' });
    return rows.map(([value]) => value);
  }

  async close(): Promise<void> {
    await this.clients.end();
    await this.#administrate(
      `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = '${this.name}'`,
      `DROP DATABASE IF EXISTS ${this.name} WITH (FORCE)`,
      `DROP ROLE IF EXISTS ${this.name}`,
    );
  }

  async #administrate(...statements: readonly string[]): Promise<void> {
    const { host, port, user, password } = this.server;
    const client = new Client({ host, port, user, password, database: 'postgres' });
    await client.connect();
    for (const statement of statements) await client.query(statement);
    await client.end();
  }
}

/** Drops the slot of a SyncTask. */
async function forgetSync(config: SourceConfig, taskUid: string): Promise<void> {
  await postgresDriver.forget?.(config, taskUid, AbortSignal.timeout(20_000));
}

/** The world as the suite of all sources wants it: one table of keys and versions. */
export async function sourceWorld(server: Service): Promise<SourceWorld> {
  const world = await PostgresWorld.create(server);
  await world.query('CREATE TABLE items (id int PRIMARY KEY, version int NOT NULL, note text)');
  const config = world.config();
  const { user, password } = server;
  return {
    driver: postgresDriver,
    config,
    versionField: 'public.items.version',
    coalesces: false,
    indexesRepeat: true,
    put: (key, version) =>
      world.query(
        `INSERT INTO items VALUES (${key}, ${version}, 'row ${key}') ON CONFLICT (id) DO UPDATE SET version = ${version}`,
      ),
    remove: (key) => world.query(`DELETE FROM items WHERE id = ${key}`),
    keyOf: (row) => row['id'] as number,
    versionOf: (row) => row['version'] as number,
    losePositions: ({ taskUid }) => forgetSync(config, taskUid),
    refused: world.config({
      credential: { data: { user: world.name, passwd: 'wr0ng-secret' }, allowedHosts: undefined },
    }),
    unreachable: world.config({ uri: `127.0.0.1:1/${world.name}` }),
    actionInput: {
      uri: config.uri,
      adminCreds: { data: { user, passwd: password }, allowedHosts: undefined },
      credential: config.credential,
      driverParams: {},
    },
    close: () => world.close(),
  };
}
