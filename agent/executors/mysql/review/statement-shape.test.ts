import { describe, expect, it } from 'vitest';
import { shapeOf } from './statement-shape.ts';

/** `change:db.t read:s` */
function tablesOf(text: string): string {
  return shapeOf(text)
    .tables.map(({ schema, name, use }) => `${use}:${schema === undefined ? '' : `${schema}.`}${name}`)
    .join(' ');
}

describe('tables of a statement', () => {
  it.each([
    ['SELECT * FROM a, `b c` x JOIN d.e AS y ON x.i = y.i, f WHERE 1', 'read:a read:b c read:d.e read:f'],
    ['SELECT 1', ''],
    ['SELECT 1 FROM DUAL', ''],
    ['SELECT EXTRACT(YEAR FROM d), SUBSTRING(a FROM 2), TRIM(BOTH x FROM y) FROM t', 'read:t'],
    ['SELECT * FROM (SELECT * FROM a) x, (b, c) JOIN (d) ON 1', 'read:a read:b read:c read:d'],
    [
      'SELECT (SELECT 1 FROM a), b FROM c WHERE d IN (SELECT e FROM f UNION SELECT 1 FROM g)',
      'read:a read:c read:f read:g',
    ],
    ['(SELECT 1 FROM a) UNION ALL (SELECT 2 FROM b) ORDER BY 1, c', 'read:a read:b'],
    ['WITH x (i) AS (SELECT 1 FROM a), y AS (SELECT * FROM x) SELECT * FROM y JOIN z', 'read:a read:z'],
    ['WITH RECURSIVE x AS (SELECT 1 UNION SELECT i FROM x, b) SELECT * FROM x', 'read:b'],
    ['SELECT * FROM t PARTITION (p0, p1) AS s USE INDEX (a, b), u FORCE INDEX FOR JOIN (c)', 'read:t read:u'],
    ["SELECT * FROM JSON_TABLE('[]', '$' COLUMNS (a INT PATH '$')) j, t", 'read:t'],
    ['SELECT * FROM t FOR SYSTEM_TIME FROM a TO b JOIN u', 'read:t read:u'],
    ['SELECT * FROM t FOR UPDATE OF t NOWAIT', 'read:t'],
    ['SELECT * FROM a LEFT JOIN LATERAL (SELECT 1 FROM b) c ON 1', 'read:a read:b'],
    ['SELECT STRAIGHT_JOIN * FROM a STRAIGHT_JOIN b', 'read:a read:b'],
    ['SELECT * FROM { OJ a LEFT OUTER JOIN b ON 1 }', 'read:a read:b'],
    ['TABLE a UNION TABLE b', 'read:a read:b'],
    ['SELECT * FROM a/*,b*/ -- , c\n, d', 'read:a read:d'],
    ['SELECT * FROM a /*! , b */', 'read:a read:b'],
    ['UPDATE t SET a = 1', 'change:t'],
    [
      'UPDATE LOW_PRIORITY IGNORE `d`.`t` AS x SET a = (SELECT 1 FROM u) WHERE b IN (SELECT c FROM v)',
      'change:d.t read:u read:v',
    ],
    ['UPDATE a JOIN b ON a.i = b.i SET a.x = b.x, a.y = 2', 'change:a read:b'],
    ['UPDATE d.a x, b SET x.v = 1, d.b.w = 2', 'change:d.a change:b'],
    ['UPDATE a, b SET v = 1', 'change:a change:b'],
    ['UPDATE a, (SELECT i FROM c) b SET a.v = f(b.i, a.w)', 'change:a read:c'],
    ['WITH x AS (SELECT 1 FROM c) UPDATE t JOIN x SET t.a = 1', 'change:t read:c'],
    ['DELETE FROM t', 'change:t'],
    ['DELETE QUICK FROM d.t PARTITION (p) WHERE a IN (SELECT b FROM c)', 'change:d.t read:c'],
    ['DELETE a FROM a JOIN b ON a.i = b.i', 'change:a read:b'],
    ['DELETE x.*, b FROM d.a x, b, c WHERE 1', 'change:d.a change:b read:c'],
    ['DELETE FROM a, b USING a JOIN b JOIN c', 'change:a change:b read:c'],
    ['WITH x AS (SELECT 1) DELETE FROM t WHERE a IN (SELECT * FROM x)', 'change:t'],
    ['DELETE FROM t WHERE i IN (WITH t AS (SELECT 1 FROM q) SELECT * FROM t)', 'change:t read:q'],
    ['INSERT INTO t VALUES (1)', 'change:t'],
    ['INSERT IGNORE d.t (a, b) VALUES (1, (SELECT 2 FROM s))', 'change:d.t read:s'],
    ['INSERT INTO t SELECT * FROM a JOIN b ON DUPLICATE KEY UPDATE c = 1', 'change:t read:a read:b'],
    ['INSERT INTO t (a) (SELECT b FROM c)', 'change:t read:c'],
    ['INSERT INTO t WITH x AS (SELECT 1 FROM a) SELECT * FROM x', 'change:t read:a'],
    ['INSERT INTO t TABLE s', 'change:t read:s'],
    ['REPLACE t SET a = (SELECT 1 FROM s)', 'change:t read:s'],
    ['/*!50000 INSERT */ INTO t /*! SELECT * FROM s */', 'change:t read:s'],
    ["LOAD DATA LOCAL INFILE 'x' REPLACE INTO TABLE d.t", 'change:d.t'],
    ['TRUNCATE d.t', 'truncate:d.t'],
    ['DROP TABLE IF EXISTS a, d.`b.c` CASCADE', 'drop:a drop:d.b.c'],
    [
      'CREATE TABLE IF NOT EXISTS t (a INT REFERENCES u (i), FOREIGN KEY (a) REFERENCES d.v (j))',
      'create:t read:u read:d.v',
    ],
    ['CREATE OR REPLACE TEMPORARY TABLE a LIKE b', 'create:a read:b'],
    ['CREATE TABLE a (LIKE b)', 'create:a read:b'],
    ['CREATE TABLE a AS SELECT * FROM b', 'create:a read:b'],
    ['ALTER ONLINE TABLE d.t ADD a INT, DROP COLUMN b', 'alter:d.t'],
    ['CREATE UNIQUE INDEX i ON d.t (a)', 'alter:d.t'],
    ['CREATE SPATIAL INDEX i ON t (a)', 'alter:t'],
    ['DROP INDEX i ON t', 'alter:t'],
    ['RENAME TABLE a TO b, c TO d.e', 'drop:a create:b drop:c create:d.e'],
    ['CREATE DEFINER=`a`@`b` SQL SECURITY INVOKER VIEW v (x) AS SELECT 1 FROM t', 'create:v read:t'],
    ['CREATE DEFINER = CURRENT_USER TRIGGER g BEFORE INSERT ON t FOR EACH ROW DELETE FROM u', 'alter:t'],
    ['CREATE PROCEDURE p() BEGIN DELETE FROM t; END', ''],
    ['LOCK TABLES a READ, d.b x WRITE', 'read:a read:d.b'],
    ['EXPLAIN FORMAT=JSON DELETE FROM t', 'change:t'],
    ['SET STATEMENT a = 1 FOR UPDATE t SET b = 1', 'change:t'],
    ['UPDATE "t" SET a = "x"', 'change:t'],
    ['nonsense ( , ) . `', ''],
    ['', ''],
  ])('are known of %s', (text, tables) => {
    expect(tablesOf(text)).toBe(tables);
  });
});

describe('the query for the rows that a statement changes', () => {
  it.each([
    ['UPDATE t SET a = 1 WHERE b = 2 ORDER BY c LIMIT 3', 'SELECT 1 FROM t WHERE b = 2 ORDER BY c LIMIT 3'],
    ['UPDATE a JOIN b ON a.i = b.i SET a.x = 1', 'SELECT 1 FROM a JOIN b ON a.i = b.i'],
    ['DELETE IGNORE FROM d.t x WHERE b = 2 RETURNING c', 'SELECT 1 FROM d.t x WHERE b = 2'],
    ['DELETE a FROM a, b WHERE 1', 'SELECT 1 FROM a, b WHERE 1'],
    ['DELETE FROM a USING a, b', 'SELECT 1 FROM a, b'],
    ['WITH x AS (SELECT 1) DELETE FROM t WHERE 1', 'WITH x AS (SELECT 1) SELECT 1 FROM t WHERE 1'],
    ['INSERT INTO t (a) SELECT b FROM c ON DUPLICATE KEY UPDATE a = 1', 'SELECT b FROM c'],
    ['INSERT INTO t (a) (SELECT b FROM c)', '(SELECT b FROM c)'],
    ['/*!50000 DELETE FROM t WHERE */ a = 1 /* x */ AND b = 2', 'SELECT 1 FROM t WHERE a = 1 AND b = 2'],
    ['INSERT INTO t VALUES (1)', undefined],
    ['SELECT * FROM t FOR UPDATE', undefined],
    ['DROP TABLE t', undefined],
  ])('of %s', (text, query) => {
    expect(shapeOf(text).query).toBe(query);
  });

  it('counts the rows that an INSERT lists', () => {
    const listed = (text: string): number | undefined => shapeOf(text).listed;
    expect(listed("INSERT INTO t (a, b) VALUES (1, f(2)), (3, ')('), ROW(4, 5) ON DUPLICATE KEY UPDATE a = (1)")).toBe(
      3,
    );
    expect(listed('REPLACE t SET a = 1')).toBe(1);
    expect(listed('INSERT INTO t SELECT 1')).toBeUndefined();
  });
});
