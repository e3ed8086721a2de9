import fc from 'fast-check';
import type { MysqlSession } from '../../session/session.ts';
import type { BackupDatabase } from './backup-database.ts';
import type { SampleType } from './every-type.ts';
import { KEYS } from './random-script.ts';

const SESSIONS = 8;
const ROWS = 5;

/** Eight sessions that write rows of their own in all tables, until they are stopped. */
export class OtherSessions {
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[];
  /** How many of their statements have changed rows. */
  changes = 0;

  /** `first`: the `who` of the first session's rows. */
  constructor(sessions: readonly MysqlSession[], types: readonly SampleType[], first: number) {
    this.#running = sessions.map((session, index) => this.#write(session, types, first + index));
  }

  static async connect(database: BackupDatabase): Promise<MysqlSession[]> {
    const sessions: MysqlSession[] = [];
    for (let index = 0; index < SESSIONS; index += 1) {
      const session = await database.session();
      await session.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
      await session.query('SET SESSION innodb_lock_wait_timeout = 1');
      sessions.push(session);
    }
    return sessions;
  }

  /** Resolves when none of them writes any more. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }

  async #write(session: MysqlSession, types: readonly SampleType[], who: number): Promise<void> {
    const tables = Object.keys(KEYS);
    for (let turn = 0; !this.#stop.signal.aborted; turn += 1) {
      const table = tables[turn % tables.length] ?? '';
      const place = turn % types.length;
      const value = fc.sample(types[place]?.value ?? fc.constant('NULL'), 1)[0] ?? 'NULL';
      const tag = who * 1000 + (turn % ROWS);
      for (const sql of [
        'BEGIN',
        `REPLACE INTO ${table} SET who = ${who}, tag = ${tag}, c${place} = ${value}`,
        `UPDATE ${table} SET c${place} = ${value}, part = CONCAT(LEFT(part, 5), ${turn % 7}) WHERE who = ${who} AND tag <> ${tag}`,
        turn % 3 === 0 ? `DELETE FROM ${table} WHERE who = ${who} AND tag = ${tag} LIMIT 1` : 'DO 0',
        turn % 5 === 0 ? 'ROLLBACK' : 'COMMIT',
      ])
        // Of two that wait for each other the server rolls one back.
        await session.query(sql).then(
          ({ affectedRows }) => (this.changes += affectedRows),
          () => undefined,
        );
    }
    await session.query('ROLLBACK');
  }
}
