import type { StartedOutcome } from '../../ledger/ledgered-text.ts';
import type { MysqlSession } from '../session/session.ts';

const PART = String.raw`(?:\x60(?:[^\x60]|\x60\x60)+\x60|[\w$\u0080-\uffff]+)`;
const NAME = String.raw`(${PART}(?:\s*\.\s*${PART})?)`;
const pattern = (text: string): RegExp => new RegExp(String.raw`^\s*${text.replaceAll('NAME', NAME)}`, 'i');
const END = String.raw`\s*$`;

/** What tells whether a statement was executed: something that it makes, or that it removes. */
interface Sight {
  readonly makes: boolean;
  readonly sql: string;
}

type Look = (names: readonly string[], schema: string) => string;

const quoted = (text: string): string => `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;

function split(name: string, schema: string): { schema: string; name: string } {
  const parts = [...name.matchAll(new RegExp(PART, 'g'))].map(([part]) =>
    part.startsWith('`') ? part.slice(1, -1).replaceAll('``', '`') : part,
  );
  return parts.length > 1 ? { schema: parts[0] ?? '', name: parts[1] ?? '' } : { schema, name: parts[0] ?? '' };
}

const inSchema = (table: string, name: string, column = 'TABLE_NAME'): Look => {
  return ([first = ''], schema) => {
    const found = split(first, schema);
    return `SELECT 1 FROM information_schema.${table} WHERE ${name} = ${quoted(found.schema)} AND ${column} = ${quoted(found.name)}`;
  };
};
const database: Look = ([first = '']) =>
  `SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ${quoted(split(first, '').name)}`;
const table = inSchema('TABLES', 'TABLE_SCHEMA');
const ofTable =
  (view: string, column: string, reversed = false): Look =>
  (names, schema) => {
    const [on = '', what = ''] = reversed ? [names[1], names[0]] : names;
    const found = split(on, schema);
    return `SELECT 1 FROM information_schema.${view} WHERE TABLE_SCHEMA = ${quoted(found.schema)} AND TABLE_NAME = ${quoted(found.name)} AND ${column} = ${quoted(split(what, '').name)}`;
  };
const IF = String.raw`(?:IF\s+(?:NOT\s+)?EXISTS\s+)?`;

/** Statements of one effect each: of one with several parts, one of them says nothing of the others. */
const KNOWN: readonly (readonly [RegExp, boolean, Look])[] = [
  [pattern(String.raw`CREATE\s+(?:DATABASE|SCHEMA)\s+${IF}NAME`), true, database],
  [pattern(String.raw`DROP\s+(?:DATABASE|SCHEMA)\s+${IF}NAME`), false, database],
  [pattern(String.raw`CREATE\s+TABLE\s+${IF}NAME`), true, table],
  [pattern(String.raw`DROP\s+TABLE\s+${IF}NAME${END}`), false, table],
  [pattern(String.raw`CREATE\s+VIEW\s+${IF}NAME`), true, table],
  [pattern(String.raw`DROP\s+VIEW\s+${IF}NAME${END}`), false, table],
  [
    pattern(String.raw`ALTER\s+TABLE\s+NAME\s+ADD\s+(?:INDEX|KEY)\s+NAME\s*\([^()]*\)${END}`),
    true,
    ofTable('STATISTICS', 'INDEX_NAME'),
  ],
  [
    pattern(String.raw`ALTER\s+TABLE\s+NAME\s+DROP\s+(?:INDEX|KEY)\s+NAME${END}`),
    false,
    ofTable('STATISTICS', 'INDEX_NAME'),
  ],
  [pattern(String.raw`ALTER\s+TABLE\s+NAME\s+DROP\s+COLUMN\s+NAME${END}`), false, ofTable('COLUMNS', 'COLUMN_NAME')],
  [
    pattern(String.raw`ALTER\s+TABLE\s+NAME\s+ADD\s+COLUMN\s+NAME\s[^,]*${END}`),
    true,
    ofTable('COLUMNS', 'COLUMN_NAME'),
  ],
  [
    pattern(String.raw`CREATE\s+(?:UNIQUE\s+)?INDEX\s+NAME\s+ON\s+NAME`),
    true,
    ofTable('STATISTICS', 'INDEX_NAME', true),
  ],
  [pattern(String.raw`DROP\s+INDEX\s+NAME\s+ON\s+NAME${END}`), false, ofTable('STATISTICS', 'INDEX_NAME', true)],
  [pattern(String.raw`RENAME\s+TABLE\s+NAME\s+TO\s+NAME${END}`), false, table],
];
/** CREATE TABLE … SELECT is not atomic everywhere, and IF EXISTS may find what another one made. */
const MAX_CHARS = 64 * 1024;

function sightOf(text: string, schema: string): Sight | undefined {
  if (text.length > MAX_CHARS || /\/\*!|\/\*M!/.test(text)) return undefined;
  for (const [known, makes, look] of KNOWN) {
    const match = known.exec(text);
    if (match !== null) return { makes, sql: look(match.slice(1), schema) };
  }
  return undefined;
}

const isThere = async (session: MysqlSession, sql: string): Promise<boolean> => (await session.rows(sql)).length > 0;

/** What it makes or removes, before it: a word for the ledger. Empty: it cannot be looked up. */
export async function lookBeforeStart(session: MysqlSession, text: string, schema: string): Promise<string> {
  const sight = sightOf(text, schema);
  return sight === undefined ? '' : (await isThere(session, sight.sql)) ? 'there' : 'absent';
}

/** Whether it was executed, by what was there before and is there now; its connection must have ended. */
export async function lookAfterStart(
  session: MysqlSession,
  text: string,
  schema: string,
  before: string,
): Promise<StartedOutcome> {
  const sight = sightOf(text, schema);
  if (sight === undefined || before === '') return 'unknown';
  const now = (await isThere(session, sight.sql)) ? 'there' : 'absent';
  if (now === before) return 'notDone';
  return (now === 'there') === sight.makes ? 'done' : 'unknown';
}
