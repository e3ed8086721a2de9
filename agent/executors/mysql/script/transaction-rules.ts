import type { SqlStatement } from '../../sql/split-statements.ts';
import type { MysqlSession } from '../session/session.ts';
import { isUtf8Name } from '../session/session.ts';
import type { StatementKind } from '../text/statement-kind.ts';

/** Settings that must be made, or are of effect, only outside of a transaction, and those that end one. */
const NEEDS_IDLE =
  /^\s*(?:CREATE|DROP|ALTER)\b|\b(?:TRANSACTION|AUTOCOMMIT|COMPLETION_TYPE|SQL_LOG_BIN|GTID_\w+|BINLOG_\w+|(?:TX|TRANSACTION)_\w+)\b/i;
const COMMITS_SILENTLY: readonly StatementKind[] = ['ddl', 'lock', 'begin', 'xa'];

/** Whether a query asks what the statement before it did. */
export const asksAboutLast = (text: string): boolean =>
  /\b(?:ROW_COUNT|FOUND_ROWS|WARNINGS|ERRORS|WARNING_COUNT|ERROR_COUNT)\b/i.test(text.slice(0, 4096));

/** Whether a statement of kind `set` may not stand in a transaction that is not its own. */
export const needsIdle = (text: string): boolean => NEEDS_IDLE.test(text.slice(0, 4096));

/** Whether it turns on that statements commit by themselves, which commits what is open. */
export const turnsAutocommitOn = (text: string): boolean => /\bAUTOCOMMIT\s*:?=\s*(?:1|ON|TRUE|DEFAULT)\b/i.test(text);

/** Whether it commits what is open before it is executed. */
export const commitsImplicitly = (kind: StatementKind): boolean => kind !== 'xa' && COMMITS_SILENTLY.includes(kind);

/** Why a statement is not executed: it would end the transaction that holds the whole text, or pretends to undo. */
export function refusal(
  kind: StatementKind,
  { whole, own }: { readonly whole: boolean; readonly own: boolean },
): string | undefined {
  if (whole && (kind === 'commit' || kind === 'rollback' || COMMITS_SILENTLY.includes(kind)))
    return `exec_options.transaction executes the whole text in one transaction, which ${
      kind === 'ddl' || kind === 'lock' ? 'this statement would commit' : 'the text cannot begin or end itself'
    }`;
  if (kind === 'rollback' && !own)
    return 'there is no BEGIN before it, and batches of the statements before it may be committed: begin with BEGIN what is to be rolled back';
  return undefined;
}

/** Why a setting comes too late: the transaction that holds the whole text is open, and would be committed for it. */
export function lateSetting(kind: StatementKind, text: string): string | undefined {
  // Temporary tables are made and dropped within transactions as well.
  if (kind !== 'set' || /^\W*(?:CREATE|DROP|ALTER)\b/i.test(text) || !needsIdle(text)) return undefined;
  return 'exec_options.transaction executes the whole text in one transaction, in which this cannot be set: put it before the first change';
}

/** Whether the open transaction was begun by AND CHAIN of the last statement, and so holds nothing. */
export const isOnlyChained = (begunBy: SqlStatement | undefined, last: SqlStatement): boolean =>
  begunBy === last && /^\s*(?:COMMIT|ROLLBACK)\b/i.test(last.text);

/** Why a statement cannot be sent as it is: the text is sent in UTF-8, and the session takes it for something else. */
export function charsetRefusal({ clientCharset }: MysqlSession, text: string): string | undefined {
  if (isUtf8Name(clientCharset) || clientCharset === 'binary' || !/[^\0-\x7f]/.test(text)) return undefined;
  return `character_set_client is ${clientCharset}, but the text is sent in UTF-8: SET NAMES utf8mb4 before it`;
}

/** What XA makes of the transaction that is open: `xa START`, `xa END`, … */
export function xaVerb(text: string): string {
  return /\bXA\s+(\w+)/i.exec(text)?.[1]?.toUpperCase() ?? '';
}
