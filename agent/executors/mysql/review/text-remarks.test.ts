import { describe, expect, it } from 'vitest';
import { shapeOf } from './statement-shape.ts';
import { textRemarks } from './text-remarks.ts';

const codes = (text: string, inTransaction = false): string =>
  textRemarks(shapeOf(text), { inTransaction })
    .map(({ code }) => code)
    .join(' ');

describe('remarks on a statement by its text', () => {
  it.each([
    ['UPDATE t SET a = 1', 'NoWhere'],
    ['update/**/t set a = (select 1 from s where 1)', 'NoWhere'],
    ['DELETE FROM `where`', 'NoWhere'],
    ['DELETE a FROM a, b', 'NoWhere'],
    ['DELETE a FROM a JOIN b', 'NoWhere'],
    ['DELETE a FROM a LEFT JOIN b ON a.i = b.i', 'NoWhere'],
    ['DELETE a FROM a JOIN b ON a.i = b.i', ''],
    ['DELETE FROM a USING a JOIN b USING (i)', ''],
    ["UPDATE t SET a = 'WHERE x' -- WHERE id = 1", 'NoWhere'],
    ['WITH x AS (SELECT 1 FROM y WHERE z) DELETE FROM t', 'NoWhere'],
    ['UPDATE t SET a = 1 /*!99999 WHERE id = 1 */', ''],
    ['DELETE FROM t LIMIT 5', 'LimitWithoutOrder'],
    ['DELETE FROM t ORDER BY a LIMIT 5', ''],
    ['UPDATE t SET a = 1 WHERE 1 = 1', 'AlwaysTrueWhere'],
    ['DELETE FROM t WHERE id = 5 OR 1', 'AlwaysTrueWhere'],
    ['DELETE FROM t WHERE (id = id) ORDER BY a LIMIT 2', 'AlwaysTrueWhere'],
    ['DELETE FROM t WHERE id = 5', ''],
    ['SET STATEMENT max_statement_time = 1 FOR DELETE FROM t', 'NoWhere'],
    ['DROP TABLE a', 'DropTable'],
    ['drop\ttable if exists a', 'DropTable'],
    ['/*! DROP TABLE a */', 'DropTable'],
    ['/*!50001 DROP VIEW IF EXISTS v*/', 'DropView'],
    ['DROP TEMPORARY TABLE a', ''],
    ['DROP DATABASE d', 'DropDatabase'],
    ['DROP SCHEMA IF EXISTS d', 'DropDatabase'],
    ['TRUNCATE t', 'Truncate'],
    ['DROP PROCEDURE p', 'DropProgram'],
    ['DROP TRIGGER IF EXISTS p', 'DropProgram'],
    ['ALTER TABLE t DROP COLUMN a, ADD b INT', 'AlterDropsColumn'],
    ['ALTER TABLE d.t ADD x DECIMAL(1,2), DROP `a`', 'AlterDropsColumn'],
    ['ALTER TABLE t DROP INDEX a, DROP FOREIGN KEY b, DROP CHECK c, DROP CONSTRAINT d', ''],
    ['ALTER TABLE t DROP PARTITION p0', 'DropPartition'],
    ['ALTER TABLE t TRUNCATE PARTITION p0', 'DropPartition'],
    ['ALTER TABLE t DROP PRIMARY KEY', 'NoPrimaryKey'],
    ['ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (b)', ''],
    ['ALTER TABLE t ENGINE=MyISAM', 'NotInnoDB'],
    ['ALTER TABLE t RENAME TO u', 'RenameTable'],
    ['ALTER TABLE t RENAME COLUMN a TO b', ''],
    ['CREATE TABLE t (a INT)', 'NoPrimaryKey'],
    ['CREATE TABLE t (a INT PRIMARY KEY)', ''],
    ['CREATE TABLE t (a INT, UNIQUE (a))', ''],
    ['CREATE TABLE t LIKE u', ''],
    ['CREATE OR REPLACE TABLE t LIKE u', 'DropTable'],
    ['CREATE OR REPLACE VIEW v AS SELECT 1', ''],
    ['CREATE TEMPORARY TABLE t (a INT)', ''],
    ["GRANT ALL ON *.* TO 'u'@'%'", 'AccountChange'],
    ["CREATE USER u IDENTIFIED BY 'x'", 'AccountChange'],
    ["SET PASSWORD FOR u = 'x'", 'AccountChange'],
    ['RENAME USER a TO b', 'AccountChange'],
    ["SELECT * FROM t INTO OUTFILE '/tmp/x'", 'SelectIntoOutfile'],
    ["SELECT 1 /*! INTO DUMPFILE '/x' */", 'SelectIntoOutfile'],
    ['SET GLOBAL a = 1', 'SetGlobal'],
    ['SET @@global.a = 1', 'SetGlobal'],
    ['SET a = 1, PERSIST b = 2', 'SetGlobal'],
    ['SET @@session.a = 1, global_x = 2', ''],
    ['SET sql_log_bin = 0', 'BinlogOff'],
    ['SET @@SESSION.SQL_LOG_BIN := OFF', 'BinlogOff'],
    ['/*!40014 SET FOREIGN_KEY_CHECKS=0 */', 'ForeignKeysOff'],
    ['SET foreign_key_checks = 1', ''],
    ['CALL p()', 'HiddenChanges'],
    ["EXECUTE IMMEDIATE 'DROP TABLE t'", 'HiddenChanges'],
    ['BEGIN NOT ATOMIC DELETE FROM t; END', 'HiddenChanges'],
    ["BINLOG 'x'", 'HiddenChanges'],
    ['LOCK TABLES t WRITE', 'LocksTables'],
    ['UNLOCK TABLES', ''],
    ["XA START 'x'", 'XaTransaction'],
    ['KILL 5', 'ServerAdministration'],
    ['SHUTDOWN', 'ServerAdministration'],
    ["PURGE BINARY LOGS TO 'x'", 'ServerAdministration'],
    ['START REPLICA', 'ServerAdministration'],
    ['START TRANSACTION', ''],
    ["LOAD DATA LOCAL INFILE 'x' INTO TABLE t", 'LoadData'],
    ["LOAD DATA INFILE 'x' INTO TABLE t", 'LoadData'],
    ['CREATE PROCEDURE p() BEGIN DELETE FROM t; DROP TABLE t; END', ''],
    ['SELECT * FROM t', ''],
    ['INSERT INTO t VALUES (1)', ''],
    ['nonsense', ''],
  ])('%s: %s', (text, expected) => {
    expect(codes(text)).toBe(expected);
  });

  it('tells that a statement ends the transaction that it stands in', () => {
    expect(codes('CREATE INDEX i ON t (a)', true)).toBe('ImplicitCommit');
    expect(codes('BEGIN', true)).toBe('ImplicitCommit');
    expect(codes('CREATE TEMPORARY TABLE t (a INT)', true)).toBe('');
    expect(codes('INSERT INTO t VALUES (1)', true)).toBe('');
  });

  it('says when it has read only the begin of a statement', () => {
    const long = 'x'.repeat(1024 * 1024);
    expect(codes(`UPDATE t SET a = '${long}'`)).toBe('PartlyRead');
    expect(codes(`INSERT INTO t VALUES ('${long}')`)).toBe('');
  });
});
