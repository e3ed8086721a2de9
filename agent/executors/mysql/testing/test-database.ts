import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import type { Service } from '../../../../test/services/service.ts';
import { execute } from '../../../conformance/executor.ts';
import type { Execution, Work } from '../../../conformance/executor.ts';
import { MysqlExecutor } from '../mysql-executor.ts';

/** A database and a user of its own on a test's server, with an executor and a client that sees what is there. */
export class TestDatabase {
  readonly name = `test_${randomBytes(6).toString('hex')}`;
  readonly password = `pa55-${randomBytes(6).toString('hex')}`;
  readonly spoolFolder = mkdtempSync(join(tmpdir(), 'tiangong-agent-test-'));
  readonly executor: MysqlExecutor;
  readonly server: Service;
  readonly witness: Connection;

  private constructor(server: Service, witness: Connection) {
    this.server = server;
    this.witness = witness;
    this.executor = new MysqlExecutor({ connections: new Map(), spoolFolder: this.spoolFolder, graceMs: 1500 });
  }

  /** Its user may do everything. */
  static async create(server: Service): Promise<TestDatabase> {
    const { host, port, user, password } = server;
    const witness = await createConnection({ host, port, user, password });
    const database = new TestDatabase(server, witness);
    const { name } = database;
    await witness.query(`CREATE DATABASE ${name}`);
    await witness.query(`CREATE USER ${name}@'%' IDENTIFIED BY '${database.password}'`);
    await witness.query(`GRANT ALL ON *.* TO ${name}@'%' WITH GRANT OPTION`);
    await witness.query(`USE ${name}`);
    return database;
  }

  async drop(): Promise<void> {
    await this.executor.close();
    await this.witness.query(`DROP DATABASE IF EXISTS ${this.name}`);
    await this.witness.query(`DROP USER IF EXISTS ${this.name}@'%'`);
    await this.witness.end();
    rmSync(this.spoolFolder, { recursive: true, force: true });
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
    return execute(this.executor, this.work(command, params, changes));
  }

  /** The only column of what a query finds. */
  async values(query: string): Promise<unknown[]> {
    const [rows] = await this.witness.query<RowDataPacket[][]>({ sql: query, rowsAsArray: true });
    return rows.map(([value]) => value as unknown);
  }

  /** How many connections of tasks execute a text that holds this. */
  async running(text: string): Promise<number> {
    const found = await this.values(
      `SELECT id FROM information_schema.processlist WHERE user = '${this.name}' AND command = 'Query' AND info LIKE '%${text}%'`,
    );
    return found.length;
  }
}
