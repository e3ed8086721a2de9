import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { Service } from '../../../../test/services/service.ts';
import { execute } from '../../../conformance/executor.ts';
import type { Execution, Work } from '../../../conformance/executor.ts';
import { PostgresExecutor } from '../postgres-executor.ts';

/** A database and a role of its own on a test's server, with an executor and a client that sees what is there. */
export class TestDatabase {
  readonly name = `test_${randomBytes(6).toString('hex')}`;
  readonly password = `pa55-${randomBytes(6).toString('hex')}`;
  readonly spoolFolder = mkdtempSync(join(tmpdir(), 'tiangong-agent-test-'));
  readonly executor: PostgresExecutor;
  readonly server: Service;
  readonly witness: Client;

  private constructor(server: Service) {
    this.server = server;
    this.executor = new PostgresExecutor({ connections: new Map(), spoolFolder: this.spoolFolder, graceMs: 1500 });
    this.witness = this.#client(this.name);
  }

  static async create(server: Service): Promise<TestDatabase> {
    const database = new TestDatabase(server);
    await database.#administrate(
      `CREATE ROLE ${database.name} LOGIN SUPERUSER PASSWORD '${database.password}'`,
      `CREATE DATABASE ${database.name}`,
    );
    await database.witness.connect();
    return database;
  }

  async drop(): Promise<void> {
    await this.executor.close();
    await this.witness.end();
    await this.#administrate(`DROP DATABASE IF EXISTS ${this.name} WITH (FORCE)`, `DROP ROLE IF EXISTS ${this.name}`);
    rmSync(this.spoolFolder, { recursive: true, force: true });
  }

  /** Leaves nothing of the tests before, nor of an earlier try of this one; connections that wait in a pool stay open. */
  async empty(): Promise<void> {
    await this.witness.query('ROLLBACK');
    await this.witness.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${this.name}' AND state <> 'idle'`,
    );
    await this.witness.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  }

  target(changes: Record<string, unknown> = {}): Record<string, unknown> {
    const { host, port } = this.server;
    return { host, port, user: this.name, secret_ref: 'login', database: this.name, ...changes };
  }

  work(command: string, params: Record<string, unknown> = {}, changes: Partial<Work> = {}): Work {
    return {
      command,
      params: { target: this.target(), ...params },
      credentials: { login: { data: { password: this.password }, allowedHosts: undefined } },
      ...changes,
    };
  }

  run(command: string, params: Record<string, unknown> = {}, changes: Partial<Work> = {}): Promise<Execution> {
    return this.execute(this.work(command, params, changes));
  }

  execute(work: Work): Promise<Execution> {
    return execute(this.executor, work);
  }

  /** The only column of what a query finds. */
  async values(query: string): Promise<unknown[]> {
    const { rows } = await this.witness.query<unknown[]>({ text: query, rowMode: 'array' });
    return rows.map(([value]) => value);
  }

  /** How many backends of tasks execute a text that holds this. */
  async running(text: string): Promise<number> {
    const found = await this.values(
      `SELECT pid FROM pg_stat_activity WHERE usename = '${this.name}' AND application_name = 'tiangong' AND state = 'active' AND query LIKE '%${text}%'`,
    );
    return found.length;
  }

  #client(database: string): Client {
    const { host, port, user, password } = this.server;
    return new Client({ host, port, user, password, database });
  }

  async #administrate(...statements: readonly string[]): Promise<void> {
    const client = this.#client('postgres');
    await client.connect();
    for (const statement of statements) await client.query(statement);
    await client.end();
  }
}
