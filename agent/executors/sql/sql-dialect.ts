export type SqlDialect = 'postgres' | 'clickhouse' | 'mysql';

/** How a dialect writes what may hide the end of a statement. */
export interface DialectRules {
  /** Characters that begin and end a quoted text; doubled inside it, they stand for themselves. */
  readonly quotes: string;
  /** Of these, the ones in which a backslash escapes the next character. */
  readonly escapingQuotes: string;
  /** E'it\'s' */
  readonly escapeStrings: boolean;
  /** `$tag$ … $tag$` */
  readonly dollarQuotes: boolean;
  /** Names may hold `$`. */
  readonly dollarInNames: boolean;
  readonly nestedComments: boolean;
  /** What ends a comment of one line. */
  readonly lineEnds: RegExp;
  /** `--` begins a comment only when white space follows: `5--1` is a difference in MySQL. */
  readonly dashNeedsSpace: boolean;
  /** What must follow `#` so that it begins a comment; undefined: it never does. */
  readonly hashComment: RegExp | undefined;
  /** Comments that begin so are code; these are not left out of any text. */
  readonly codeComment: RegExp | undefined;
  /** A semicolon between round brackets separates nothing: CREATE RULE … DO (…; …). */
  readonly brackets: boolean;
  /** BEGIN ATOMIC … END, COPY … FROM stdin, and commands of psql, which begin with a backslash. */
  readonly psql: boolean;
  /** The mysql client's DELIMITER. */
  readonly delimiterCommand: boolean;
  /** MySQL's sql_mode says whether backslashes escape, and whether `"` is for names. */
  readonly sqlMode: boolean;
}

export const DIALECTS: Readonly<Record<SqlDialect, DialectRules>> = {
  postgres: {
    quotes: `'"`,
    escapingQuotes: '',
    escapeStrings: true,
    dollarQuotes: true,
    dollarInNames: true,
    nestedComments: true,
    lineEnds: /[\r\n]/g,
    dashNeedsSpace: false,
    hashComment: undefined,
    codeComment: undefined,
    brackets: true,
    psql: true,
    delimiterCommand: false,
    sqlMode: false,
  },
  clickhouse: {
    quotes: '\'"`',
    escapingQuotes: '\'"`',
    escapeStrings: false,
    dollarQuotes: true,
    dollarInNames: true,
    nestedComments: true,
    lineEnds: /\n/g,
    dashNeedsSpace: false,
    hashComment: /[ !]/,
    codeComment: undefined,
    brackets: false,
    psql: false,
    delimiterCommand: false,
    sqlMode: false,
  },
  mysql: {
    quotes: '\'"`',
    escapingQuotes: `'"`,
    escapeStrings: false,
    dollarQuotes: false,
    // `$$` is a usual delimiter: `END$$`.
    dollarInNames: false,
    nestedComments: false,
    lineEnds: /\n/g,
    dashNeedsSpace: true,
    hashComment: /^/,
    codeComment: /^\/\*M?!/,
    brackets: false,
    psql: false,
    delimiterCommand: true,
    sqlMode: true,
  },
};
