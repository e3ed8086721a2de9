import { mysqlSplitterOptions, postgreSplitterOptions, splitQuery } from 'dbgate-query-splitter';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SqlSyntaxError } from './sql-syntax-error.ts';
import { splitStatements } from './split-statements.ts';
import type { SqlDialect, SqlStatement } from './split-statements.ts';

/** Cuts a text at every so many characters. */
async function* inPieces(text: string, length: number): AsyncGenerator<string> {
  for (let start = 0; start < text.length; start += length) yield text.slice(start, start + length);
}

async function split(text: string, dialect: SqlDialect = 'postgres', piece = 65_536): Promise<string[]> {
  const found: string[] = [];
  for await (const statement of splitStatements(inPieces(text, piece), dialect)) {
    found.push(statement.text);
    if (statement.copyData === undefined) continue;
    let data = '';
    for await (const part of statement.copyData) data += part;
    found.push(`data:${data}`);
  }
  return found;
}

async function statements(text: string, dialect: SqlDialect = 'postgres'): Promise<SqlStatement[]> {
  const found: SqlStatement[] = [];
  for await (const statement of splitStatements(inPieces(text, 7), dialect)) found.push(statement);
  return found;
}

/** What may stand in a statement of a dialect, each whole in itself. */
const PARTS: Readonly<Record<SqlDialect, readonly string[]>> = {
  postgres: [
    "'a;b'",
    "'it''s'",
    "'back\\'",
    String.raw`E'it\'s; \\'`,
    String.raw`e'\''';''\''`,
    '"col;umn""x"',
    '$$a;b$$',
    '$tag$ a;$$;$ta$ $tag$',
    '$é1$;$é1$',
    'a$b$c',
    '$1',
    '/* a; /* nested; */ ; */',
    "-- a; 'b\n",
    "U&'d\\0061t;'",
    '(a; b)',
    "e 'x'",
    "namE'x'",
  ],
  clickhouse: [
    "'a;b'",
    "'it''s'",
    String.raw`'it\'s; \\'`,
    '`a``;b`',
    String.raw`"c\"d;"`,
    "$a$x;'y$a$",
    'a$b$c',
    '/* a; /* nested; */ ; */',
    "-- a; 'b\n",
    "# it's; \n",
    "#! it's; \n",
    '5--1;\n',
  ],
  mysql: [
    "'a;b'",
    "'it''s'",
    String.raw`'it\'s; \\'`,
    String.raw`"it\"s; \\"`,
    '`a``;b\\`',
    "-- a; 'b\n",
    "#it's;\n",
    "/* a; /* b; ' */",
    '5--1',
    'a$b$c',
  ],
};

/** Letters, marks and quotes in any order, and whole texts that hide a semicolon. */
const statement = (dialect: SqlDialect): fc.Arbitrary<string> =>
  fc
    .array(
      fc.oneof(
        fc.constantFrom(...PARTS[dialect]),
        fc.constantFrom(
          'SELECT',
          'x',
          '1',
          ' ',
          '\n',
          ',',
          '+',
          '*',
          '/',
          '- ',
          '=',
          'é',
          '漢',
          '😀',
          '.',
          ':',
          '[',
          ']',
        ),
      ),
      { minLength: 1, maxLength: 12 },
    )
    // Space between the parts, so that two of them do not become something else, and code at both ends.
    .map((parts) => `a ${parts.join(' ')} z`);

describe.each(['postgres', 'clickhouse', 'mysql'] as const)('splitting %s', (dialect) => {
  it('gives back statements that were joined, whatever the pieces of the text', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(statement(dialect), { minLength: 1, maxLength: 5 }),
        fc.constantFrom(';', ' ;\n', ';;\n;', '; -- and\n'),
        fc.integer({ min: 1, max: 40 }),
        async (texts, separator, piece) => {
          expect(await split(texts.join(separator), dialect, piece)).toEqual(texts);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('splits any text the same way whatever its pieces are', async () => {
    const outcome = (text: string, piece: number): Promise<unknown> =>
      split(text, dialect, piece).catch((err: unknown) => (err as Error).message);
    await fc.assert(
      fc.asyncProperty(
        fc
          .array(
            fc.constantFrom(
              ...PARTS[dialect],
              ...Array.from('\'"`;$-/*#\\()\n\r\t aAeE1_é'),
              '/*',
              '*/',
              '--',
              '/*!',
              'COPY t FROM stdin;\n',
              '\n\\.\n',
              '\\.',
              'DELIMITER //\n',
              '//',
              '\\restrict x\n',
              'CREATE FUNCTION f() BEGIN ATOMIC',
              'CASE',
              'END',
            ),
            { maxLength: 30 },
          )
          .map((parts) => parts.join('')),
        fc.integer({ min: 1, max: 9 }),
        async (text, piece) => {
          expect(await outcome(text, piece)).toEqual(await outcome(text, 1000));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('finds no statement in comments, white space and semicolons alone', async () => {
    expect(await split(' ;; -- a\n;/* b; */;\n\t', dialect)).toEqual([]);
  });

  it('says in which line each statement begins, after the remarks before it', async () => {
    const found = await statements("-- first\n\nSELECT 'a\nb';\n-- second\n/* hint */ SELECT\n2 ;SELECT 3", dialect);
    expect(found.map(({ number, line, text }) => [number, line, text])).toEqual([
      [1, 3, "SELECT 'a\nb'"],
      [2, 6, '/* hint */ SELECT\n2'],
      [3, 7, 'SELECT 3'],
    ]);
  });

  it('leaves a quote without end to the server', async () => {
    expect(await split("SELECT 1; SELECT 'a; b", dialect, 3)).toEqual(['SELECT 1', "SELECT 'a; b"]);
  });

  it('refuses a comment without end', async () => {
    await expect(split('SELECT 1;\n/* SELECT 2;', dialect)).rejects.toThrow(
      'the comment that begins in line 2 does not end',
    );
  });
});

describe.each([
  ['postgres', postgreSplitterOptions, ["'a;''b'", '"a;b"', '$$a;b$$', '$t$;$$;$t$', '/* ; */']],
  ['mysql', mysqlSplitterOptions, ["'a;''b'", String.raw`'\';'`, '"a;b"', '`;`', '/* ; */']],
] as const)('splitting plain %s', (dialect, options, parts) => {
  it('agrees with another splitter', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.constantFrom(...parts), fc.constantFrom('SELECT', 'a', '1', ';', ';', ',', '=')), {
          maxLength: 20,
        }),
        fc.integer({ min: 1, max: 20 }),
        async (words, piece) => {
          // It takes comments alone for statements.
          const text = words.map((word) => (word === ';' ? '; x' : word)).join(' ');
          expect(await split(`x ${text}`, dialect, piece)).toEqual(splitQuery(`x ${text}`, options));
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('splitting postgres', () => {
  it('keeps the body of a routine in the manner of the SQL standard together', async () => {
    const body =
      'CREATE OR REPLACE FUNCTION f(a int) RETURNS int BEGIN ATOMIC INSERT INTO t VALUES (1); SELECT CASE WHEN a = 1 THEN 2 END; END';
    expect(await split(`${body}; SELECT 2`)).toEqual([body, 'SELECT 2']);
  });

  it('takes BEGIN for a statement where no routine begins', async () => {
    expect(await split('BEGIN; CREATE TABLE atomic (a int); END; SELECT 1')).toEqual([
      'BEGIN',
      'CREATE TABLE atomic (a int)',
      'END',
      'SELECT 1',
    ]);
  });

  it('gives the data of COPY FROM stdin apart', async () => {
    const text = "COPY public.t (a, b) FROM stdin;\n1\ta;b'\n\\N\t\\.x\n\\.\n\nSELECT 1;";
    for (const piece of [1, 2, 3, 5, 100])
      expect(await split(text, 'postgres', piece)).toEqual([
        'COPY public.t (a, b) FROM stdin',
        "data:1\ta;b'\n\\N\t\\.x\n",
        'SELECT 1',
      ]);
  });

  it('knows COPY without data from the server', async () => {
    expect(await split("COPY t FROM '/tmp/stdin'; COPY (SELECT a FROM stdin) TO stdout; SELECT 1")).toHaveLength(3);
  });

  it('passes over the data of COPY that nobody reads', async () => {
    const found = await statements("COPY t FROM stdin;\n1'\n2\n\\.\nSELECT 1");
    expect(found.map(({ number, text, line }) => [number, text, line])).toEqual([
      [1, 'COPY t FROM stdin', 1],
      [2, 'SELECT 1', 5],
    ]);
  });

  it('passes over what is left of the data of COPY when a reader has enough', async () => {
    const found: string[] = [];
    for await (const { text, copyData } of splitStatements(
      inPieces('COPY t FROM stdin;\n1\n2\n\\.\nSELECT 1', 3),
      'postgres',
    )) {
      found.push(text);
      await copyData?.[Symbol.asyncIterator]().return?.();
    }
    expect(found).toEqual(['COPY t FROM stdin', 'SELECT 1']);
  });

  it.each([
    ['COPY t FROM stdin;\n1\n2\n', 'the data of COPY FROM stdin ends without a line with \\.'],
    ['COPY t FROM stdin; SELECT 1;\n', 'COPY FROM stdin must be followed by a line end'],
    ['COPY t FROM stdin', 'COPY FROM stdin must be followed by a line end'],
  ])('refuses %j', async (text, message) => {
    await expect(split(text)).rejects.toThrow(message);
  });

  it('refuses commands of psql with their line, after the statements before them', async () => {
    const found: string[] = [];
    const run = async (): Promise<void> => {
      for await (const { text } of splitStatements(inPieces('SELECT 1;\n\\connect other\nSELECT 2;', 4), 'postgres'))
        found.push(text);
    };
    await expect(run()).rejects.toMatchObject({
      name: 'SqlSyntaxError',
      line: 2,
      message: expect.stringContaining('\\connect'),
    });
    expect(found).toEqual(['SELECT 1']);
  });

  it('passes over the two commands that pg_dump writes around its dumps', async () => {
    expect(await split('\\restrict abc\nSELECT 1;\n\n\\unrestrict abc\n', 'postgres', 3)).toEqual(['SELECT 1']);
  });

  it('follows standard_conforming_strings, which old dumps turn off', async () => {
    const text = String.raw`SET standard_conforming_strings = off; SELECT 'it\'s;'; SET standard_conforming_strings = on; SELECT 'a\'; SELECT 2`;
    expect(await split(text)).toHaveLength(5);
  });

  it.each([
    ['SET SESSION sql_mode = NO_BACKSLASH_ESCAPES;', String.raw`SELECT 'a\'; SELECT "b\"; SELECT 'it''s;\'`, 3],
    ["SET sql_mode = 'ANSI_QUOTES';", String.raw`SELECT 'it\'s;'; SELECT "b\"; SELECT 2`, 3],
    ["SET sql_mode = CONCAT(@@sql_mode, ',NO_BACKSLASH_ESCAPES');", String.raw`SELECT 'a\'; SELECT 2`, 2],
    ["SET sql_mode = 'NO_BACKSLASH_ESCAPES'; SET sql_mode = '';", String.raw`SELECT 'it\'s;'; SELECT 2`, 2],
    ["SET GLOBAL sql_mode = 'NO_BACKSLASH_ESCAPES';", String.raw`SELECT 'it\'s;'; SELECT 2`, 2],
  ])('follows %s', async (setting, text, count) => {
    const before = (await split(setting, 'mysql')).length;
    expect(await split(`${setting} ${text}`, 'mysql')).toHaveLength(before + count);
  });

  it('begins with the sql_mode of the session', async () => {
    const found: string[] = [];
    const text = String.raw`SELECT 'a\'; SELECT 2; SET sql_mode = ''; SELECT 'it\'s;'`;
    const pieces = (async function* () {
      yield text;
    })();
    for await (const statement of splitStatements(pieces, 'mysql', { noBackslashEscapes: true }))
      found.push(statement.text);
    expect(found).toHaveLength(4);
  });

  it('refuses a statement beyond 64 Mi characters instead of keeping it', async () => {
    const endless = async function* (): AsyncGenerator<string> {
      yield "SELECT '";
      for (;;) yield ';'.repeat(1024 * 1024);
    };
    const run = async (): Promise<void> => {
      for await (const _ of splitStatements(endless(), 'postgres'));
    };
    await expect(run()).rejects.toThrow(SqlSyntaxError);
  });

  it('lets the source go when its reader has enough', async () => {
    let released = false;
    const source = async function* (): AsyncGenerator<string> {
      try {
        for (;;) yield 'SELECT 1;';
      } finally {
        released = true;
      }
    };
    const found = splitStatements(source(), 'postgres');
    await found.next();
    await found.return(undefined);
    expect(released).toBe(true);
  });
});

describe('splitting mysql', () => {
  it('takes what begins with /*! for code', async () => {
    expect(await split("/*!40101 SET NAMES 'utf8;' */;\nSELECT 1;", 'mysql')).toEqual([
      "/*!40101 SET NAMES 'utf8;' */",
      'SELECT 1',
    ]);
  });

  it('follows DELIMITER', async () => {
    const text = 'SELECT 0;\nDELIMITER $$\nCREATE TRIGGER t BEGIN a; b; END$$\ndelimiter ;\nSELECT 1;';
    for (const piece of [1, 3, 1000])
      expect(await split(text, 'mysql', piece)).toEqual(['SELECT 0', 'CREATE TRIGGER t BEGIN a; b; END', 'SELECT 1']);
  });

  it('takes two dashes for a comment only before white space', async () => {
    expect(await split('SELECT 5--1; SELECT 2 --\n; SELECT 3', 'mysql')).toEqual([
      'SELECT 5--1',
      'SELECT 2 --',
      'SELECT 3',
    ]);
  });
});
