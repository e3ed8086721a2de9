import { isUtf8 } from 'node:buffer';
import { EXCEPTION_START, parseException } from '../clickhouse-error.ts';
import { unescapeTsv } from '../statement/delimited-text.ts';
import { ConnectionError } from '../native/native-error.ts';
import { lineText } from './tsv-bytes.ts';
import { isNested } from './tsv-cell.ts';

/** A row of an answer in the format TabSeparatedWithNamesAndTypes, its fields still escaped. */
export type TsvRow = readonly string[];

export interface TsvColumn {
  readonly name: string;
  readonly type: string;
}

export interface TsvHandlers {
  columns(columns: readonly TsvColumn[]): void;
  row(fields: TsvRow): Promise<void> | undefined;
  /** A row of totals or extremes. */
  extra(fields: TsvRow): void;
}

const MAX_LINE_BYTES = 256 * 1024 * 1024;
const LINE_END = 0x0a;
const MAX_EXCEPTION_CHARS = 1024 * 1024;
/** How servers from version 25 on mark an exception within an answer. */
const MARK = '__exception__';

/**
 * Takes an HTTP answer apart, line by line. A server that fails in the middle of an answer has already said 200: its
 * exception stands at the end, after the rows, and is thrown.
 */
export class TsvAnswer {
  readonly #handlers: TsvHandlers;
  readonly #withTotals: boolean;
  #names: readonly string[] | undefined;
  #width = 0;
  #nested: readonly boolean[] = [];
  #extra = false;
  /** Lines that may be an exception, if nothing but its rest follows. */
  #suspect: string | undefined;

  constructor(handlers: TsvHandlers, withTotals: boolean) {
    this.#handlers = handlers;
    this.#withTotals = withTotals;
  }

  /** Reads all of the body. Rejects with a `ServerException`, a `ConnectionError`, or what the handlers reject with. */
  async read(body: AsyncIterable<Buffer>): Promise<void> {
    const rest = new Rest();
    try {
      for await (const chunk of body) {
        const end = chunk.lastIndexOf(LINE_END);
        if (end >= 0) {
          const whole = Buffer.concat([rest.take(), chunk.subarray(0, end)]);
          for (const line of this.#split(whole)) {
            const taken = this.#line(line);
            if (taken !== undefined) await taken;
          }
        }
        rest.add(chunk.subarray(end + 1));
      }
    } catch (err) {
      // Servers from version 24 on break the connection off after the exception's text.
      this.#throwException(rest.take().toString());
      throw err;
    }
    const last = rest.take();
    if (last.length > 0) await this.#line(lineText(last, this.#nested));
    this.#throwException('');
    await this.#flushSuspect();
  }

  #split(bytes: Buffer): Iterable<string> {
    return isUtf8(bytes) ? bytes.toString().split('\n') : this.#splitBytes(bytes);
  }

  /** Line by line: how one is read depends on the columns, which an earlier one tells. */
  *#splitBytes(bytes: Buffer): Generator<string> {
    for (let start = 0; start <= bytes.length;) {
      const found = bytes.indexOf(LINE_END, start);
      const end = found < 0 ? bytes.length : found;
      yield lineText(bytes.subarray(start, end), this.#nested);
      start = end + 1;
    }
  }

  #line(line: string): Promise<void> | undefined {
    if (this.#suspect !== undefined) {
      this.#suspect += `\n${line}`;
      return this.#suspect.length > MAX_EXCEPTION_CHARS ? this.#flushSuspect() : undefined;
    }
    if (EXCEPTION_START.test(line) || line.startsWith(MARK)) {
      this.#suspect = line;
      return undefined;
    }
    return this.#data(line);
  }

  #data(line: string): Promise<void> | undefined {
    const fields = line.split('\t');
    if (this.#names === undefined) {
      this.#names = fields.map(unescapeTsv);
      return undefined;
    }
    if (this.#width === 0) {
      this.#width = fields.length;
      const columns = fields.map((type, i) => ({ name: this.#names?.[i] ?? '', type: unescapeTsv(type) }));
      this.#nested = columns.map(({ type }) => isNested(type));
      this.#handlers.columns(columns);
      return undefined;
    }
    // An empty line stands before totals and extremes; in a single column it may be a row.
    if (line === '' && (this.#width > 1 || this.#withTotals)) {
      this.#extra = true;
      return undefined;
    }
    if (fields.length !== this.#width)
      throw new ConnectionError(`the server sent a row of ${fields.length} fields instead of ${this.#width}`);
    if (!this.#extra) return this.#handlers.row(fields);
    this.#handlers.extra(fields);
    return undefined;
  }

  #throwException(rest: string): void {
    const text = `${this.#suspect ?? ''}\n${rest}`;
    const marked = text.trim().startsWith(MARK) || rest.startsWith(MARK);
    const exception = parseException(marked ? withoutMark(text) : text);
    if (exception !== undefined) throw exception;
  }

  async #flushSuspect(): Promise<void> {
    const lines = this.#suspect?.split('\n') ?? [];
    this.#suspect = undefined;
    for (const line of lines) await this.#data(line);
  }
}

/** The beginning of a line whose end has not come. */
class Rest {
  #pieces: Buffer[] = [];
  #bytes = 0;

  add(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    if (this.#bytes > MAX_LINE_BYTES)
      throw new ConnectionError(`the server sent a row of more than ${MAX_LINE_BYTES} bytes`);
  }

  take(): Buffer {
    const taken = Buffer.concat(this.#pieces, this.#bytes);
    this.#pieces = [];
    this.#bytes = 0;
    return taken;
  }
}

/** The mark, a tag, the exception, its length with the tag, and the mark again. */
const withoutMark = (text: string): string =>
  text.slice(text.indexOf('Code: ')).replace(/\r?\n\d+ \w+\r?\n__exception__\s*$/, '');
