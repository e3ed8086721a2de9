import { randomBytes } from 'node:crypto';
import type { Target } from '../../../../connections/target.ts';
import type { Service } from '../../../../../test/services/service.ts';
import { MysqlSession } from '../../session/session.ts';
import { BinlogReader } from '../binlog-reader.ts';
import type { ReaderOptions, TransactionRead, WantedTransaction } from '../binlog-reader.ts';
import type { ColumnFact } from '../column-fact.ts';
import { currentPosition } from '../current-position.ts';
import { columnFacts } from './column-facts.ts';
import type { LoggedChange } from '../row-change.ts';

const FOREVER = new AbortController().signal;

/** A database of one test on a real server, a session there, and what the log says of its changes. */
export class LoggedDatabase {
  readonly name: string;
  readonly target: Target;
  readonly session: MysqlSession;
  #reader: BinlogReader | undefined;

  private constructor(name: string, target: Target, session: MysqlSession) {
    this.name = name;
    this.target = target;
    this.session = session;
  }

  static async create({ host, port, user, password }: Service): Promise<LoggedDatabase> {
    const name = `binlog_${randomBytes(5).toString('hex')}`;
    const target: Target = {
      ...{ host, port, user, password, database: '', key: name, label: name, secrets: [password] },
      ...{ apiKey: undefined, protocol: undefined, sslmode: undefined, ca: undefined },
      ...{ verifySsl: undefined, authSource: undefined, backup: undefined, ledger: false },
    };
    const session = await MysqlSession.connect(target);
    await session.query(`CREATE DATABASE ${name}`);
    await session.query(`USE ${name}`);
    return new LoggedDatabase(name, target, session);
  }

  /** Another session in the database. */
  async connect(): Promise<MysqlSession> {
    const session = await MysqlSession.connect(this.target);
    await session.query(`USE ${this.name}`);
    return session;
  }

  /** Executes the statements, which must end in a commit of one transaction, and reads what the log says of it. */
  async changes(...statements: readonly string[]): Promise<LoggedChange[]> {
    const { wanted, reader } = await this.commit(...statements);
    const found: LoggedChange[] = [];
    await this.read(reader, wanted, (change) => void found.push(change));
    return found;
  }

  /** As `changes`, without reading. */
  async commit(...statements: readonly string[]): Promise<{ wanted: WantedTransaction; reader: BinlogReader }> {
    const from = await currentPosition(this.session);
    let gtids: string | undefined;
    for (const statement of statements) gtids = (await this.session.query(statement)).gtids ?? gtids;
    this.#reader ??= await BinlogReader.open(this.target, from);
    return {
      wanted: { gtid: gtids ?? (await this.#lastGtid()), threadId: this.session.threadId, from },
      reader: this.#reader,
    };
  }

  async read(
    reader: BinlogReader,
    wanted: WantedTransaction,
    take: (change: LoggedChange) => void,
  ): Promise<TransactionRead> {
    return reader.transaction(wanted, this.columnsOf, (change) => (take(change), undefined), FOREVER);
  }

  open(from: WantedTransaction['from'], options?: ReaderOptions): Promise<BinlogReader> {
    return BinlogReader.open(this.target, from, options);
  }

  readonly columnsOf = (schema: string, table: string): Promise<readonly ColumnFact[]> =>
    columnFacts(this.session, schema, table);

  async drop(): Promise<void> {
    this.#reader?.close();
    // A test that failed may have left a transaction open.
    this.session.destroy();
    const session = await MysqlSession.connect(this.target);
    await session.query(`DROP DATABASE ${this.name}`);
    await session.end();
  }

  async #lastGtid(): Promise<string | undefined> {
    if (this.session.flavour !== 'mariadb') return undefined;
    const [row] = await this.session.rows('SELECT @@last_gtid AS gtid');
    return row?.['gtid'] ?? undefined;
  }
}
