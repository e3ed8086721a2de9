/** Which columns of a table are to be sent. */
export interface TableColumns {
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly string[];
  /** Sent always: without them nobody knows which row it was. */
  readonly key: readonly string[];
}

/**
 * The places of the columns that are wanted: `column` alone, `table.column` or `schema.table.column`, also with what is asked for
 * within a JSON column behind it. Undefined: nothing of this table is.
 */
export function wantedColumns(wanted: readonly string[] | undefined, of: TableColumns): readonly number[] | undefined {
  const { schema, table, columns, key } = of;
  if (wanted === undefined) return columns.map((_, at) => at);
  const found = new Set<string>();
  for (const name of wanted) {
    const prefix = [`${schema}.${table}.`, `${table}.`].find((one) => name.startsWith(one)) ?? '';
    const asked = name.slice(prefix.length);
    const column = [asked, asked.split('.')[0] ?? ''].find((one) => columns.includes(one));
    if (column !== undefined) found.add(column);
  }
  if (found.size === 0) return undefined;
  return columns.flatMap((name, at) => (found.has(name) || key.includes(name) ? [at] : []));
}
