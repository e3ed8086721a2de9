import { displayWidth } from './display-width.ts';
import { CELL_SEPARATOR } from './row-sink.ts';
import type { SpooledRows } from './row-sink.ts';
import { RowSpool } from './row-spool.ts';
import type { RowSpoolOptions } from './row-spool.ts';
import type { TableColumn } from './text-table.ts';
import { cellText, jsonText } from './value-text.ts';

/** Takes the documents that one operation found until it has ended. */
export interface DocumentSink {
  /** Adds a document; the promise is as that of `RowSink.add`. */
  add(document: object): Promise<void> | undefined;
  readonly count: number;
}

/** Documents with ever new keys would make a table of any width: from here on keys stand together in one column. */
const MAX_COLUMNS = 200;
const REST = '…';

/** Documents as lines of cells; the columns are the keys in the order in which they first appeared. */
export class TextDocumentSink implements DocumentSink, SpooledRows {
  readonly spool: RowSpool;
  readonly columns = undefined;
  readonly #columns = new Map<string, { index: number; width: number; numeric: boolean }>();
  #count = 0;

  constructor(options: RowSpoolOptions) {
    this.spool = new RowSpool(options);
  }

  get count(): number {
    return this.#count;
  }

  add(document: object): Promise<void> | undefined {
    this.#count += 1;
    const cells: string[] = [];
    const rest: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(document)) {
      if (value === undefined) continue;
      if (this.#columns.has(key) || this.#columns.size < MAX_COLUMNS) this.#put(cells, key, value);
      else rest[key] = value;
    }
    for (const _ in rest) {
      this.#put(cells, REST, rest);
      break;
    }
    return this.spool.append(Array.from(cells, (cell) => cell ?? '').join(CELL_SEPARATOR));
  }

  tableColumns(): readonly TableColumn[] {
    return [...this.#columns].map(([name, { width, numeric }]) => ({ name: cellText(name), width, numeric }));
  }

  #put(cells: string[], key: string, value: unknown): void {
    let column = this.#columns.get(key);
    if (column === undefined) {
      column = { index: this.#columns.size, width: 0, numeric: true };
      this.#columns.set(key, column);
    }
    const cell = cellText(value);
    column.width = Math.max(column.width, displayWidth(cell));
    if (value !== null && typeof value !== 'number' && typeof value !== 'bigint') column.numeric = false;
    cells[column.index] = cell;
  }
}

/** Documents as they are, one a line. */
export class JsonDocumentSink implements DocumentSink, SpooledRows {
  readonly spool: RowSpool;
  readonly columns = undefined;
  #count = 0;

  constructor(options: RowSpoolOptions) {
    this.spool = new RowSpool(options);
  }

  get count(): number {
    return this.#count;
  }

  add(document: object): Promise<void> | undefined {
    this.#count += 1;
    return this.spool.append(jsonText(document));
  }

  tableColumns(): readonly TableColumn[] {
    return [];
  }
}
