import { quoteText } from '../backup/quote.ts';
import type { SqlStatement } from '../../sql/split-statements.ts';
import type { ServerVersion } from '../text/executable-comment.ts';
import { BRACKET_WORDS, PURE_FUNCTIONS } from '../review/pure-functions.ts';
import { StatementTokens } from '../review/statement-tokens.ts';
import type { MysqlSession } from '../session/session.ts';
import { StatementFailed } from './statement-error.ts';

/** Functions of the server that wait, lock or ask, but change no row. Others are only looked up for nothing. */
const HARMLESS: ReadonlySet<string> = new Set(
  (
    'SLEEP BENCHMARK GET_LOCK RELEASE_LOCK RELEASE_ALL_LOCKS IS_FREE_LOCK IS_USED_LOCK LAST_INSERT_ID ROW_COUNT FOUND_ROWS ' +
    'LOAD_FILE UUID_SHORT UUID_TO_BIN BIN_TO_UUID IS_UUID RANDOM_BYTES GROUPING ANY_VALUE SCHEMA'
  ).split(' '),
);
/** Of a statement with more names than this, all count. */
const MAX_NAMES = 100;

/** Whether a statement that reads calls a function that somebody has written, which may change rows. Rejects with `StatementFailed`. */
export async function callsStoredFunction(session: MysqlSession, statement: SqlStatement): Promise<boolean> {
  const { text } = statement;
  if (!text.includes('(')) return false;
  const names = calledNames(text, session.serverVersion);
  if (names.length === 0 || names.length > MAX_NAMES) return names.length > 0;
  const looking = session.rows(
    `SELECT ROUTINE_NAME AS name FROM information_schema.ROUTINES WHERE ROUTINE_TYPE = 'FUNCTION' AND ROUTINE_NAME IN (${names.map(quoteText).join(', ')}) LIMIT 1`,
  );
  const found = await looking.catch((err: unknown) => {
    throw new StatementFailed(statement, err);
  });
  return found.length > 0;
}

function calledNames(text: string, server: ServerVersion | undefined): string[] {
  const tokens = new StatementTokens(text, server);
  const names = new Set<string>();
  for (let index = 1; index < tokens.length; index += 1) {
    const name = tokens.at(index - 1);
    if (!tokens.isSymbol(index, '(') || (name?.kind !== 'word' && name?.kind !== 'name')) continue;
    const word = tokens.word(index - 1);
    if (!PURE_FUNCTIONS.has(word) && !HARMLESS.has(word) && !BRACKET_WORDS.has(word)) names.add(name.text);
  }
  return [...names];
}
