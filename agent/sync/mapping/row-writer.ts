import type { Row } from '../sync-event.ts';
import type { ReadColumn, SourceColumn } from './source-column.ts';
import type { Convert } from './target-type.ts';

/** What went wrong with one row; no values of it, they may be secret. */
export interface RowTally {
  /** Why the row may not be sent. */
  refusal: string | undefined;
  /** Values that were left out, as they cannot be what their target wants, and why the first was. */
  unconverted: number;
  reason: string | undefined;
}

/** Makes one value of the output; undefined when there is none. */
export type Write = (row: Row, tally: RowTally) => unknown;

/** The value at `to`, from one column. */
export function writeValue(to: string, read: ReadColumn, convert: Convert, type: string, required: boolean): Write {
  const missing = `'${to}' is required, and the row has no value for it`;
  const unfit = `a value for '${to}' is no ${type}`;
  return (row, tally) => {
    const value = read(row);
    if (value === undefined || value === null) {
      if (required) tally.refusal ??= missing;
      return undefined;
    }
    const converted = convert(value);
    if (converted === undefined) {
      tally.unconverted += 1;
      tally.reason ??= unfit;
      if (required) tally.refusal ??= `'${to}' is required, and ${unfit}`;
    }
    return converted;
  };
}

/** The object at `to`: all columns that the row has a value for, by their names. */
export function writeCollected(to: string, columns: readonly SourceColumn[], required: boolean): Write {
  const missing = `'${to}' is required, and the row has no value for it`;
  const collect = writeObject(
    columns.map(({ name, read }) => [
      name,
      (row) => {
        const value = read(row);
        return value === null ? undefined : value;
      },
    ]),
  );
  return (row, tally) => {
    const value = collect(row, tally);
    if (value === undefined && required) tally.refusal ??= missing;
    return value;
  };
}

/** An object of values; undefined when there is none of them. */
export function writeObject(members: readonly (readonly [key: string, write: Write])[]): Write {
  return (row, tally) => {
    let object: Record<string, unknown> | undefined;
    for (const [key, write] of members) {
      const value = write(row, tally);
      if (value !== undefined) (object ??= {})[key] = value;
    }
    return object;
  };
}
