import type { OutputSink } from '../executor.ts';
import { JsonDocumentSink, TextDocumentSink } from './document-sink.ts';
import type { DocumentSink } from './document-sink.ts';
import { CELL_SEPARATOR, JsonRowSink, TextRowSink } from './row-sink.ts';
import type { Column, RowSink, SpooledRows } from './row-sink.ts';
import { TextTable, rowCount } from './text-table.ts';
import { jsonText } from './value-text.ts';

export type { Column, RowSink } from './row-sink.ts';
export type { DocumentSink } from './document-sink.ts';

export interface ResultWriterOptions {
  /** Between the texts of two statements. */
  readonly separator: '\n\n' | '\n';
  /** Where rows lie while their statement goes on, when they are many. */
  readonly spoolFolder: string;
  /** How many bytes may still be written there; as the disk says unless set. */
  readonly freeBytes?: () => number;
  /** How many entries are written already, by an earlier process. */
  readonly entries?: number;
}

const WRITE_CHARS = 128 * 1024;

/**
 * Writes what statements gave, in order: as the manual's text with tables, or as one JSON document. A statement's rows
 * are kept until it has ended, because their number and the widths of their columns come first.
 */
export class ResultWriter {
  readonly #output: OutputSink;
  readonly #format: 'text' | 'json';
  readonly #separator: string;
  readonly #spool: { readonly folder: string; readonly freeBytes?: () => number };
  readonly #open = new Set<SpooledRows>();
  #pending = '';
  #entries: number;
  #ended = false;

  constructor(output: OutputSink, format: 'text' | 'json', options: ResultWriterOptions) {
    const { separator, spoolFolder, freeBytes, entries = 0 } = options;
    this.#output = output;
    this.#format = format;
    this.#separator = separator;
    this.#entries = entries;
    this.#spool = { folder: spoolFolder, ...(freeBytes === undefined ? {} : { freeBytes }) };
  }

  /** For the rows of one statement; to be given to `finish`, else it is closed by `end`. */
  rows(columns: readonly Column[]): RowSink {
    const Sink = this.#format === 'text' ? TextRowSink : JsonRowSink;
    return this.#opened(new Sink(columns, this.#spool));
  }

  /** For the documents of one operation: the columns are their keys. */
  documents(): DocumentSink {
    return this.#opened(new (this.#format === 'text' ? TextDocumentSink : JsonDocumentSink)(this.#spool));
  }

  /**
   * Writes what one statement gave: `heading` as text, or `fields` as JSON; then its rows. Rejects with the error of the
   * sink, if rows could not be kept, or of reading them back.
   */
  async finish(
    heading: readonly string[],
    fields: Readonly<Record<string, unknown>>,
    rows?: RowSink | DocumentSink,
  ): Promise<void> {
    const spooled = rows as SpooledRows | undefined;
    this.#entries += 1;
    if (this.#format === 'text') {
      this.#pending += (this.#entries === 1 ? '' : this.#separator) + heading.join('\n');
      if (spooled !== undefined) await this.#writeTable(spooled);
    } else {
      this.#pending += `${this.#entries === 1 ? '{"statements":[' : ','}\n${jsonText(fields).slice(0, -1)}`;
      if (spooled !== undefined) await this.#writeArray(spooled, Object.keys(fields).length === 0 ? '' : ',');
      this.#pending += '}';
    }
    if (spooled !== undefined) await this.#close(spooled);
    // One write for many short statements.
    if (this.#pending.length > WRITE_CHARS) await this.#flush();
  }

  /** Gives what was finished to the output, and returns how many entries that is. */
  async flush(): Promise<number> {
    await this.#flush();
    return this.#entries;
  }

  /** Ends the result, also after an error: closes the JSON document with `summary` in it, and what is open. */
  async end(summary: Readonly<Record<string, unknown>>): Promise<void> {
    for (const rows of [...this.#open]) await this.#close(rows);
    if (this.#ended) return;
    this.#ended = true;
    if (this.#format === 'json') {
      const rest = jsonText(summary).slice(1);
      this.#pending += `${this.#entries === 0 ? '{"statements":[' : '\n'}]${rest === '}' ? '' : ','}${rest}`;
    }
    await this.#flush();
  }

  #opened<S extends SpooledRows>(sink: S): S {
    this.#open.add(sink);
    return sink;
  }

  async #close(rows: SpooledRows): Promise<void> {
    this.#open.delete(rows);
    await rows.spool.close();
  }

  async #writeTable(rows: SpooledRows): Promise<void> {
    const columns = rows.tableColumns();
    const table = new TextTable(columns);
    if (columns.length > 0) this.#pending += `\n${table.head()}`;
    for await (const lines of rows.spool.read())
      for (const line of lines) {
        this.#pending += `\n${table.row(line.split(CELL_SEPARATOR))}`;
        if (this.#pending.length > WRITE_CHARS) await this.#flush();
      }
    this.#pending += `\n(${rowCount(rows.count)})`;
  }

  async #writeArray(rows: SpooledRows, separator: string): Promise<void> {
    const columns = rows.columns?.map(({ name, type }) => ({ name, type }));
    this.#pending += `${separator}${columns === undefined ? '' : `"columns":${JSON.stringify(columns)},`}"rows":[`;
    let first = true;
    for await (const lines of rows.spool.read())
      for (const line of lines) {
        this.#pending += `${first ? '' : ','}\n${line}`;
        first = false;
        if (this.#pending.length > WRITE_CHARS) await this.#flush();
      }
    this.#pending += ']';
  }

  async #flush(): Promise<void> {
    if (this.#pending === '') return;
    const bytes = Buffer.from(this.#pending);
    this.#pending = '';
    await this.#output.write(bytes);
  }
}
