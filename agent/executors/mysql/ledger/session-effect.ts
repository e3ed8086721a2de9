import type { SessionEffect } from '../../ledger/ledgered-text.ts';
import type { MysqlSession } from '../session/session.ts';
import { SqlTokens } from '../text/sql-tokens.ts';
import { statementKind } from '../text/statement-kind.ts';

type Server = Pick<MysqlSession, 'serverVersion'>;

/** Of the whole server, or over with the next transaction; what stands after a comma may be of the session. */
const NOT_OF_SESSION =
  /^SET (?:(?:GLOBAL|PERSIST|PERSIST_ONLY|@@(?:GLOBAL|PERSIST))(?![^]*,)|PASSWORD|TRANSACTION|DEFAULT ROLE)|^SET GLOBAL TRANSACTION /i;
const OF_SERVER = /^SET (?:GLOBAL|PERSIST|PERSIST_ONLY|@@(?:GLOBAL|PERSIST))/i;
/** A value that another connection need not get: a query's, a function's. */
const COMPUTED =
  /\(|\bSELECT\b|\b(?:CURRENT|LOCALTIME|UTC)_?\w*|@@(?:SESSION\.|LOCAL\.)?(?:IDENTITY|INSERT_ID|LAST_INSERT_ID|TIMESTAMP|WARNING_COUNT|ERROR_COUNT)\b/i;
const TAKES_LOCK = /\bGET_LOCK \(/i;
const ASSIGNS = /: ?=|\bINTO @(?!@)|^GET (?:\w+ )?DIAGNOSTICS\b|^CALL\b.* @(?!@)/i;
const OF_LAST_STATEMENT = /\b(?:FOUND_ROWS|ROW_COUNT) \(/i;
const OF_LAST_INSERT = /\bLAST_INSERT_ID \(|@@(?:SESSION\.|LOCAL\.)?(?:IDENTITY|INSERT_ID|LAST_INSERT_ID)\b/i;
/** What any of them holds: the rest need not be read. */
const MAY_KEEP = /GET_LOCK|@/i;
const MAY_NEED = /LAST_INSERT_ID|FOUND_ROWS|ROW_COUNT|@@/i;

/** The code of a statement without its strings, one blank between tokens. */
function codeOf(text: string, { serverVersion }: Server): string {
  const tokens = new SqlTokens(text, serverVersion);
  const found: string[] = [];
  for (let token = tokens.next(); token.kind !== 'end'; token = tokens.next())
    found.push(token.kind === 'string' || token.kind === 'name' ? '?' : token.text);
  return found.join(' ');
}

/** What a statement that was executed in another connection means for those after it. */
export function sessionEffect(text: string, server: Server): SessionEffect {
  const kind = statementKind(text, server.serverVersion);
  const code = kind === 'set' || kind === 'lock' || MAY_KEEP.test(text) ? codeOf(text, server) : '';
  if (TAKES_LOCK.test(code)) return { lost: 'took a lock' };
  switch (kind) {
    case 'use':
      return 'again';
    case 'lock':
      return code.startsWith('UNLOCK') ? 'unlocks' : 'locks';
    case 'begin':
      return 'unlocks';
    case 'set':
      if (/^(?:DROP|DEALLOCATE) /.test(code)) return 'none';
      if (!code.startsWith('SET ')) return { lost: 'made something that is of its connection alone' };
      if (NOT_OF_SESSION.test(code)) return 'none';
      if (OF_SERVER.test(code)) return { lost: 'set something of the server together with its connection' };
      return COMPUTED.test(code) ? { lost: 'set what it computed' } : 'again';
    default:
      return ASSIGNS.test(code) ? { lost: 'set a variable' } : 'none';
  }
}

/**
 * What a statement takes from an earlier one of its connection, and the session does not have. `isFirst`: the session has
 * executed nothing of the text yet.
 */
export async function sessionNeed(text: string, session: MysqlSession, isFirst: boolean): Promise<string | undefined> {
  if (!MAY_NEED.test(text)) return undefined;
  const code = codeOf(text, session);
  const found = isFirst ? OF_LAST_STATEMENT.exec(code) : null;
  if (found !== null) return found[0].replace(' (', '()');
  const ofInsert = OF_LAST_INSERT.exec(code);
  // Whatever made an id in this session came after all that was lost.
  if (ofInsert === null || (await lastInsertId(session)) !== '0') return undefined;
  return ofInsert[0].replace(' (', '()');
}

const lastInsertId = async (session: MysqlSession): Promise<string | null | undefined> =>
  (await session.rows('SELECT LAST_INSERT_ID() AS id'))[0]?.['id'];
