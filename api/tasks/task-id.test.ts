import { describe, expect, it } from 'vitest';
import { formatTaskId, parseTaskId } from './task-id.ts';

describe('parseTaskId', () => {
  it('reads bare names as of the home namespace', () => {
    expect(parseTaskId('task-1', 'home')).toEqual({ namespace: 'home', name: 'task-1' });
    expect(parseTaskId('other:a.b', 'home')).toEqual({ namespace: 'other', name: 'a.b' });
    expect(parseTaskId('home:task-1', 'home')).toEqual({ namespace: 'home', name: 'task-1' });
  });

  it.each([
    '',
    ':',
    'a:',
    ':a',
    'a:b:c',
    '../x',
    'a/b',
    'a\0',
    'A',
    '-a',
    'a-',
    'a..b',
    'é',
    'x'.repeat(254),
    `${'x'.repeat(64)}:a`,
  ])('knows that %j is nothing', (id) => {
    expect(parseTaskId(id, 'home')).toBeUndefined();
  });

  it('takes back what formatTaskId gives', () => {
    for (const name of [
      { namespace: 'home', name: 'a' },
      { namespace: 'b', name: 'a.c' },
      { namespace: 'b', name: 'x'.repeat(253) },
    ])
      expect(parseTaskId(formatTaskId(name, 'home'), 'home')).toEqual(name);
  });
});
