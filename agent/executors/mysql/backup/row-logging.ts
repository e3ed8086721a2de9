import type { Flavour } from '../session/session.ts';
import { isServerError } from '../session/server-error.ts';
import type { RowSource } from './table-facts.ts';

/** A setting of a session that backups need. */
interface Setting {
  readonly name: string;
  readonly wanted: string;
  /** It is better so, but it is no reason to have no backup. */
  readonly optional?: boolean;
}

const SETTINGS: readonly Setting[] = [
  { name: 'binlog_format', wanted: 'ROW' },
  { name: 'binlog_row_image', wanted: 'FULL' },
  { name: 'binlog_row_value_options', wanted: '' },
  // What is compressed can be read as well.
  { name: 'binlog_transaction_compression', wanted: 'OFF', optional: true },
  { name: 'session_track_gtids', wanted: 'OWN_GTID' },
];
const LOOKED_AT = [...SETTINGS.map(({ name }) => name), 'log_bin', 'sql_log_bin', 'gtid_mode', 'max_allowed_packet'];

type Values = ReadonlyMap<string, string>;

/** How the changes of a session are logged. */
export class RowLogging {
  readonly #flavour: Flavour;
  /** Which of the settings this server has. */
  readonly #known: readonly string[];
  /** How one's own transactions are known in the log. */
  readonly knownBy: 'gtid' | 'lastGtid' | 'thread';
  /** The longest statement that the server takes, in bytes. */
  readonly maxStatementBytes: number;
  readonly hasLog: boolean;

  private constructor(flavour: Flavour, values: Values) {
    this.#flavour = flavour;
    this.#known = SETTINGS.map(({ name }) => name).filter((name) => values.has(name));
    const gtidMode = values.get('gtid_mode') ?? 'OFF';
    const hasGtids = gtidMode.startsWith('ON') && values.has('session_track_gtids');
    this.knownBy = flavour === 'mariadb' ? 'lastGtid' : hasGtids ? 'gtid' : 'thread';
    // A packet has a byte for its command.
    this.maxStatementBytes = Number(values.get('max_allowed_packet') ?? Infinity) - 1;
    this.hasLog = values.get('log_bin') === 'ON';
  }

  static async inspect(source: RowSource, flavour: Flavour): Promise<RowLogging> {
    const names = LOOKED_AT.map((name) => `'${name}'`).join(', ');
    const rows = await source.rows(`SHOW SESSION VARIABLES WHERE Variable_name IN (${names})`);
    const values = rows.map((row) => [String(row['Variable_name']), String(row['Value'])] as const);
    return new RowLogging(flavour, new Map(values));
  }

  /** Sets the session to log whole rows, where it is not. The text of why that cannot be, else undefined. */
  async ensure(source: RowSource): Promise<string | undefined> {
    if (!this.hasLog) return 'the server keeps no binary log (log_bin is OFF)';
    const names = [...this.#known, 'sql_log_bin'];
    const [row = {}] = await source.rows(`SELECT ${names.map((name) => `@@SESSION.${name} AS ${name}`).join(', ')}`);
    if (row['sql_log_bin'] === '0') return 'the session does not log its changes (sql_log_bin is 0)';
    for (const { name, wanted, optional = false } of SETTINGS) {
      const value = row[name];
      if (!this.#known.includes(name) || isSame(value, wanted)) continue;
      try {
        await source.rows(`SET SESSION ${name} = '${wanted}'`);
      } catch (err) {
        if (!isServerError(err)) throw err;
        if (!optional)
          return `${name} is ${shown(value)} and cannot be set for the session: ${this.#advice(err.message)}`;
      }
    }
    return undefined;
  }

  #advice(refusal: string): string {
    if (!/privilege/i.test(refusal)) return refusal;
    const right = this.#flavour === 'mariadb' ? 'BINLOG ADMIN' : 'SESSION_VARIABLES_ADMIN';
    return `GRANT ${right} ON *.* to the login, or set it for the server`;
  }
}

/** Flags read as numbers. */
const isSame = (value: unknown, wanted: string): boolean =>
  value === wanted || (wanted === 'OFF' && value === '0') || (wanted === '' && (value === null || value === undefined));

const shown = (value: unknown): string => (typeof value === 'string' && value !== '' ? value : 'not set');
