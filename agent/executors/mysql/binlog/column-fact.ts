/**
 * What information_schema says of a column of a table; a table's facts stand in the order of ORDINAL_POSITION, with
 * none left out. The log itself names columns, members and character sets only where binlog_row_metadata is FULL.
 */
export interface ColumnFact {
  readonly name: string;
  /** COLUMN_TYPE: `int unsigned`, `enum('a','b')`, `varchar(20)`. */
  readonly type: string;
  /** CHARACTER_SET_NAME; undefined where the column has none, as numbers and binary strings. */
  readonly charset: string | undefined;
  readonly collation: string | undefined;
  readonly unsigned: boolean;
  /** GENERATED ALWAYS AS, virtual or stored: its values stand in the log and are refused on INSERT. */
  readonly generated: boolean;
  readonly nullable: boolean;
  /** ON UPDATE CURRENT_TIMESTAMP. */
  readonly onUpdate: boolean;
}

/** Asks for the columns of a table whose rows are about to be decoded. Rejections end the reading. */
export type ColumnLookup = (schema: string, table: string, columnCount: number) => Promise<readonly ColumnFact[]>;
