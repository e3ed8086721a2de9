import { randomBytes } from 'node:crypto';
import { Client, Pool } from 'pg';
import { vi } from 'vitest';
import type { Service } from '../../../../../test/services/service.ts';
import type { SourceWorld } from '../../../conformance/source-under-test.ts';
import type { SourceConfig } from '../../../source.ts';
import { postgresDriver } from '../index.ts';

const DEADLINE = { timeout: 20_000, interval: 100 };

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
    await world.#atServer(
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

  /** Also of what a test has left that failed. */
  async close(): Promise<void> {
    await this.clients.end();
    const slots = `FROM pg_replication_slots WHERE database = '${this.name}'`;
    await vi.waitFor(async () => {
      await this.#atServer(
        `SELECT pg_terminate_backend(active_pid) ${slots} AND active`,
        `SELECT pg_drop_replication_slot(slot_name) ${slots}`,
      );
    }, DEADLINE);
    await this.#atServer(`DROP DATABASE IF EXISTS ${this.name} WITH (FORCE)`, `DROP ROLE IF EXISTS ${this.name}`);
  }

  /** As the administrator of the server, in this database; resolves with the rows of the last statement. */
  administrate(...statements: readonly string[]): Promise<readonly unknown[]> {
    return this.#asAdmin(this.name, statements);
  }

  #atServer(...statements: readonly string[]): Promise<readonly unknown[]> {
    return this.#asAdmin('postgres', statements);
  }

  async #asAdmin(database: string, statements: readonly string[]): Promise<readonly unknown[]> {
    const { host, port, user, password } = this.server;
    const client = new Client({ host, port, user, password, database });
    await client.connect();
    try {
      let rows: readonly unknown[] = [];
      for (const statement of statements) ({ rows } = await client.query<Record<string, unknown>>(statement));
      return rows;
    } finally {
      await client.end();
    }
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
