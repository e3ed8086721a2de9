import type { RollbackSink } from '../../executor.ts';
import type { LoggedChange } from '../binlog/row-change.ts';
import type { SentStatement } from '../script/transaction-observer.ts';
import { ReverseSpool } from './reverse-spool.ts';
import { writeScript } from './rollback-script.ts';
import { rollbackStatement } from './rollback-statement.ts';
import { StatementTally } from './statement-tally.ts';
import type { StatementTexts } from './statement-tally.ts';
import type { TableCatalog } from './table-catalog.ts';

/** Marker rows of a ledger stand in the task's own transactions, and stay. */
const LEDGER = { schema: 'tiangong', table: 'statement_ledger' };
const MAX_REMARKS = 20;

/** The changes of one committed transaction, while they are read. */
export interface LoggedTransaction {
  take(change: LoggedChange): Promise<void>;
  /** All were taken. What undoes each of the statements that changed rows. */
  end(changing: readonly SentStatement[]): StatementTexts;
  /** They could not be read whole: nothing of them is kept. */
  forget(): Promise<void>;
}

/** All that a task has changed, as the statements that undo it. */
export class ChangeLog {
  readonly #spool: ReverseSpool;
  readonly #remarks: string[] = [];
  #statements = 0;
  #inexact: string | undefined;

  constructor(spoolFolder: string) {
    this.#spool = new ReverseSpool({ folder: spoolFolder });
  }

  /** Why the whole does not bring back every row; the first reason is shown. */
  inexact(why: string): void {
    this.#inexact ??= why;
  }

  /** A line for the head of the script. */
  remark(text: string): void {
    if (this.#remarks.length < MAX_REMARKS) this.#remarks.push(text);
  }

  begin(catalog: TableCatalog, maxStatementBytes: number): LoggedTransaction {
    const { bytes } = this.#spool;
    const tally = new StatementTally();
    const take = async (change: LoggedChange): Promise<void> => {
      const { schema, table, statementEnd } = change;
      if (schema === LEDGER.schema && table === LEDGER.table) return;
      if (change.kind === 'unreadable') return tally.add(undefined, change.why, statementEnd);
      const facts = await catalog.get(schema, table);
      if (facts === undefined)
        return tally.add(undefined, `there is no table ${schema}.${table} any more`, statementEnd);
      const { sql, inexact } = rollbackStatement(change, facts);
      const tooLong =
        sql !== undefined && Buffer.byteLength(sql) > maxStatementBytes
          ? `a row of ${schema}.${table} makes a longer statement than the server takes (max_allowed_packet)`
          : undefined;
      tally.add(sql, inexact ?? tooLong, statementEnd);
      if (sql !== undefined) await this.#spool.append(`${sql};`);
    };
    return {
      take,
      end: (changing) => {
        const texts = tally.texts(changing);
        this.#statements += tally.statements;
        this.#inexact ??= tally.inexact;
        return texts;
      },
      forget: () => this.#spool.cutTo(bytes),
    };
  }

  /** Writes the script, the newest change first, and says what it is. */
  async writeTo(sink: RollbackSink, title: string): Promise<void> {
    const exact = this.#inexact === undefined;
    if (this.#statements === 0) {
      sink.end({ available: false, exact, statements: 0, message: this.#inexact ?? 'no row was changed' });
      return;
    }
    const message = this.#inexact === undefined ? {} : { message: this.#inexact };
    const summary = { available: true, exact, statements: this.#statements, ...message };
    await writeScript(sink, this.#spool, { title, summary, remarks: this.#remarks });
    sink.end(summary);
  }

  close(): Promise<void> {
    return this.#spool.close();
  }
}
