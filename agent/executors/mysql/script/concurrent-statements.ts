import type { SqlStatement } from '../../sql/split-statements.ts';
import { Lanes } from './lanes.ts';
import type { LanesOptions } from './lanes.ts';
import type { ScriptRunOptions } from './script-run.ts';
import { blame } from './session-work.ts';
import { StatementFailed } from './statement-error.ts';
import { isReadOnly, statementKind } from '../text/statement-kind.ts';
import type { StatementKind } from '../text/statement-kind.ts';
import { charsetRefusal } from './transaction-rules.ts';

export interface ConcurrentStatementsOptions extends LanesOptions {
  readonly onStatement?: ScriptRunOptions['onStatement'];
  /** Told that what follows runs one after the other, and why. */
  readonly onEnd: (why: string) => Promise<void> | undefined;
}

/** What gives another answer in another session. */
const OF_SESSION =
  /\b(?:LAST_INSERT_ID|ROW_COUNT|FOUND_ROWS|SQL_CALC_FOUND_ROWS|CONNECTION_ID|(?:GET|IS_FREE|IS_USED)_LOCK|RELEASE_(?:ALL_)?LOCKS?|LASTVAL|PREVIOUS VALUE)\b/i;
/** SET of what every session can set alike: names, no variables of the text's, nothing that is computed. */
const ALIKE =
  /^\s*SET\s+(?!GLOBAL|PERSIST|@@GLOBAL|@@PERSIST|ROLE|DEFAULT|TRANSACTION)(?:[^@(]|@@(?!GLOBAL|PERSIST))+$/i;
const OF_SERVER = /^\s*SET\s+(?:GLOBAL|PERSIST|PERSIST_ONLY|@@GLOBAL\.|@@PERSIST)/i;

/**
 * Lets the statements of a text that need no order run side by side (`exec_options.concurrency`): changes and queries
 * between all others, which are barriers and run by themselves.
 */
export class ConcurrentStatements {
  readonly #options: ConcurrentStatementsOptions;
  readonly #lanes: Lanes;
  #hasEnded = false;
  #hasChanged = false;

  constructor(options: ConcurrentStatementsOptions) {
    this.#options = options;
    this.#lanes = new Lanes(options);
  }

  /** Whether a change ran beside others. */
  get hasChanged(): boolean {
    return this.#hasChanged;
  }

  /** The barriers, each when nothing else runs; `isIdle`: whether no transaction or lock of the text's is open. */
  async *barriers(statements: AsyncIterable<SqlStatement>, isIdle: () => boolean): AsyncGenerator<SqlStatement> {
    const { session } = this.#options;
    try {
      for await (const statement of statements) {
        const kind = statementKind(statement.text, session.serverVersion);
        if (!this.#hasEnded && (kind === 'dml' || isReadOnly(kind)) && isIdle()) {
          await this.#add(statement, kind);
          continue;
        }
        await this.#lanes.drain();
        yield statement;
        await blame(statement, () => this.#follow(statement, kind));
      }
      await this.#lanes.drain();
    } finally {
      await this.#lanes.close();
    }
  }

  async #add(statement: SqlStatement, kind: StatementKind): Promise<void> {
    const { session, onStatement } = this.#options;
    const found = OF_SESSION.exec(statement.text)?.[0];
    const refused =
      found === undefined
        ? charsetRefusal(session, statement.text)
        : `${found.toUpperCase()} tells of its own connection only, and exec_options.concurrency has several: set it to 1`;
    if (refused !== undefined) {
      await this.#lanes.drain();
      throw new StatementFailed(statement, new Error(refused));
    }
    await blame(statement, async () => onStatement?.(statement, kind));
    if (kind === 'dml') this.#hasChanged = true;
    await this.#lanes.add(statement, kind);
  }

  /** What one session has set, the others must set too; what they cannot ends their work. */
  async #follow({ number, text }: SqlStatement, kind: StatementKind): Promise<void> {
    if (this.#hasEnded || (kind !== 'set' && kind !== 'use')) return;
    if (kind === 'use' || ALIKE.test(text)) return this.#lanes.set(text);
    if (OF_SERVER.test(text)) return;
    this.#hasEnded = true;
    await this.#options.onEnd(
      `statement ${number} sets what only its own connection knows: what follows runs one after the other`,
    );
  }
}
