import type { RowChange } from '../binlog/row-change.ts';
import { quoteName } from '../session/session.ts';
import { quoteTable } from './quote.ts';
import { sqlLiteral } from './sql-literal.ts';
import type { TableFacts } from './table-facts.ts';

/** Why undoing a table's changes row by row does not bring back what was; undefined: it does. */
export function inexactTable(
  change: Pick<RowChange, 'kind' | 'before' | 'after'>,
  facts: TableFacts,
): string | undefined {
  const name = quoteTable(facts.schema, facts.table);
  if (facts.engine !== undefined && facts.engine !== 'InnoDB')
    return `${name} has the engine ${facts.engine}, which has no transactions`;
  if (facts.type === 'SYSTEM VERSIONED') return `${name} keeps versions of its rows, which cannot be taken back`;
  if (facts.triggers === undefined)
    return `whether ${name} has triggers cannot be seen: GRANT TRIGGER ON ${quoteName(facts.schema)}.* to the login`;
  if (facts.triggers.length > 0)
    return `${name} has the trigger ${facts.triggers[0] ?? ''}, whose effects run again in the rollback`;
  const cascade = facts.cascades.find(({ onDelete, onUpdate, columns }) =>
    change.kind === 'update' ? onUpdate && columns.some((column) => changes(change, facts, column)) : onDelete,
  );
  return cascade && `a foreign key of ${cascade.from} follows changes of ${name}, which the binary log does not tell`;
}

/** Whether an update changes a column; also where that cannot be told. */
function changes({ before, after }: Pick<RowChange, 'before' | 'after'>, facts: TableFacts, column: string): boolean {
  const place = facts.columns.findIndex(({ name }) => name.toLowerCase() === column.toLowerCase());
  const [was, is] = [before?.[place], after?.[place]].map((value) =>
    value === undefined ? undefined : (sqlLiteral(value) ?? undefined),
  );
  return was === undefined || was !== is;
}
