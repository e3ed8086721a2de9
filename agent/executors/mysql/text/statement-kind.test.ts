import { describe, expect, it } from 'vitest';
import { isReadOnly, statementKind } from './statement-kind.ts';
import type { StatementKind } from './statement-kind.ts';

const TEXTS: readonly (readonly [StatementKind, readonly string[]])[] = [
  [
    'select',
    [
      'SELECT 1',
      'select\n\t* from t',
      '((SELECT 1) UNION (SELECT 2))',
      'WITH a AS (SELECT 1) SELECT * FROM a',
      'with recursive a (n) as (select 1 union select n+1 from a) (select * from a)',
      'SELECT \'into x\', `into`, "for update" /* INTO OUTFILE */ FROM t -- FOR UPDATE',
      'SELECT t.into FROM t',
      "SELECT SUBSTRING('x' FROM 1 FOR 2)",
      'TABLE t',
      'VALUES ROW(1), ROW(2)',
      '/* DELETE */ SELECT 1',
      '/*!40001 SELECT */ 1',
      '#x\nSELECT 1',
      '--\tx\nSELECT 1',
      'ANALYZE FORMAT=JSON SELECT 1',
      'EXPLAIN ANALYZE SELECT 1',
      'SET STATEMENT max_statement_time=1 FOR SELECT 1',
      '/*!999999\\- enable the sandbox mode */ SELECT 1',
    ],
  ],
  [
    'show',
    [
      'SHOW TABLES',
      'desc t',
      'DESCRIBE t a',
      'EXPLAIN SELECT 1',
      'EXPLAIN UPDATE t SET a = 1',
      'EXPLAIN FORMAT=JSON DELETE FROM t',
      'EXPLAIN INSERT INTO t VALUES (1)',
      'EXPLAIN t',
      "HELP 'x'",
      'CHECKSUM TABLE t',
    ],
  ],
  [
    'dml',
    [
      'INSERT INTO t VALUES (1)',
      'insert/**/into t values (1)',
      'REPLACE t VALUES (1)',
      'UPDATE t SET a = 1',
      'DELETE a FROM a JOIN b',
      'WITH a AS (SELECT 1) UPDATE t SET b = 1',
      'WITH a AS (SELECT 1), b AS (SELECT 2) DELETE FROM t',
      "LOAD DATA INFILE '/x' INTO TABLE t",
      'SELECT * FROM t FOR UPDATE',
      'SELECT * FROM t LOCK IN SHARE MODE',
      '(SELECT * FROM t FOR SHARE SKIP LOCKED)',
      '/*!DELETE FROM t*/',
      '/*!50000 DELETE */ FROM t',
      '/* SELECT 1 */ /*! DELETE FROM t */',
      'ANALYZE UPDATE t SET a = 1',
      'EXPLAIN ANALYZE UPDATE t JOIN s SET t.a = 1',
      'DESC ANALYZE FORMAT=TREE DELETE FROM t',
      'SET STATEMENT a=1, b=(2) FOR DELETE FROM t',
    ],
  ],
  [
    'ddl',
    [
      'CREATE TABLE t (a INT)',
      'create or replace view v as select 1',
      'DROP TABLE t',
      'ALTER TABLE t ADD a INT',
      'TRUNCATE t',
      'RENAME TABLE a TO b',
      'GRANT ALL ON *.* TO u',
      "SET PASSWORD = 'x'",
      'SET DEFAULT ROLE NONE TO u',
      'ANALYZE TABLE t',
      'ANALYZE NO_WRITE_TO_BINLOG TABLE t',
      'FLUSH PRIVILEGES',
      'OPTIMIZE TABLE t',
      'START REPLICA',
      'LOAD INDEX INTO CACHE t',
      '/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`b`*/ /*!50003 TRIGGER t BEFORE INSERT ON t FOR EACH ROW SET @a = 1 */',
      'CREATE PROCEDURE p() BEGIN DELETE FROM t; END',
      "CREATE DEFINER = 'a'@'%' PROCEDURE p() SELECT 1",
    ],
  ],
  ['begin', ['BEGIN', 'begin work', 'START TRANSACTION WITH CONSISTENT SNAPSHOT', 'start /*x*/ transaction']],
  ['commit', ['COMMIT', 'commit and chain', '/*! COMMIT */']],
  ['rollback', ['ROLLBACK', 'rollback work and no chain']],
  ['savepoint', ['SAVEPOINT a', 'ROLLBACK TO a', 'ROLLBACK WORK TO SAVEPOINT a', 'RELEASE SAVEPOINT a']],
  [
    'set',
    [
      'SET a = 1',
      'SET @a = 1, @@session.b = 2',
      'SET NAMES utf8mb4',
      'SET GLOBAL a = 1',
      'SET TRANSACTION READ ONLY',
      'SET DEFAULT_STORAGE_ENGINE = 1',
      'CREATE TEMPORARY TABLE t (a INT)',
      'CREATE OR REPLACE TEMPORARY TABLE t (a INT)',
      'DROP TEMPORARY TABLE t',
      "PREPARE p FROM 'DELETE FROM t'",
      'DEALLOCATE PREPARE p',
      'DROP PREPARE p',
      'SELECT a INTO @a FROM t',
      'SELECT a FROM t INTO @a',
      'EXPLAIN FORMAT=JSON INTO @x SELECT 1',
      'RESET PERSIST a',
    ],
  ],
  ['use', ['USE a', 'use `a b`']],
  ['call', ['CALL p()', 'EXECUTE p', "EXECUTE IMMEDIATE 'DELETE FROM t'", 'BEGIN NOT ATOMIC DELETE FROM t; END']],
  ['lock', ['LOCK TABLES t WRITE', 'UNLOCK TABLES', 'FLUSH TABLES WITH READ LOCK', 'FLUSH TABLES a FOR EXPORT']],
  ['xa', ["XA START 'x'"]],
  [
    'other',
    [
      "SELECT * FROM t INTO OUTFILE '/x'",
      "SELECT * INTO DUMPFILE '/x' FROM t",
      'DO SLEEP(1)',
      'HANDLER t OPEN',
      'KILL 1',
      'SHUTDOWN',
      "BINLOG 'x'",
      'nonsense',
      '',
      '/* SELECT 1',
    ],
  ],
];

describe('statementKind', () => {
  it.each(TEXTS)('knows what is %s', (kind, texts) => {
    expect(texts.map((text) => [text, statementKind(text)])).toEqual(texts.map((text) => [text, kind]));
  });

  it('heeds which comments a server executes', () => {
    const text = '/*!80000 DELETE FROM t -- */ \n SELECT 1';
    const mysql = (number: number): StatementKind => statementKind(text, { mariadb: false, number });
    expect([mysql(50_744), mysql(80_000), mysql(90_700)]).toEqual(['select', 'dml', 'dml']);
    expect(statementKind(text, { mariadb: true, number: 110_800 })).toBe('select');
    const forMariadb = '/*M!100100 DELETE FROM t */';
    expect(statementKind(forMariadb, { mariadb: true, number: 110_800 })).toBe('dml');
    expect(statementKind(forMariadb, { mariadb: false, number: 90_700 })).toBe('other');
  });

  it('is fast for a long statement', () => {
    const text = `INSERT INTO t VALUES ('${'x'.repeat(8_000_000)}')`;
    expect(statementKind(text)).toBe('dml');
    expect(isReadOnly(statementKind(`SELECT '${'x'.repeat(8_000_000)}'`))).toBe(true);
  });
});
