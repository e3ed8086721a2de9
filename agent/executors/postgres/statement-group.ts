import type { SqlStatement } from '../sql/split-statements.ts';
import { isLost, isServerError } from './statement-error.ts';

/** What an error is about. */
interface Place {
  readonly statement: SqlStatement;
  /** Of the task's text. */
  readonly line: number;
  /** The number of the last statement that it may be about. */
  readonly through: number;
}

/** Between two statements of one message: a line end, because the first may end with a comment of one line. */
const SEPARATOR = '\n;\n';
/** A message of this length costs little beside its execution; longer ones would only keep memory. */
const MAX_CHARS = 128 * 1024;
const MAX_STATEMENTS = 200;

/** Statements that go to the server in one message, so that not each of them waits for the way there and back. */
export class StatementGroup {
  readonly statements: SqlStatement[] = [];
  #chars = 0;

  constructor(statements: readonly SqlStatement[] = []) {
    for (const statement of statements) this.add(statement);
  }

  get isEmpty(): boolean {
    return this.statements.length === 0;
  }

  get isFull(): boolean {
    return this.#chars >= MAX_CHARS || this.statements.length >= MAX_STATEMENTS;
  }

  add(statement: SqlStatement): void {
    this.statements.push(statement);
    this.#chars += statement.text.length;
  }

  text(): string {
    return this.statements.map(({ text }) => text).join(SEPARATOR);
  }

  /**
   * Which statement an error is about, and in which line of the task's text. The server tells where in the message it
   * is; when it does not, it is the first one that has not been `completed`, of which it tells before it tells of an
   * error. When the connection is lost without a word it may be any from there on. A mistake in the syntax of any of them
   * is found before the first is executed.
   */
  locate(err: unknown, completed: number): Place | undefined {
    const position = isServerError(err) && err.position !== undefined ? Number(err.position) - 1 : undefined;
    const last = this.statements.at(-1);
    if (last === undefined) return undefined;
    const next = this.statements[completed] ?? last;
    const fallback = { statement: next, line: next.line, through: isLost(err) ? last.number : next.number };
    if (position === undefined) return fallback;
    let start = 0;
    for (const statement of this.statements) {
      const length = characters(statement.text);
      // At the end of a text the server points behind it.
      if (position <= start + length) return placeIn(statement, position - start);
      start += length + SEPARATOR.length;
      if (position < start) return placeIn(statement, length);
    }
    return fallback;
  }
}

const placeIn = (statement: SqlStatement, position: number): Place => ({
  statement,
  line: lineAt(statement, position),
  through: statement.number,
});

/** The server counts characters, JavaScript UTF-16 units. */
function characters(text: string): number {
  let count = text.length;
  for (let index = 0; index < text.length; index += 1) if ((text.charCodeAt(index) & 0xfc00) === 0xdc00) count -= 1;
  return count;
}

function lineAt({ text, line }: SqlStatement, position: number): number {
  let lines = line;
  let seen = 0;
  for (const character of text) {
    if (seen >= position) break;
    seen += 1;
    if (character === '\n') lines += 1;
  }
  return lines;
}
