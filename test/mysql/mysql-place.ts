import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import type { ConnectionSettings } from '../../agent/connections/connections.ts';
import { execute } from '../../agent/conformance/executor.ts';
import type { Execution, Work } from '../../agent/conformance/executor.ts';
import { MysqlExecutor } from '../../agent/executors/mysql/mysql-executor.ts';
import type { Service } from '../services/service.ts';

/** A database and a user of its own on a server, an executor, and a client that sees what is there. */
export class MysqlPlace {
  readonly name = `place_${randomBytes(6).toString('hex')}`;
  readonly password = `pa55-${randomBytes(6).toString('hex')}`;
  readonly server: Service;
  readonly admin: Connection;
  readonly executor: MysqlExecutor;
  readonly #folder: string;

  private constructor(server: Service, admin: Connection) {
    this.server = server;
    this.admin = admin;
    this.#folder = mkdtempSync(join(tmpdir(), 'tiangong-mysql-'));
    const file = (name: string, content: string): string => {
      const path = join(this.#folder, name);
      writeFileSync(path, content);
      return path;
    };
    const { host, port, user, password } = server;
    const own = { host, port, user: this.name, database: this.name, passwordFile: file('own', this.password) };
    const connections: readonly ConnectionSettings[] = [
      { name: 'own', ...own },
      { name: 'with backup user', ...own, backupUser: `${this.name}_b`, backupPasswordFile: own.passwordFile },
      { name: 'root', ...own, user, passwordFile: file('root', password) },
    ];
    this.executor = new MysqlExecutor({
      connections: new Map(connections.map((each) => [each.name, each])),
      spoolFolder: this.#folder,
    });
  }

  /** The user has all rights on the database and no other; who backs up has what is needed to read the binary log alone. */
  static async create(server: Service): Promise<MysqlPlace> {
    const { host, port, user, password } = server;
    const admin = await createConnection({ host, port, user, password, multipleStatements: true });
    const place = new MysqlPlace(server, admin);
    const { name } = place;
    await admin.query(`CREATE DATABASE ${name}; USE ${name}`);
    for (const each of [name, `${name}_b`])
      await admin.query(`CREATE USER ${each}@'%' IDENTIFIED BY '${place.password}'`);
    await admin.query(`GRANT ALL ON ${name}.* TO ${name}@'%'`);
    await admin.query(`GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO ${name}_b@'%'`);
    return place;
  }

  async drop(): Promise<void> {
    await this.executor.close();
    await this.admin.query(`DROP DATABASE ${this.name}; DROP USER ${this.name}@'%', ${this.name}_b@'%'`);
    await this.admin.end();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  run(command: string, params: Record<string, unknown> = {}, changes: Partial<Work> = {}): Promise<Execution> {
    return execute(this.executor, { command, params: { connection: 'own', ...params }, ...changes });
  }

  async rows(sql: string): Promise<unknown[]> {
    return (await this.admin.query<RowDataPacket[]>(sql))[0];
  }
}
