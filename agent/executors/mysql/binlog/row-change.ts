import type { CellValue } from './cell-value.ts';

/** One changed row: images have one value for each column of the table, in the order of its `ColumnFact`s. */
export type RowChange =
  | (Changed & { readonly kind: 'insert'; readonly before?: undefined; readonly after: readonly CellValue[] })
  | (Changed & { readonly kind: 'update'; readonly before: readonly CellValue[]; readonly after: readonly CellValue[] })
  | (Changed & { readonly kind: 'delete'; readonly before: readonly CellValue[]; readonly after?: undefined });

/** Something changed that the log does not tell row by row, or not whole: what is behind it cannot be undone exactly. */
export interface UnreadableChange extends Changed {
  readonly kind: 'unreadable';
  readonly before?: undefined;
  readonly after?: undefined;
  readonly why: string;
}

interface Changed {
  readonly schema: string;
  /** Empty where an unreadable change is of no known table. */
  readonly table: string;
  /** The last change of its statement (STMT_END_F). A statement that changed nothing has left nothing. */
  readonly statementEnd: boolean;
}

/** What a transaction changed, in the order in which it did. */
export type LoggedChange = RowChange | UnreadableChange;
