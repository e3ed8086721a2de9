import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import type { Connection } from 'mysql2/promise';
import type { Service } from '../../../../../test/services/service.ts';
import { execute } from '../../../../conformance/executor.ts';
import type { Execution, Work } from '../../../../conformance/executor.ts';
import { MysqlExecutor } from '../../mysql-executor.ts';
import type { Behaviour } from './engine-run.ts';
import { GoInceptionStandIn } from './stand-in.ts';

const GRACE_MS = 2500;

/** A database and a login of its own on a test's server, a stand-in for goInception, and an executor that goes through it. */
export class InceptionDatabase {
  readonly name = `gi_${randomBytes(5).toString('hex')}`;
  readonly password: string;
  readonly spoolFolder = mkdtempSync(join(tmpdir(), 'tiangong-agent-test-'));
  readonly server: Service;
  readonly witness: Connection;
  readonly standIn: GoInceptionStandIn;
  readonly executor: MysqlExecutor;
  /** Where the stand-in writes backups. */
  readonly backupDatabase: string;

  private constructor(server: Service, witness: Connection, standIn: GoInceptionStandIn, password: string) {
    this.server = server;
    this.witness = witness;
    this.standIn = standIn;
    this.password = password;
    this.backupDatabase = `${server.host.replaceAll('.', '_')}_${server.port}_${this.name}`;
    const passwordFile = join(this.spoolFolder, 'backup-password');
    writeFileSync(passwordFile, server.password);
    this.executor = new MysqlExecutor({
      connections: new Map(),
      spoolFolder: this.spoolFolder,
      graceMs: GRACE_MS,
      goInception: {
        ...standIn.address,
        backup: { host: server.host, port: server.port, user: server.user, passwordFile },
      },
    });
  }

  static async create(
    server: Service,
    {
      password = `pa55-${randomBytes(6).toString('hex')}`,
      behaviour = {},
    }: { password?: string; behaviour?: Behaviour } = {},
  ): Promise<InceptionDatabase> {
    const { host, port, user } = server;
    const login = { host, port, user, password: server.password };
    const witness = await createConnection({ ...login, charset: 'utf8mb4', dateStrings: true });
    const standIn = await GoInceptionStandIn.start({ backup: login, ...behaviour });
    const made = new InceptionDatabase(server, witness, standIn, password);
    await witness.query(`CREATE DATABASE ${made.name} CHARACTER SET utf8mb4`);
    await witness.query('CREATE USER ?@? IDENTIFIED BY ?', [made.name, '%', password]);
    await witness.query(`GRANT ALL ON *.* TO ?@?`, [made.name, '%']);
    await witness.query(`USE ${made.name}`);
    return made;
  }

  async drop(): Promise<void> {
    await this.executor.close();
    await this.standIn.close();
    for (const name of [this.name, this.backupDatabase]) await this.witness.query(`DROP DATABASE IF EXISTS ${name}`);
    await this.witness.query('DROP USER IF EXISTS ?@?', [this.name, '%']);
    await this.witness.end();
    rmSync(this.spoolFolder, { recursive: true, force: true });
  }

  target(changes: Record<string, unknown> = {}): Record<string, unknown> {
    const { host, port } = this.server;
    return { host, port, user: this.name, secret_ref: 'login', db: this.name, ...changes };
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
    const [rows] = await this.witness.query<never[]>({ sql: query, rowsAsArray: true });
    return (rows as readonly unknown[][]).map(([value]) => value);
  }

  /** How many statements of the task run on the server whose text holds this. */
  async running(text: string): Promise<number> {
    const found = await this.values(
      `SELECT ID FROM information_schema.PROCESSLIST WHERE USER = '${this.name}' AND INFO LIKE '%${text}%'`,
    );
    return found.length;
  }
}
