import { describe, expect, it } from 'vitest';
import { sessionEffect } from './session-effect.ts';

const server = { serverVersion: { mariadb: false, number: 80400 } };

describe('sessionEffect', () => {
  it.each([
    ['SET GLOBAL a = 1', 'none'],
    ['SET @@GLOBAL.a = 1', 'none'],
    ['SET GLOBAL TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY', 'none'],
    ['SET DEFAULT ROLE a, b TO c', 'none'],
    ["SET sql_mode = '', time_zone = 'UTC'", 'again'],
    ['SET @old = @@sql_mode, sql_mode = 1', 'again'],
  ])('of %s is %s', (text, effect) => {
    expect(sessionEffect(text, server)).toBe(effect);
  });

  it.each([
    'SET GLOBAL a = 1, SESSION b = 2',
    'SET @@GLOBAL.a = 1, b = 2',
    'SET @a = UTC_TIMESTAMP',
    'SET @a = @@last_insert_id',
    'SET @a = @@SESSION.identity',
    'CALL p(1, @a)',
    'GET CURRENT DIAGNOSTICS @a = NUMBER',
  ])('of %s is lost with its connection', (text) => {
    expect(sessionEffect(text, server)).toHaveProperty('lost');
  });

  it('is none of what only stands in a string', () => {
    expect(sessionEffect("INSERT INTO t VALUES ('@a := 1 INTO @b')", server)).toBe('none');
  });
});
