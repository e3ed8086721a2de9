import { describe, expect, it } from 'vitest';
import { statementKind } from './statement-kind.ts';

describe('statementKind', () => {
  it.each([
    ['begin', ['BEGIN', 'begin work', 'START TRANSACTION ISOLATION LEVEL SERIALIZABLE', '/* x */ BEGIN']],
    ['commit', ['COMMIT', 'END', 'commit and chain']],
    ['prepare', ["PREPARE TRANSACTION 'x'"]],
    ['rollback', ['ROLLBACK', 'ABORT', 'rollback work', '-- why\nROLLBACK']],
    ['setting', ['SET a = 1', 'set local a to 2', 'RESET ALL']],
    [
      'outside',
      [
        'VACUUM',
        'vacuum (full, analyze) t',
        'CREATE DATABASE a',
        'DROP DATABASE IF EXISTS "a b"',
        "CREATE TABLESPACE x LOCATION '/x'",
        'CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)',
        'create index concurrently if not exists i on s.t (a)',
        'DROP INDEX CONCURRENTLY i',
        'REINDEX INDEX CONCURRENTLY i',
        'REINDEX (CONCURRENTLY, VERBOSE) TABLE t',
        'REINDEX SYSTEM d',
        'ALTER SYSTEM SET a = 1',
        'ALTER TYPE "s"."mood" ADD VALUE \'x\'',
        'ALTER TABLE ONLY s.t DETACH PARTITION s.p CONCURRENTLY',
        'ALTER DATABASE d SET TABLESPACE x',
        'CLUSTER',
        'CLUSTER (VERBOSE)',
        'CREATE SUBSCRIPTION s',
        "COMMIT PREPARED 'x'",
        "ROLLBACK PREPARED 'x'",
        'DISCARD ALL',
      ],
    ],
    [
      'plain',
      [
        'SELECT 1',
        'INSERT INTO begin VALUES (1)',
        'ROLLBACK TO SAVEPOINT s',
        'ROLLBACK WORK TO s',
        'PREPARE p AS SELECT 1',
        'CREATE INDEX i ON concurrently (a)',
        'CREATE TABLE database (a int)',
        "ALTER TYPE mood RENAME VALUE 'a' TO 'b'",
        'ALTER DATABASE d SET a = 1',
        'ALTER TABLE t DETACH PARTITION p',
        'REINDEX TABLE t',
        'CLUSTER t',
        'DISCARD TEMP',
        'WITH x AS (SELECT 1) SELECT * FROM x',
        '(SELECT 1)',
        'CALL p()',
      ],
    ],
  ])('knows what is %s', (kind, texts) => {
    expect(texts.map((text) => [text, statementKind(text)])).toEqual(texts.map((text) => [text, kind]));
  });
});
