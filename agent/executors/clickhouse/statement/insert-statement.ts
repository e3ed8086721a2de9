import { nextToken, StatementError } from './tokens.ts';
import type { Token } from './tokens.ts';

/** An INSERT with its rows in the statement. */
export interface InsertStatement {
  /** Up to VALUES or FORMAT, without them: `INSERT INTO t (a, b)`. */
  readonly head: string;
  /** `Values`, `CSV` and so on, as it is written. */
  readonly format: string;
  /** Where the rows begin in the statement. */
  readonly dataStart: number;
}

/**
 * Takes an INSERT apart that brings its own rows. Undefined for any other statement, also INSERT … SELECT. Throws
 * `StatementError` when it has no rows.
 */
export function parseInsert(text: string): InsertStatement | undefined {
  const reader = new Words(text);
  if (!reader.takeWord('insert') || !reader.takeWord('into')) return undefined;
  reader.takeWord('table');
  if (reader.takeWord('function')) reader.takeName();
  else if (!reader.takeName()) return undefined;
  // Columns, a function's arguments, SETTINGS, PARTITION BY: whatever stands before the rows.
  for (;;) {
    const token = reader.take();
    if (token.kind === 'end') return undefined;
    if (token.kind !== 'word' || reader.depth > 0) continue;
    const head = text.slice(0, token.start).trimEnd();
    switch (reader.textOf(token).toLowerCase()) {
      case 'values':
        return complete(text, { head, format: 'Values', dataStart: token.end });
      case 'format': {
        const format = reader.take();
        if (reader.textOf(format).toLowerCase() === 'values')
          return complete(text, { head, format: 'Values', dataStart: format.end });
        // Blanks and one line end separate the name from the data.
        const gap = /^[ \t\f]*\r?\n?/.exec(text.slice(format.end, format.end + 1000))?.[0].length ?? 0;
        return complete(text, { head, format: reader.textOf(format), dataStart: format.end + gap });
      }
      case 'select':
      case 'with':
      case 'from':
      case 'watch':
        return undefined;
      default:
    }
  }
}

function complete(text: string, insert: InsertStatement): InsertStatement {
  if (text.slice(insert.dataStart).trim() === '')
    throw new StatementError(`INSERT without rows: the statement ends after ${insert.format}`);
  return insert;
}

class Words {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** How many brackets are open after the last token. */
  get depth(): number {
    return this.#depth;
  }

  textOf({ start, end }: Token): string {
    return this.#text.slice(start, end);
  }

  take(): Token {
    const token = nextToken(this.#text, this.#at);
    this.#at = token.end;
    if (token.kind === 'symbol') {
      const char = this.#text[token.start];
      if (char === '(') this.#depth += 1;
      else if (char === ')') this.#depth -= 1;
    }
    return token;
  }

  takeWord(word: string): boolean {
    const token = nextToken(this.#text, this.#at);
    if (token.kind !== 'word' || this.textOf(token).toLowerCase() !== word) return false;
    this.#at = token.end;
    return true;
  }

  /** A table's name, with or without its database. */
  takeName(): boolean {
    const first = this.take();
    if (first.kind !== 'word' && first.kind !== 'name') return false;
    const dot = nextToken(this.#text, this.#at);
    if (dot.kind === 'symbol' && this.#text[dot.start] === '.') {
      this.take();
      this.take();
    }
    return true;
  }
}
