import type { SessionEffect } from '../ledger/ledgered-text.ts';
import type { MysqlSession } from './session.ts';
import { SqlTokens } from './sql-tokens.ts';
import { statementKind } from './statement-kind.ts';

type Server = Pick<MysqlSession, 'serverVersion'>;

/** Of the whole server, or over with the next transaction. */
const NOT_OF_SESSION = /^SET (?:GLOBAL|PERSIST|PERSIST_ONLY|PASSWORD|TRANSACTION|DEFAULT ROLE|@@(?:GLOBAL|PERSIST))/i;
/** A value that another connection need not get: a query's, a function's. */
const COMPUTED = /\(|\bSELECT\b/i;
const TAKES_LOCK = /\bGET_LOCK \(/i;
const ASSIGNS = /: ?=/;
const LAST_OF_CONNECTION = /\b(?:LAST_INSERT_ID|FOUND_ROWS|ROW_COUNT) \(|@@(?:SESSION\.)?(?:IDENTITY|INSERT_ID)\b/i;
/** What any of them begins with: the rest need not be read. */
const MENTIONED = /GET_LOCK|:=|LAST_INSERT_ID|FOUND_ROWS|ROW_COUNT|@@/i;

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
  const code = kind === 'set' || kind === 'lock' || MENTIONED.test(text) ? codeOf(text, server) : '';
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
      return COMPUTED.test(code) ? { lost: 'set what it computed' } : 'again';
    default:
      return ASSIGNS.test(code) ? { lost: 'set a variable' } : 'none';
  }
}

/** What a statement takes from an earlier one of its connection. */
export function sessionNeed(text: string, server: Server): string | undefined {
  if (!MENTIONED.test(text)) return undefined;
  return LAST_OF_CONNECTION.exec(codeOf(text, server))?.[0].replace(' (', '()');
}

/** Whether it replaces what `sessionNeed` is about. */
export const givesInsertId = (text: string, { serverVersion }: Server): boolean =>
  statementKind(text, serverVersion) === 'dml' && /\b(?:INSERT|REPLACE)\b/i.test(text.slice(0, 4096));
