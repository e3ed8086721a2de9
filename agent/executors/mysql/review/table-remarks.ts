import type { TableFacts } from '../backup/table-facts.ts';
import { alterActions } from './alter-actions.ts';
import { losesCharacters, lossyChange } from './lossy-change.ts';
import { remark } from './remark.ts';
import type { Remark } from './remark.ts';
import type { StatementShape } from './statement-shape.ts';
import { readName } from './table-references.ts';

/** What makes a change of a table's rows worth a look, from what the table is. */
export function changedTableRemarks({ verb, tokens }: StatementShape, facts: TableFacts): Remark[] {
  const name = `${facts.schema}.${facts.table}`;
  const found: Remark[] = [];
  if (facts.engine !== undefined && facts.engine !== 'InnoDB')
    found.push(remark('NotInnoDB', 1, `${name} has the engine ${facts.engine}: no change of it can be rolled back`));
  if (facts.key === undefined)
    found.push(remark('NoPrimaryKey', verb === 'INSERT' ? 0 : 1, `${name} has no key that tells its rows apart`));
  if (facts.triggers !== undefined && facts.triggers.length > 0)
    found.push(
      remark('Trigger', 1, `${name} has triggers, which run as well: ${facts.triggers.slice(0, 5).join(', ')}`),
    );
  const followers = facts.cascades.filter(({ onDelete, onUpdate, columns }) =>
    verb === 'UPDATE' ? onUpdate && columns.some((column) => names(tokens, column)) : verb !== 'INSERT' && onDelete,
  );
  const from = [...new Set(followers.map((follower) => follower.from))];
  if (from.length > 0)
    found.push(
      remark(
        'CascadingForeignKey',
        1,
        `rows of ${from.slice(0, 5).join(', ')} change with those of ${name} by foreign keys`,
      ),
    );
  return found;
}

/** Why a backup of a change could not bring back every row as it was; undefined: it could. */
export function inexactBackup(remarks: readonly Remark[]): string | undefined {
  const reasons: readonly string[] = ['NotInnoDB', 'Trigger', 'CascadingForeignKey'];
  return remarks.find(({ code }) => reasons.includes(code))?.text;
}

/** What an ALTER TABLE may lose, from what the columns are now. */
export function alteredTableRemarks({ tokens }: StatementShape, facts: TableFacts): Remark[] {
  const table = tokens.find(new Set(['TABLE']), 0, 0);
  const behind = readName(tokens, tokens.word(table + 1) === 'IF' ? table + 3 : table + 1)?.next;
  if (table < 0 || behind === undefined) return [];
  return alterActions(tokens, behind).flatMap((item) => {
    if (item.action === 'charset') {
      const losing = facts.columns.filter(({ charset }) => losesCharacters(charset, item.charset));
      if (losing.length === 0) return [];
      const columns = losing.slice(0, 5).map(({ name }) => name);
      return remark(
        'LossyTypeChange',
        1,
        `${item.charset} does not hold every character of column ${columns.join(', ')}`,
      );
    }
    if (item.action !== 'changeColumn') return [];
    const column = facts.columns.find(({ name }) => name.toLowerCase() === item.column.toLowerCase());
    const loss = column && lossyChange(column, item.type);
    return loss === undefined
      ? []
      : remark('LossyTypeChange', 1, `column ${item.column}, which is ${column?.type ?? ''}: ${loss}`);
  });
}

/** Whether a name stands anywhere in a statement. */
function names(tokens: StatementShape['tokens'], column: string): boolean {
  const wanted = column.toLowerCase();
  return tokens.list.some(({ kind, text }) => (kind === 'word' || kind === 'name') && text.toLowerCase() === wanted);
}
