import type { TableName } from './table-references.ts';

/** What a statement does to a table; `change` is to its rows. */
export type Use = 'read' | 'change' | 'create' | 'alter' | 'drop' | 'truncate';

export interface TableUse extends TableName {
  readonly use: Use;
}

export const used =
  (use: Use) =>
  ({ schema, name }: TableName): TableUse => ({ schema, name, use });

/** Each table once with each use. */
export function distinct(tables: readonly TableUse[]): readonly TableUse[] {
  const seen = new Set<string>();
  return tables.filter(({ schema, name, use }) => {
    const id = JSON.stringify([schema, name, use]);
    if (seen.has(id)) return false;
    seen.add(id);
    return true;
  });
}

/** `db.t`, for people. */
export const nameOf = ({ schema, name }: TableName): string => (schema === undefined ? name : `${schema}.${name}`);
