import { KIND, characterKinds, wordTest } from './character-kinds.ts';
import { blockComment, dollarQuoted, lineComment, longWord, quoted } from './hidden-text.ts';
import type { HiddenText } from './hidden-text.ts';
import { DIALECTS } from './sql-dialect.ts';
import type { DialectRules, SqlDialect } from './sql-dialect.ts';
import { SqlSyntaxError } from './sql-syntax-error.ts';
import { StatementText } from './statement-text.ts';
import { StatementWords } from './statement-words.ts';
import { TextWindow } from './text-window.ts';

export interface ScannedStatement {
  readonly text: string;
  /** From 1. */
  readonly line: number;
  /** COPY … FROM stdin: its data comes next. */
  readonly copy: boolean;
}

/** Words up to this length are looked at; no keyword is longer. */
const MAX_WORD = 64;
/** Names of dollar quotes and commands of clients are looked for within this many characters. */
const MAX_LOOKAHEAD = 4096;

const DOLLAR_QUOTE = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y;
const UNFINISHED_DOLLAR_QUOTE = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?$/y;

/**
 * Finds where statements end in a text that comes in pieces. It follows the servers' own scanners in what hides a
 * semicolon, and psql and the mysql client in what only clients know. Why no library does it: ADR 11.
 */
export class StatementScanner {
  readonly window = new TextWindow();
  readonly #rules: DialectRules;
  readonly #kinds: Uint8Array;
  readonly #isWord: (code: number) => boolean;
  readonly #words = new StatementWords();
  readonly #statement = new StatementText(this.window);
  #hidden: HiddenText | undefined;
  #hiddenLine = 1;
  /** What comes next cannot be told without the next piece. */
  #waiting = false;
  #delimiter = ';';
  #delimiterCode = 59;
  /** The quotes in which a backslash escapes: PostgreSQL and MySQL have settings for that. */
  #escapingQuotes: string;
  /** Round brackets that are open. */
  #depth = 0;

  constructor(dialect: SqlDialect, { noBackslashEscapes = false }: { readonly noBackslashEscapes?: boolean } = {}) {
    this.#rules = DIALECTS[dialect];
    this.#escapingQuotes = noBackslashEscapes ? '' : this.#rules.escapingQuotes;
    this.#kinds = characterKinds(this.#rules);
    this.#isWord = wordTest(this.#rules);
  }

  /** Adds a piece. Throws `SqlSyntaxError` when a statement is too long. */
  feed(piece: string): void {
    this.#statement.keep();
    this.window.feed(piece);
    this.#waiting = false;
  }

  /** No further piece comes. */
  finish(): void {
    this.window.final = true;
    this.#waiting = false;
  }

  /** The next statement; undefined when a piece must be fed first, or at the end. Throws `SqlSyntaxError`. */
  next(): ScannedStatement | undefined {
    const { window } = this;
    while (window.pos < window.text.length && !this.#waiting) {
      if (this.#hidden !== undefined) {
        if (!this.#hidden.skip(window)) break;
        this.#hidden = undefined;
        continue;
      }
      const found = this.#scanCode();
      if (found !== undefined) return found;
    }
    if (!window.final) return undefined;
    if (this.#hidden?.unfinished !== undefined)
      throw new SqlSyntaxError(
        `the ${this.#hidden.unfinished} that begins in line ${this.#hiddenLine} does not end`,
        this.#hiddenLine,
      );
    this.#hidden = undefined;
    return this.#complete(0);
  }

  #scanCode(): ScannedStatement | undefined {
    const { window } = this;
    const { text } = window;
    const kinds = this.#kinds;
    while (window.pos < text.length && this.#hidden === undefined && !this.#waiting) {
      const { pos } = window;
      const code = text.charCodeAt(pos);
      const kind = code < 128 ? kinds[code] : KIND.word;
      if (kind === KIND.space) {
        window.pos += 1;
        continue;
      }
      if (code === this.#delimiterCode && this.#depth === 0 && !this.#words.inBody) {
        if (text.startsWith(this.#delimiter, pos)) {
          const found = this.#complete(this.#delimiter.length);
          if (found !== undefined) return found;
          continue;
        }
        if (!window.final && this.#delimiter.startsWith(text.slice(pos, pos + this.#delimiter.length))) {
          this.#waiting = true;
          continue;
        }
      }
      if (kind === KIND.other) this.#take(1);
      else this.#begin(kind, code);
    }
    return undefined;
  }

  /** Something begins at the window's position that may be more than its first character. */
  #begin(kind: number | undefined, code: number): void {
    switch (kind) {
      case KIND.word:
        return this.#beginWord(code);
      case KIND.quote:
        return this.#beginQuote(String.fromCharCode(code));
      case KIND.comment:
        return this.#beginComment();
      case KIND.dollar:
        return this.#beginDollar();
      case KIND.backslash:
        return this.#beginCommand();
      case KIND.open:
        this.#depth += 1;
        return this.#take(1);
      default:
        this.#depth = Math.max(0, this.#depth - 1);
        return this.#take(1);
    }
  }

  #beginWord(code: number): void {
    const { text, pos, final } = this.window;
    let end = pos + 1;
    while (end < text.length && this.#isWord(text.charCodeAt(end))) end += 1;
    const short = end - pos <= MAX_WORD;
    if (end === text.length && !final) {
      if (short) {
        this.#waiting = true;
        return;
      }
      this.#hide(longWord(this.#isWord));
    }
    const word = short && this.#words.watching ? text.slice(pos, end).toLowerCase() : '';
    if (word === 'delimiter' && this.#rules.delimiterCommand && !this.#statement.hasCode)
      return this.#setDelimiter(end);
    this.#take(end - pos);
    if (word !== '') this.#words.add(word, this.#depth);
    if (this.#rules.escapeStrings && end === pos + 1 && (code | 32) === 101 && text[end] === "'") {
      this.#take(1);
      this.#hide(quoted("'", true));
    }
  }

  #beginQuote(quote: string): void {
    this.#take(1);
    this.#hide(quoted(quote, this.#escapingQuotes.includes(quote)));
  }

  #beginComment(): void {
    const { text, pos, final } = this.window;
    const ahead = text.slice(pos, pos + 4);
    if (ahead.length < 4 && !final) {
      this.#waiting = true;
      return;
    }
    if (this.#isLineComment(ahead)) return this.#hide(lineComment(this.#rules.lineEnds));
    if (!ahead.startsWith('/*') || this.#rules.codeComment?.test(ahead) === true)
      return this.#take(ahead.startsWith('/*') ? 2 : 1);
    // A hint in front of a statement belongs to it; remarks in lines of their own do not.
    this.#statement.begin();
    this.window.pos += 2;
    this.#hide(blockComment(this.#rules.nestedComments));
  }

  #isLineComment(ahead: string): boolean {
    if (ahead.startsWith('#')) return this.#rules.hashComment?.test(ahead.slice(1)) === true;
    return ahead.startsWith('--') && (!this.#rules.dashNeedsSpace || /^--([\0- ]|$)/.test(ahead));
  }

  #beginDollar(): void {
    const { text, pos, final } = this.window;
    DOLLAR_QUOTE.lastIndex = UNFINISHED_DOLLAR_QUOTE.lastIndex = pos;
    const tag = DOLLAR_QUOTE.exec(text)?.[0];
    if (tag === undefined && !final && text.length - pos < MAX_LOOKAHEAD && UNFINISHED_DOLLAR_QUOTE.test(text)) {
      this.#waiting = true;
      return;
    }
    this.#take(tag?.length ?? 1);
    if (tag !== undefined) this.#hide(dollarQuoted(tag));
  }

  /** psql's own commands. A server knows no backslash outside quotes. */
  #beginCommand(): void {
    const { text, pos, final } = this.window;
    const end = text.indexOf('\n', pos);
    if (end < 0 && !final && text.length - pos < MAX_LOOKAHEAD) {
      this.#waiting = true;
      return;
    }
    const command = /^\\(\S*)/.exec(text.slice(pos, pos + MAX_LOOKAHEAD))?.[0] ?? '\\';
    const line = this.window.lineAt(pos);
    // pg_dump puts its dumps between these two, so that psql takes no other command from them.
    if (!/^\\(un)?restrict$/.test(command) || this.#statement.hasCode)
      throw new SqlSyntaxError(`line ${line} holds psql's own command ${command}, which only psql can execute`, line);
    this.#hide(lineComment(this.#rules.lineEnds));
  }

  /** DELIMITER of the mysql client; `end` is where the word ends. */
  #setDelimiter(end: number): void {
    const { window } = this;
    const lineEnd = window.text.indexOf('\n', end);
    if (lineEnd < 0 && !window.final) {
      if (window.text.length - end > MAX_LOOKAHEAD) throw this.#badDelimiter();
      this.#waiting = true;
      return;
    }
    const rest = window.text.slice(end, lineEnd < 0 ? undefined : lineEnd);
    const delimiter = /\S+/.exec(rest)?.[0];
    if (delimiter === undefined || delimiter.includes('\\')) throw this.#badDelimiter();
    this.#delimiter = delimiter;
    this.#delimiterCode = delimiter.charCodeAt(0);
    window.pos = end + rest.length;
  }

  #badDelimiter(): SqlSyntaxError {
    const line = this.window.lineAt(this.window.pos);
    return new SqlSyntaxError(
      `DELIMITER in line ${line} must be followed by a delimiter, which holds no backslash`,
      line,
    );
  }

  #take(count: number): void {
    this.#statement.take(count);
  }

  #hide(hidden: HiddenText): void {
    this.#hidden = hidden;
    this.#hiddenLine = this.window.lineAt(this.window.pos);
  }

  /** The statement ends here, before `skip` characters of a delimiter. */
  #complete(skip: number): ScannedStatement | undefined {
    const found = this.#statement.end();
    const { copy } = this.#words;
    if (found !== undefined) this.#followSettings(found.text);
    this.#words.reset();
    this.#depth = 0;
    this.window.pos += skip;
    return found === undefined ? undefined : { ...found, copy };
  }

  #followSettings(text: string): void {
    const { psql, escapingQuotes } = this.#rules;
    // Off in dumps of old servers.
    if (psql && this.#words.sets('standard_conforming_strings'))
      this.#escapingQuotes = /(=|\bto)\s*'?(off|false|no|0|of|f|n|fa\w*)'?$/i.test(text) ? "'" : escapingQuotes;
    const sets = this.#rules.sqlMode && this.#words.sets('sql_mode');
    if (!sets || this.#words.sets('global') || this.#words.sets('persist')) return;
    const has = (mode: RegExp): boolean => mode.test(text) && !/\bREPLACE\s*\(/i.test(text);
    if (has(/\bNO_BACKSLASH_ESCAPES\b/i)) this.#escapingQuotes = '';
    else this.#escapingQuotes = has(/\bANSI(?:_QUOTES)?\b/i) ? "'" : escapingQuotes;
  }
}
