/** What a statement does to transactions. */
export type StatementKind =
  /** BEGIN, START TRANSACTION: the text has a transaction of its own. */
  | 'begin'
  /** COMMIT, END: it ends. */
  | 'commit'
  /** PREPARE TRANSACTION: it is kept on the server. */
  | 'prepare'
  /** ROLLBACK, ABORT: it ends without effect. */
  | 'rollback'
  /** Refused within a transaction, or of effect only after it. */
  | 'outside'
  /** Sets how the following text is read: nothing may be sent together with it. */
  | 'setting'
  | 'plain';

/** Space, comments and brackets before, after and between words. */
const GAP = /(?:[\s()]|--[^\n\r]*|\/\*[^]*?\*\/)*/y;
const WORD = /[A-Za-z_\u0080-\uffff][\w\u0080-\uffff$]*/y;
const OTHER = /(?:"(?:[^"]|"")*"|[^\sA-Za-z_"(])/y;
/** Further words decide nothing. */
const MAX_WORDS = 12;

/** Statements that PostgreSQL refuses in a transaction: every caller of PreventInTransactionBlock in its source. */
const OUTSIDE: readonly RegExp[] = [
  /^VACUUM\b/,
  /^(CREATE|DROP) (DATABASE|TABLESPACE|SUBSCRIPTION)\b/,
  /^ALTER (DATABASE .*\bSET TABLESPACE|SUBSCRIPTION|SYSTEM)\b/,
  /^CREATE (UNIQUE )?INDEX CONCURRENTLY\b/,
  /^DROP INDEX CONCURRENTLY\b/,
  /^REINDEX (.* )?CONCURRENTLY\b/,
  /^REINDEX .*\b(DATABASE|SYSTEM|SCHEMA)\b/,
  /^CLUSTER( VERBOSE)?$/,
  /^ALTER TABLE .*\bDETACH PARTITION .*\bCONCURRENTLY\b/,
  // Not refused any more since 12, but the value cannot be used before the transaction has ended.
  /^ALTER TYPE .*\bADD VALUE\b/,
  /^(COMMIT|ROLLBACK) PREPARED\b/,
  /^DISCARD ALL\b/,
];

/** What a statement of the splitter does, by its first words. */
export function statementKind(text: string): StatementKind {
  const words = firstWords(text);
  const [first = '', second] = words;
  switch (first) {
    case 'BEGIN':
      return 'begin';
    case 'START':
      return second === 'TRANSACTION' ? 'begin' : 'plain';
    case 'COMMIT':
      return second === 'PREPARED' ? 'outside' : 'commit';
    case 'END':
      return 'commit';
    case 'PREPARE':
      return second === 'TRANSACTION' ? 'prepare' : 'plain';
    case 'ROLLBACK':
      if (second === 'PREPARED') return 'outside';
      return words.includes('TO') ? 'plain' : 'rollback';
    case 'ABORT':
      return 'rollback';
    case 'SET':
    case 'RESET':
      return 'setting';
    case 'VACUUM':
    case 'CREATE':
    case 'DROP':
    case 'ALTER':
    case 'REINDEX':
    case 'CLUSTER':
    case 'DISCARD': {
      const line = words.join(' ');
      return OUTSIDE.some((pattern) => pattern.test(line)) ? 'outside' : 'plain';
    }
    default:
      return 'plain';
  }
}

/** Whether a statement may commit what it does by itself, unless a transaction is open around it. */
export const mayCommit = (text: string): boolean => ['CALL', 'DO'].includes(firstWords(text)[0] ?? '');

/** The first words in upper case; quoted names and signs count as one `?`. */
function firstWords(text: string): string[] {
  const words: string[] = [];
  let pos = 0;
  while (words.length < MAX_WORDS) {
    GAP.lastIndex = pos;
    pos += GAP.exec(text)?.[0].length ?? 0;
    WORD.lastIndex = OTHER.lastIndex = pos;
    const word = WORD.exec(text)?.[0];
    const other = word === undefined ? OTHER.exec(text)?.[0] : undefined;
    if (word === undefined && other === undefined) break;
    pos += (word ?? other ?? '').length;
    if (word !== undefined) words.push(word.toUpperCase());
    else if (words.at(-1) !== '?') words.push('?');
    // Only these can have words that matter behind the first ones; the rest shall cost nothing.
    if (
      words.length === 1 &&
      !/^(BEGIN|START|COMMIT|ROLLBACK|PREPARE|VACUUM|CREATE|DROP|ALTER|REINDEX|CLUSTER|DISCARD)$/.test(words[0] ?? '')
    )
      break;
  }
  return words;
}
