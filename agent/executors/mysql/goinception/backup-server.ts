import { readSecret } from '../../../connections/connections.ts';
import type { Target } from '../../../connections/target.ts';
import { cutText } from '../../../output/utf8.ts';
import { MysqlSession, quoteName } from '../session/session.ts';
import type { GoInceptionSettings } from './goinception-settings.ts';
import { isBackedUp } from './result-row.ts';
import type { InceptionRow } from './result-row.ts';

/** What the backup server has for one statement. */
export interface StoredRollback {
  /** The statements that undo it, as far as a result shows them. */
  readonly head: string;
  readonly statements: number;
}

/** Takes one statement; a promise holds the server back. */
export type TakeStatement = (statement: string) => Promise<void> | undefined;

const INFORMATION = '$_$Inception_backup_information$_$';
const CONNECT_MS = 10_000;
/** So many statements are looked up at once. */
const BATCH = 200;
/** How much of a statement's rollback a result shows, in bytes. */
const MAX_HEAD = 1024;

/** The server to which goInception writes the rollback SQL, with the agent's own login there (facts §3.3). */
export class BackupServer {
  readonly #session: MysqlSession;

  private constructor(session: MysqlSession) {
    this.#session = session;
  }

  /** Rejects with why it cannot be reached, or its password not be read. */
  static async connect(settings: NonNullable<GoInceptionSettings['backup']>): Promise<BackupServer> {
    const { host, port, user, passwordFile, passwordEnv } = settings;
    const password = readSecret(passwordFile, passwordEnv);
    return new BackupServer(
      await MysqlSession.connect(asTarget(host, port, user, password), { connectTimeoutMs: CONNECT_MS }),
    );
  }

  /**
   * Fetches what undoes these rows' statements, in the order in which they changed something, each ended by a semicolon.
   * Gives it by the rows' sequences; rows that were not backed up are passed over.
   */
  async fetch(rows: readonly InceptionRow[], take: TakeStatement): Promise<ReadonlyMap<string, StoredRollback>> {
    const found = new Map<string, StoredRollback>();
    const wanted = rows.filter((row) => isBackedUp(row) && row.backupDatabase !== undefined);
    for (let from = 0; from < wanted.length; from += BATCH)
      await this.#fetchBatch(wanted.slice(from, from + BATCH), take, found);
    return found;
  }

  /** Ends it at once, with what it does. */
  destroy(): void {
    this.#session.destroy();
  }

  end(): Promise<void> {
    return this.#session.end();
  }

  async #fetchBatch(
    rows: readonly InceptionRow[],
    take: TakeStatement,
    found: Map<string, StoredRollback>,
  ): Promise<void> {
    const tables = new Map<string, string>();
    for (const [database, sequences] of groups(rows, ({ backupDatabase = '' }) => backupDatabase)) {
      const listed = await this.#session.rows(
        `SELECT opid_time, tablename FROM ${quoteName(database)}.${quoteName(INFORMATION)} WHERE opid_time IN (${sequences.map(quoted).join(', ')})`,
      );
      for (const { opid_time: sequence, tablename } of listed)
        if (sequence && tablename) tables.set(sequence, `${quoteName(database)}.${quoteName(tablename)}`);
    }
    const known = rows.filter(({ sequence }) => tables.has(sequence));
    // Neighbours that changed the same table are fetched together: the order of statements stays.
    for (const [table, sequences] of groups(known, ({ sequence }) => tables.get(sequence) ?? ''))
      await this.#fetchTable(table, sequences, take, found);
  }

  async #fetchTable(
    table: string,
    sequences: readonly string[],
    take: TakeStatement,
    found: Map<string, StoredRollback>,
  ): Promise<void> {
    const list = sequences.map(quoted).join(', ');
    await this.#session.query(
      `SELECT opid_time, rollback_statement FROM ${table} WHERE opid_time IN (${list}) ORDER BY FIELD(opid_time, ${list}), id`,
      {
        columns: () => undefined,
        row: ([sequence, statement]) => {
          if (!sequence || !statement) return undefined;
          const ended = `${statement.replace(/[;\s]+$/, '')};`;
          const before = found.get(sequence);
          const head =
            before === undefined ? ended : before.head.length > MAX_HEAD ? before.head : `${before.head} ${ended}`;
          found.set(sequence, {
            head: cutText(head, MAX_HEAD),
            statements: (before?.statements ?? 0) + 1,
          });
          return take(ended);
        },
      },
    );
  }
}

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;

/** Runs of neighbours with the same key, as their sequences. */
function groups(
  rows: readonly InceptionRow[],
  keyOf: (row: InceptionRow) => string,
): readonly (readonly [string, readonly string[]])[] {
  const runs: [string, string[]][] = [];
  for (const row of rows) {
    const last = runs.at(-1);
    if (last?.[0] === keyOf(row)) last[1].push(row.sequence);
    else runs.push([keyOf(row), [row.sequence]]);
  }
  return runs;
}

function asTarget(host: string, port: number, user: string, password: string | undefined): Target {
  return {
    host,
    port,
    user,
    password,
    apiKey: undefined,
    database: '',
    protocol: undefined,
    sslmode: 'prefer',
    ca: undefined,
    verifySsl: undefined,
    authSource: undefined,
    backup: undefined,
    ledger: false,
    key: '',
    label: `mysql://${user}@${host}:${port}/`,
    secrets: password === undefined || password === '' ? [] : [password],
  };
}
