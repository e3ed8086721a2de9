import type { StartedOutcome } from '../ledger/ledgered-text.ts';
import type { Session } from './session.ts';

/** Name of an object as a statement may have it. */
const NAME = String.raw`((?:"(?:[^"]|"")+"|[\w$\u0080-\uffff]+)(?:\s*\.\s*(?:"(?:[^"]|"")+"|[\w$\u0080-\uffff]+))?)`;
const DATABASE = new RegExp(String.raw`^\s*(CREATE|DROP)\s+DATABASE\s+(?:IF\s+EXISTS\s+)?${NAME}`, 'i');
const INDEX = new RegExp(
  String.raw`^\s*(CREATE|DROP)\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?${NAME}(?=\s+ON\b|\s*(?:CASCADE|RESTRICT)?\s*;?\s*$)`,
  'i',
);

const LOOK_MS = 10_000;

interface Sight {
  readonly verb: 'CREATE' | 'DROP';
  readonly query: string;
}

/** What tells whether a statement that no transaction holds was executed: of few it can be looked up. */
function sightOf(text: string): Sight | undefined {
  const [kind, match] = DATABASE.test(text)
    ? (['database', DATABASE.exec(text)] as const)
    : ['index', INDEX.exec(text)];
  const [, verb = '', name = ''] = match ?? [];
  if (match === null || name === '') return undefined;
  const literal = `'${name.replaceAll("'", "''")}'`;
  const query =
    kind === 'database'
      ? `SELECT 'valid' FROM pg_database WHERE datname = (parse_ident(${literal}))[1]`
      : `SELECT CASE WHEN indisvalid THEN 'valid' ELSE 'invalid' END FROM pg_index WHERE indexrelid = to_regclass(${literal})`;
  return { verb: verb.toUpperCase() as Sight['verb'], query };
}

const look = async (session: Session, query: string): Promise<string> =>
  (await session.rows(query, LOOK_MS))[0]?.[0] ?? 'absent';

/** What its object is before it: a word for the ledger. Empty: it cannot be looked up. */
export async function lookBeforeStart(session: Session, text: string): Promise<string> {
  const sight = sightOf(text);
  return sight === undefined ? '' : look(session, sight.query);
}

/** Whether it was executed, by what its object was before and is now. An index that is half made stays a question. */
export async function lookAfterStart(session: Session, text: string, before: string): Promise<StartedOutcome> {
  const sight = sightOf(text);
  if (sight === undefined || before === '') return 'unknown';
  const now = await look(session, sight.query);
  if (now === before) return 'notDone';
  return now === (sight.verb === 'CREATE' ? 'valid' : 'absent') ? 'done' : 'unknown';
}
