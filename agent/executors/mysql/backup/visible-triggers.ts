import type { RowSource } from './table-facts.ts';

/** Whether a login sees the triggers of a table: without the right to, there seem to be none. */
export type SeesTriggers = (schema: string, table: string) => boolean;

const GRANT = /^GRANT (.+) ON (?:TABLE )?(\*|`(?:[^`]|``)*`)\.(\*|`(?:[^`]|``)*`) TO /is;

/** Reads the rights of a session's login, roles that are active included. */
export async function visibleTriggers(source: RowSource): Promise<SeesTriggers> {
  const rows = await source.rows('SHOW GRANTS');
  return seesTriggers(rows.flatMap((row) => Object.values(row).map(String)));
}

/** From the lines of SHOW GRANTS. */
export function seesTriggers(lines: readonly string[]): SeesTriggers {
  const scopes: { readonly schema: RegExp; readonly table: string | undefined }[] = [];
  for (const line of lines) {
    const [, rights = '', schema = '', table = ''] = GRANT.exec(line) ?? [];
    if (!/\b(?:ALL(?: PRIVILEGES)?|TRIGGER)\b/i.test(withoutColumns(rights))) continue;
    // With a table the database's name is a name; else it is a pattern.
    const name = unquote(schema);
    const pattern = schema === '*' ? /^/ : table === '*' ? patternOf(name) : new RegExp(`^${escaped(name)}$`);
    scopes.push({ schema: pattern, table: table === '*' ? undefined : unquote(table) });
  }
  return (schema, table) =>
    scopes.some((scope) => scope.schema.test(schema) && (scope.table === undefined || scope.table === table));
}

/** Columns stand in brackets behind a right, and may have any name. */
const withoutColumns = (rights: string): string => rights.replaceAll(/\([^)]*\)/g, '');

const unquote = (name: string): string => name.slice(1, -1).replaceAll('``', '`');

/** `%` and `_` stand for others unless a backslash is before them. */
function patternOf(name: string): RegExp {
  const parts = name.replaceAll(/\\(.)|([%_])|([^\\%_]+)/gs, (_, literal?: string, wild?: string, plain?: string) => {
    if (wild !== undefined) return wild === '%' ? '.*' : '.';
    return escaped(literal ?? plain ?? '');
  });
  return new RegExp(`^${parts}$`, 's');
}

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
