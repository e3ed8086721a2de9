import { randomBytes } from 'node:crypto';
import type { Target } from '../../../../connections/target.ts';
import type { Service } from '../../../../../test/services/service.ts';
import { MysqlSession } from '../../session/session.ts';
import { readTableFacts } from '../table-facts.ts';
import type { TableFacts } from '../table-facts.ts';

/** A database of its own on a test's server, and a session that sees and changes it. */
export class BackupDatabase {
  readonly name = `backup_${randomBytes(6).toString('hex')}`;
  readonly target: Target;
  readonly #sessions: MysqlSession[] = [];

  private constructor(server: Service) {
    this.target = targetOf(server, this.name);
  }

  static async create(server: Service): Promise<BackupDatabase> {
    const database = new BackupDatabase(server);
    const session = await MysqlSession.connect({ ...database.target, database: '' });
    await session.query(`CREATE DATABASE ${database.name} CHARACTER SET utf8mb4`);
    await session.end();
    return database;
  }

  /** A session that takes any value, in this database; closed by `drop`. */
  async session(): Promise<MysqlSession> {
    const session = await MysqlSession.connect(this.target);
    this.#sessions.push(session);
    await session.query(`SET sql_mode = 'ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO', time_zone = '+00:00'`);
    return session;
  }

  async facts(session: MysqlSession, table: string): Promise<TableFacts> {
    const facts = await readTableFacts(session, this.name, table);
    if (facts === undefined) throw new Error(`there is no table ${table}`);
    return facts;
  }

  async drop(): Promise<void> {
    for (const session of this.#sessions) await session.end();
    const session = await MysqlSession.connect({ ...this.target, database: '' });
    await session.query(`DROP DATABASE IF EXISTS ${this.name}`);
    await session.end();
  }
}

/** What a task would resolve to. */
function targetOf({ host, port, user, password }: Service, database: string): Target {
  return {
    host,
    port,
    user,
    password,
    apiKey: undefined,
    database,
    protocol: undefined,
    sslmode: 'disable',
    ca: undefined,
    verifySsl: undefined,
    authSource: undefined,
    backup: undefined,
    ledger: false,
    key: `${host}:${port}/${database}`,
    label: `mysql://${user}@${host}:${port}/${database}`,
    secrets: [password],
  };
}
