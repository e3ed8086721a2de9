import type { Connection } from 'mysql2/promise';
import type { AnswerRow } from './answer-rows.ts';
import { refuse, warn } from './engine-run.ts';
import type { Behaviour } from './engine-run.ts';
import { isDml, verbOf } from './text-chunks.ts';

interface MysqlError {
  readonly errno: number;
  readonly message: string;
}

const SYNTAX = 1064;
const NO_PREPARE = 1295;
const NO_TABLE = 1146;
const NO_COLUMN = 1054;

/** Audits statements with the help of the server that they are for. */
export class Audit {
  readonly #connection: Connection;
  readonly #executes: boolean;
  readonly #behaviour: Behaviour;
  #hasDdl = false;

  constructor(connection: Connection, executes: boolean, behaviour: Behaviour) {
    this.#connection = connection;
    this.#executes = executes;
    this.#behaviour = behaviour;
  }

  /** Puts what it finds into the row; false: it cannot be read, which ends the text. */
  async check(row: AnswerRow): Promise<boolean> {
    const { sql } = row;
    const verb = verbOf(sql);
    if (verb === 'use') {
      await this.#connection.query(sql).catch((err: unknown) => refuse(row, `${(err as Error).message}.`));
      return true;
    }
    if (verb === 'select' && this.#executes) refuse(row, 'Not supported statement type.');
    if (['begin', 'start', 'commit', 'rollback', 'call'].includes(verb)) refuse(row, 'Not supported statement type.');
    const dropped = /^(?:drop|truncate)\s+(?:table\s+)?(?:if\s+exists\s+)?(\S+)/i.exec(sql)?.[1];
    if ((verb === 'drop' || verb === 'truncate') && !/^drop\s+(?:database|index|view)/i.test(sql))
      refuse(row, `Drop/truncate '${dropped ?? ''}' is not allowed, please replace with alter rename statement.`);
    if (this.#behaviour.warnsOfNoWhere === true && ['update', 'delete'].includes(verb) && !/\bwhere\b/i.test(sql))
      warn(row, 'Please set the where condition.');
    const err = await this.#prepare(sql);
    if (err?.errno === SYNTAX) {
      row.stage = 'RERUN';
      row.stageStatus = 'Audit Completed';
      refuse(row, `line 1 column 5 near "${sql.slice(0, 80)}"`);
      return false;
    }
    const isDdl = !isDml(sql) && ['create', 'alter', 'rename', 'drop'].includes(verb);
    if (err !== undefined && !(this.#hasDdl && [NO_TABLE, NO_COLUMN].includes(err.errno)) && !isDdl)
      refuse(row, `${err.message}.`);
    this.#hasDdl ||= isDdl;
    if (verb === 'insert') row.affectedRows = 1;
    return true;
  }

  async #prepare(sql: string): Promise<MysqlError | undefined> {
    try {
      await this.#connection.query('SET @audited = ?', [sql]);
      await this.#connection.query('PREPARE audited FROM @audited');
      await this.#connection.query('DEALLOCATE PREPARE audited');
      return undefined;
    } catch (err) {
      const { errno } = err as MysqlError;
      return errno === NO_PREPARE ? undefined : (err as MysqlError);
    }
  }
}
