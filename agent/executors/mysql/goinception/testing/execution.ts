import type { Connection, ResultSetHeader } from 'mysql2/promise';
import { quoteName } from '../../session/session.ts';
import { sequenceNumber } from './answer-rows.ts';
import type { AnswerRow } from './answer-rows.ts';
import type { BackupStore, Kept } from './backup-store.ts';
import { refuse, warn } from './engine-run.ts';
import type { Behaviour, Progress } from './engine-run.ts';
import { changedTable, takeImage, undo } from './row-images.ts';
import { isDml, verbOf } from './text-chunks.ts';

export interface ExecutionOptions {
  readonly connection: Connection;
  readonly rows: readonly AnswerRow[];
  readonly progress: Progress;
  readonly behaviour: Behaviour;
  readonly store: BackupStore | undefined;
  /** Statements that change rows, in one transaction. */
  readonly trans: number;
  readonly sleepMs: number;
}

/** Executes audited statements on the server that they are for, and backs them up when all have been executed. */
export class Execution {
  readonly #options: ExecutionOptions;
  readonly #kept = new Map<AnswerRow, Omit<Kept, 'sequence'>>();
  #database = '';

  constructor(options: ExecutionOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const { rows, progress, behaviour, trans, store } = this.#options;
    progress.state = 'EXECUTING';
    progress.total = rows.length;
    for (const batch of batches(rows, trans)) {
      const at = progress.done;
      if (
        behaviour.dropsClientAt !== undefined &&
        at <= behaviour.dropsClientAt &&
        behaviour.dropsClientAt < at + batch.length
      )
        progress.dropClient();
      const ok = await this.#runBatch(batch);
      progress.done += batch.length;
      if (!ok) break;
      const last = batch.findLast(({ stage }) => stage === 'EXECUTED');
      if (progress.isKilled() && last !== undefined) {
        refuse(last, 'Execute: Operation has been killed!');
        break;
      }
      if (this.#options.sleepMs > 0) await new Promise((resolve) => setTimeout(resolve, this.#options.sleepMs));
    }
    if (store === undefined) return;
    progress.state = 'BACKUP';
    if (behaviour.hangsInBackup === true) await new Promise(() => undefined);
    await this.#backUp(store);
  }

  async #runBatch(batch: readonly AnswerRow[]): Promise<boolean> {
    const { connection, progress } = this.#options;
    const inTransaction = this.#options.trans > 1 && batch.some(({ sql }) => isDml(sql));
    if (inTransaction) await connection.query('BEGIN');
    for (const row of batch) {
      progress.info = row.sql;
      if (await this.#execute(row)) continue;
      if (inTransaction) {
        await connection.query('ROLLBACK');
        for (const other of batch) {
          // Those behind it too: the transaction is one.
          Object.assign(other, { stage: 'EXECUTED', stageStatus: 'Execute failed', errorLevel: 2 });
          this.#kept.delete(other);
        }
      }
      return false;
    }
    if (inTransaction) await connection.query('COMMIT');
    return true;
  }

  async #execute(row: AnswerRow): Promise<boolean> {
    const { connection, rows } = this.#options;
    const verb = verbOf(row.sql);
    if (verb === 'use') {
      await connection.query(row.sql);
      this.#database = /use\s+`?((?:[^`]|``)+)`?$/i.exec(row.sql)?.[1]?.replaceAll('``', '`') ?? '';
      return true;
    }
    if (verb === 'show') return true;
    row.stage = 'EXECUTED';
    const since = performance.now();
    const time = String(Math.floor(Date.now() / 1000));
    const number = sequenceNumber(rows.indexOf(row));
    try {
      const undoing = await this.#observed(row);
      row.executeTime = ((performance.now() - since) / 1000).toFixed(3);
      row.stageStatus = 'Execute Successfully';
      row.sequence = `${time}_${connection.threadId}_${number}`;
      if (undoing !== undefined) this.#kept.set(row, undoing);
      return true;
    } catch (err) {
      row.executeTime = '0.000';
      row.stageStatus = 'Execute failed';
      row.sequence = `${time}_0_${number}`;
      refuse(row, `${(err as Error).message}.`);
      return false;
    }
  }

  async #observed(row: AnswerRow): Promise<Omit<Kept, 'sequence'> | undefined> {
    const { connection, store } = this.#options;
    const run = async (): Promise<void> => {
      const [result] = await connection.query<ResultSetHeader>(row.sql);
      row.affectedRows = result.affectedRows ?? 0;
    };
    const named = isDml(row.sql) ? changedTable(row.sql, this.#database) : undefined;
    if (store === undefined) {
      await run();
      return undefined;
    }
    if (named === undefined) {
      await run();
      const table = /^create\s+table\s+(?:if\s+not\s+exists\s+)?(?:`?(\w+)`?\.)?`?(\w+)`?/i.exec(row.sql);
      const [, schema = this.#database, name = ''] = table ?? [];
      if (table === null) return undefined;
      return {
        sql: row.sql,
        type: 'CREATETABLE',
        schema,
        table: name,
        statements: [`DROP TABLE ${quoteName(schema)}.${quoteName(name)};`],
      };
    }
    const before = await takeImage(connection, named.schema, named.table);
    await run();
    const statements = undo(before, await takeImage(connection, named.schema, named.table));
    return { sql: row.sql, type: verbOf(row.sql).toUpperCase(), ...named, statements };
  }

  async #backUp(store: BackupStore): Promise<void> {
    const { connection, rows, behaviour } = this.#options;
    const [[server]] = await connection.query<never[]>('SELECT VERSION() AS version');
    const { version } = server as unknown as { version: string };
    const isMariadb = /mariadb/i.test(version);
    for (const [row, kept] of this.#kept) {
      row.backupDatabase = store.databaseOf(kept.schema);
      const record =
        behaviour.backupFails?.(rows.indexOf(row)) === true ? undefined : { ...kept, sequence: row.sequence };
      const isKept =
        record !== undefined &&
        (await store.keep(record).then(
          () => true,
          () => false,
        ));
      if (!isKept) {
        row.stageStatus = 'Execute Successfully\nBackup failed';
        continue;
      }
      row.stageStatus = 'Execute Successfully\nBackup Successfully';
      row.backupTime = '0.002';
      if (isMariadb && kept.type !== 'CREATETABLE')
        warn(
          row,
          `MariaDB v${version.replaceAll(/\D/g, '').slice(0, 6)} not supported yet,please confirm that the rollback sql is correct`,
        );
    }
  }
}

/** With `trans`, so many statements that change rows; a leading USE belongs to its batch. DDL is on its own. */
function* batches(rows: readonly AnswerRow[], trans: number): Generator<readonly AnswerRow[]> {
  let batch: AnswerRow[] = [];
  for (const row of rows) {
    const joins = trans > 1 && (isDml(row.sql) || verbOf(row.sql) === 'use');
    if (!joins) {
      if (batch.length > 0) yield batch;
      batch = [];
      yield [row];
      continue;
    }
    batch.push(row);
    if (batch.filter(({ sql }) => isDml(sql)).length < trans) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
