import type { ServerVersion } from './executable-comment.ts';
import { SqlTokens } from './sql-tokens.ts';
import type { SqlToken } from './sql-tokens.ts';

/** What a statement does to rows and transactions. */
export type StatementKind =
  /** Gives rows and changes none, unless a function that it calls does. */
  | 'select'
  /** Tells about the server or a statement: SHOW, DESCRIBE, EXPLAIN (not of what executes). */
  | 'show'
  /** Changes or locks rows, as part of a transaction: INSERT, UPDATE …, SELECT … FOR UPDATE. */
  | 'dml'
  /** Commits what is open, and itself: https://dev.mysql.com/doc/refman/9.7/en/implicit-commit.html */
  | 'ddl'
  | 'begin'
  | 'commit'
  | 'rollback'
  /** SAVEPOINT, RELEASE SAVEPOINT, ROLLBACK TO. */
  | 'savepoint'
  /** Changes the session, or the server's settings: SET, temporary tables, PREPARE, SELECT … INTO @variable. */
  | 'set'
  | 'use'
  /** Executes statements that it does not show, which may commit: CALL, EXECUTE, MariaDB's compound statements. */
  | 'call'
  /** Holds or frees locks of the whole session; commits. */
  | 'lock'
  | 'xa'
  | 'other';

/** Whether it changes nothing and needs no transaction. A function that a SELECT calls may still write. */
export const isReadOnly = (kind: StatementKind): boolean => kind === 'select' || kind === 'show';

const BY_FIRST_WORD: Readonly<Record<string, StatementKind>> = {
  ...kinds('show', 'SHOW HELP CHECKSUM'),
  ...kinds('dml', 'INSERT REPLACE UPDATE DELETE LOAD'),
  ...kinds(
    'ddl',
    'ALTER RENAME TRUNCATE GRANT REVOKE INSTALL UNINSTALL OPTIMIZE REPAIR CACHE CHECK STOP CHANGE IMPORT',
  ),
  ...kinds('savepoint', 'SAVEPOINT RELEASE'),
  ...kinds('set', 'PREPARE DEALLOCATE'),
  ...kinds('use', 'USE'),
  ...kinds('call', 'CALL EXECUTE IF CASE LOOP WHILE REPEAT FOR DECLARE'),
  ...kinds('lock', 'LOCK UNLOCK BACKUP'),
  ...kinds('xa', 'XA'),
};

const MAIN_VERBS = new Set(['SELECT', 'TABLE', 'VALUES', 'INSERT', 'REPLACE', 'UPDATE', 'DELETE']);

/**
 * What a statement of the splitter does. Which of the comments that hold code it executes depends on `server`; without
 * it, all of them count. Reads a few words, of SELECT and WITH the whole text.
 */
export function statementKind(text: string, server?: ServerVersion): StatementKind {
  const tokens = new SqlTokens(text, server);
  return kindFrom(tokens, nextCode(tokens));
}

function kindFrom(tokens: SqlTokens, first: SqlToken): StatementKind {
  const word = wordOf(first);
  switch (word) {
    case 'SELECT':
    case 'TABLE':
    case 'VALUES':
      return kindOfQuery(tokens);
    case 'WITH':
      return kindOfWith(tokens);
    case 'EXPLAIN':
    case 'DESCRIBE':
    case 'DESC':
      return kindOfExplain(tokens);
    case 'ANALYZE':
      return kindOfAnalyze(tokens);
    case 'SET':
      return kindOfSet(tokens);
    case 'BEGIN':
      return kindOfBegin(tokens.next());
    case 'COMMIT':
      return 'commit';
    case 'START':
      return wordOf(tokens.next()) === 'TRANSACTION' ? 'begin' : 'ddl';
    case 'ROLLBACK':
      return kindOfRollback(tokens);
    case 'CREATE':
    case 'DROP':
      return kindOfCreate(tokens);
    case 'FLUSH':
      return kindOfFlush(tokens);
    case 'RESET':
      return wordOf(tokens.next()) === 'PERSIST' ? 'set' : 'ddl';
    case 'LOAD':
      return wordOf(tokens.next()) === 'INDEX' ? 'ddl' : 'dml';
    default:
      return BY_FIRST_WORD[word] ?? 'other';
  }
}

/** SELECT, TABLE or VALUES: read-only unless it locks, or puts its rows elsewhere. */
function kindOfQuery(tokens: SqlTokens): StatementKind {
  let previous = '';
  let locks = false;
  for (let token = tokens.next(); token.kind !== 'end'; token = tokens.next()) {
    const word = wordOf(token);
    if (word === 'INTO') return wordOf(tokens.next()).endsWith('FILE') ? 'other' : 'set';
    locks ||= previous === 'FOR' && (word === 'UPDATE' || word === 'SHARE');
    locks ||= previous === 'LOCK' && word === 'IN';
    previous = word;
  }
  return locks ? 'dml' : 'select';
}

/** WITH a AS (…), b AS (…) and the statement that uses them. */
function kindOfWith(tokens: SqlTokens): StatementKind {
  const verb = skipTo(tokens, (word) => MAIN_VERBS.has(word));
  // Of `WITH a AS (…) (SELECT …)` nothing is outside brackets.
  return verb.kind === 'end' ? 'select' : kindFrom(tokens, verb);
}

/** EXPLAIN ANALYZE executes what it explains; EXPLAIN … INTO sets a variable. */
function kindOfExplain(tokens: SqlTokens): StatementKind {
  const first = tokens.next();
  if (wordOf(first) === 'ANALYZE') return kindOfAnalyzed(skipTo(tokens, (word) => MAIN_VERBS.has(word)));
  const before =
    first.kind === 'end' ? first : skipTo(tokens, (word) => word === 'INTO' || MAIN_VERBS.has(word), first);
  return wordOf(before) === 'INTO' ? 'set' : 'show';
}

/** ANALYZE TABLE, or MariaDB's ANALYZE of a statement, which executes it. */
function kindOfAnalyze(tokens: SqlTokens): StatementKind {
  const first = tokens.next();
  const second = /^(?:NO_WRITE_TO_BINLOG|LOCAL)$/.test(wordOf(first)) ? tokens.next() : first;
  if (/^TABLES?$/.test(wordOf(second))) return 'ddl';
  return kindOfAnalyzed(skipTo(tokens, (word) => MAIN_VERBS.has(word), second));
}

const kindOfAnalyzed = (verb: SqlToken): StatementKind =>
  /^(?:INSERT|REPLACE|UPDATE|DELETE)$/.test(wordOf(verb)) ? 'dml' : 'select';

/** SET PASSWORD commits; MariaDB's SET STATEMENT … FOR is what stands behind it. */
function kindOfSet(tokens: SqlTokens): StatementKind {
  const word = wordOf(tokens.next());
  if (word === 'PASSWORD') return 'ddl';
  if (word === 'DEFAULT') return wordOf(tokens.next()) === 'ROLE' ? 'ddl' : 'set';
  if (word !== 'STATEMENT') return 'set';
  return skipTo(tokens, (found) => found === 'FOR').kind === 'end' ? 'set' : kindFrom(tokens, nextCode(tokens));
}

/** Beside BEGIN WORK there is MariaDB's BEGIN NOT ATOMIC, a program. */
function kindOfBegin(next: SqlToken): StatementKind {
  return next.kind === 'end' || wordOf(next) === 'WORK' ? 'begin' : 'call';
}

function kindOfRollback(tokens: SqlTokens): StatementKind {
  const next = tokens.next();
  return wordOf(wordOf(next) === 'WORK' ? tokens.next() : next) === 'TO' ? 'savepoint' : 'rollback';
}

/** Temporary tables are the session's, and commit nothing. */
function kindOfCreate(tokens: SqlTokens): StatementKind {
  let token = tokens.next();
  if (wordOf(token) === 'PREPARE') return 'set';
  if (wordOf(token) === 'OR') {
    tokens.next();
    token = tokens.next();
  }
  return wordOf(token) === 'TEMPORARY' ? 'set' : 'ddl';
}

/** FLUSH TABLES WITH READ LOCK and FLUSH TABLES … FOR EXPORT hold locks. */
function kindOfFlush(tokens: SqlTokens): StatementKind {
  return skipTo(tokens, (word) => word === 'WITH' || word === 'FOR').kind === 'end' ? 'ddl' : 'lock';
}

/** The first word outside brackets that is looked for, from `first` on; `end` if there is none. */
function skipTo(tokens: SqlTokens, isWanted: (word: string) => boolean, first = tokens.next()): SqlToken {
  let depth = 0;
  for (let token = first; ; token = tokens.next()) {
    if (token.kind === 'symbol') depth += token.text === '(' ? 1 : token.text === ')' ? -1 : 0;
    else if (token.kind === 'end' || (depth <= 0 && isWanted(wordOf(token)))) return token;
  }
}

/** Brackets may stand before a query. */
function nextCode(tokens: SqlTokens): SqlToken {
  let token = tokens.next();
  while (token.text === '(' && token.kind === 'symbol') token = tokens.next();
  return token;
}

const wordOf = (token: SqlToken): string => (token.kind === 'word' ? token.text : '');

function kinds(kind: StatementKind, words: string): Record<string, StatementKind> {
  return Object.fromEntries(words.split(' ').map((word) => [word, kind]));
}
