import { displayWidth } from './display-width.ts';

export interface TableColumn {
  readonly name: string;
  /** The widest cell, in cells of a terminal. */
  readonly width: number;
  readonly numeric: boolean;
}

/** Columns are aligned up to this width: one long cell does not fill every row with spaces. Longer cells stay whole. */
const MAX_WIDTH = 100;

/** Writes rows as psql does: a space at both sides of a cell, numbers to the right, no spaces at the end of a line. */
export class TextTable {
  readonly #columns: readonly TableColumn[];

  constructor(columns: readonly TableColumn[]) {
    this.#columns = columns.map(({ name, width, numeric }) => ({
      name,
      width: Math.min(MAX_WIDTH, Math.max(width, displayWidth(name))),
      numeric,
    }));
  }

  /** The names, in the middle of their columns, and the line below them. */
  head(): string {
    const names = this.#columns.map(({ name, width }) => {
      const space = Math.max(0, width - displayWidth(name));
      return ` ${' '.repeat(space >> 1)}${name}${' '.repeat(space - (space >> 1))} `;
    });
    const ruler = this.#columns.map(({ width }) => '-'.repeat(width + 2));
    return `${names.join('|').trimEnd()}\n${ruler.join('+')}`;
  }

  /** A row of cells without control characters; missing ones at the end are empty. */
  row(cells: readonly string[]): string {
    let line = '';
    const last = this.#columns.length - 1;
    this.#columns.forEach(({ width, numeric }, index) => {
      const cell = cells[index] ?? '';
      const space = numeric || index < last ? ' '.repeat(Math.max(0, width - displayWidth(cell))) : '';
      line += `${index === 0 ? ' ' : '| '}${numeric ? space + cell : cell + space}${index < last ? ' ' : ''}`;
    });
    return line.trimEnd();
  }
}

/** `1 row`, `2 rows` */
export const rowCount = (count: number): string => `${count} ${count === 1 ? 'row' : 'rows'}`;
