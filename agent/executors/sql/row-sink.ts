import { displayWidth } from './display-width.ts';
import { RowSpool } from './row-spool.ts';
import type { RowSpoolOptions } from './row-spool.ts';
import type { TableColumn } from './text-table.ts';
import { cellText, jsonText } from './value-text.ts';

export interface Column {
  readonly name: string;
  /** The server's name of the type, for readers. */
  readonly type?: string;
  /** Shown to the right. */
  readonly numeric?: boolean;
  /** Its strings are JSON, which stands as it is in a JSON result. */
  readonly json?: boolean;
}

/** Takes the rows of one statement until it has ended. */
export interface RowSink {
  /**
   * Adds a row, a value for each column. When a promise comes back, nothing more should be added before it resolves; it
   * rejects with `SpoolError` when the disk is full.
   */
  add(values: readonly unknown[]): Promise<void> | undefined;
  readonly count: number;
}

/** What a sink has for the writer. */
export interface SpooledRows {
  readonly spool: RowSpool;
  readonly count: number;
  /** For JSON; undefined: rows tell it themselves. */
  readonly columns: readonly Column[] | undefined;
  /** For text: how wide the cells are, now that all are known. */
  tableColumns(): readonly TableColumn[];
}

/** Between the cells of a line: no cell holds a control character. */
export const CELL_SEPARATOR = '\x1f';

/** Rows as lines of cells, for text. */
export class TextRowSink implements RowSink, SpooledRows {
  readonly spool: RowSpool;
  readonly columns: readonly Column[];
  readonly #widths: number[];
  #count = 0;

  constructor(columns: readonly Column[], options: RowSpoolOptions) {
    this.spool = new RowSpool(options);
    this.columns = columns;
    this.#widths = columns.map(() => 0);
  }

  get count(): number {
    return this.#count;
  }

  add(values: readonly unknown[]): Promise<void> | undefined {
    this.#count += 1;
    let line = '';
    for (let index = 0; index < this.columns.length; index += 1) {
      const cell = cellText(values[index]);
      this.#widths[index] = Math.max(this.#widths[index] ?? 0, displayWidth(cell));
      line += index === 0 ? cell : CELL_SEPARATOR + cell;
    }
    return this.spool.append(line);
  }

  tableColumns(): readonly TableColumn[] {
    return this.columns.map(({ name, numeric = false }, index) => ({
      name: cellText(name),
      width: this.#widths[index] ?? 0,
      numeric,
    }));
  }
}

/** Rows as JSON objects, one a line. */
export class JsonRowSink implements RowSink, SpooledRows {
  readonly spool: RowSpool;
  readonly columns: readonly Column[];
  readonly #keys: readonly string[];
  #count = 0;

  constructor(columns: readonly Column[], options: RowSpoolOptions) {
    this.spool = new RowSpool(options);
    this.columns = uniqueNames(columns);
    this.#keys = this.columns.map(({ name }, index) => `${index === 0 ? '' : ','}${JSON.stringify(name)}:`);
  }

  get count(): number {
    return this.#count;
  }

  add(values: readonly unknown[]): Promise<void> | undefined {
    this.#count += 1;
    let line = '{';
    this.#keys.forEach((key, index) => {
      const value = values[index];
      const isJson = this.columns[index]?.json === true && typeof value === 'string';
      // White space is all that JSON may have line ends in.
      line += key + (isJson ? value.replaceAll(/[\r\n]+/g, ' ') : jsonText(value));
    });
    return this.spool.append(`${line}}`);
  }

  tableColumns(): readonly TableColumn[] {
    return [];
  }
}

/** An object has a key once: of equal names the later ones get a number. */
function uniqueNames(columns: readonly Column[]): readonly Column[] {
  const used = new Set<string>();
  return columns.map((column) => {
    let { name } = column;
    for (let number = 2; used.has(name); number += 1) name = `${column.name}_${number}`;
    used.add(name);
    return name === column.name ? column : { ...column, name };
  });
}
