import { describe, expect, it } from 'vitest';
import { foreignCall } from './foreign-call.ts';
import { StatementTokens } from './statement-tokens.ts';

const call = (text: string): string | undefined => foreignCall(new StatementTokens(text));

describe('foreignCall', () => {
  it.each([
    'SELECT COUNT(*), CONCAT(a, UPPER(b)), IF (a, 1, 2) FROM t WHERE a IN (1, 2) AND (b = 3)',
    'SELECT SUM(a) OVER (PARTITION BY b) FROM t JOIN s USING (i) WHERE EXISTS (SELECT 1)',
    'WITH a (b) AS (SELECT 1), c (d, e) AS (SELECT 1, 2) SELECT * FROM a',
    'SELECT * FROM (SELECT 1) AS x (a)',
    'INSERT INTO d.t (a, b) VALUES (1, 2), ROW(3, 4) ON DUPLICATE KEY UPDATE a = VALUES(a)',
    'INSERT IGNORE t PARTITION (p) (a) SELECT 1',
    'SELECT CAST(a AS DECIMAL(10, 2)), a COLLATE utf8mb4_bin, CONVERT(a, CHAR(5)) FROM t USE INDEX (i)',
    "UPDATE t SET a = 'f(x)' /* g(x) */ WHERE b = (SELECT 1)",
  ])('finds none in %s', (text) => {
    expect(call(text)).toBeUndefined();
  });

  it.each([
    ['SELECT f()', 'f()'],
    ['SELECT * FROM (SELECT f (1)) x', 'f()'],
    ['SELECT d.f(1)', 'f()'],
    ['SELECT `concat`(1)', '`concat`()'],
    ['SELECT d.concat(1)', 'concat()'],
    ['SELECT count (1)', 'count()'],
    ['SELECT sleep(1)', 'sleep()'],
    ['SELECT GET_LOCK(1, 2)', 'GET_LOCK()'],
    ["SELECT LOAD_FILE('x')", 'LOAD_FILE()'],
    ['SELECT /*! f */ /* x */ (1)', 'f()'],
    ['SELECT 1 FROM t WHERE a = NEXTVAL(s)', 'NEXTVAL()'],
    ['SELECT NEXT VALUE FOR s', 'NEXT VALUE FOR'],
    ['INSERT INTO t (a) VALUES (f(1))', 'f()'],
  ])('finds the one in %s', (text, found) => {
    expect(call(text)).toBe(found);
  });
});
