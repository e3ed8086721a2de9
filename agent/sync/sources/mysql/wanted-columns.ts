interface TableColumns {
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly string[];
  readonly key: readonly string[] | undefined;
}

/**
 * The columns of a table that are asked for, and its key, in the table's order; undefined: none is. A field is named
 * `db.table.column`, or by its end alone.
 */
export function chosenFields(
  { schema, table, columns, key = [] }: TableColumns,
  wanted: readonly string[] | undefined,
): ReadonlySet<string> | undefined {
  if (wanted === undefined) return new Set(columns);
  const names = new Set(wanted);
  const chosen = columns.filter(
    (column) => names.has(`${schema}.${table}.${column}`) || names.has(`${table}.${column}`) || names.has(column),
  );
  return chosen.length === 0
    ? undefined
    : new Set(columns.filter((column) => chosen.includes(column) || key.includes(column)));
}
