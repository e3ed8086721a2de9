import type { SqlStatement } from '../../sql/split-statements.ts';

/** A query of this length costs little beside its execution; longer ones would only keep memory. */
const MAX_CHARS = 64 * 1024;
const MAX_STATEMENTS = 100;

/** Statements that go to the server in one query. */
export class StatementGroup {
  readonly statements: SqlStatement[] = [];
  #chars = 0;

  get isFull(): boolean {
    return this.#chars >= MAX_CHARS || this.statements.length >= MAX_STATEMENTS;
  }

  add(statement: SqlStatement): void {
    this.statements.push(statement);
    this.#chars += statement.text.length;
  }
}
