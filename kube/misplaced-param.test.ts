import { describe, expect, it } from 'vitest';
import { misplacedParam } from './misplaced-param.ts';

describe('misplacedParam', () => {
  it('lets stand what the type knows, and what says nothing', () => {
    const params = { review: 'only', approve: 'required', exec_options: { ledger: true } };
    expect(misplacedParam('mysql', params)).toBeUndefined();
    expect(misplacedParam('shell', { review: null, exec_options: { ledger: false } })).toBeUndefined();
    expect(misplacedParam('shell', { ledger: 'a word of the script', exec_options: 'none' })).toBeUndefined();
  });

  it('says where the type does not know it', () => {
    expect(misplacedParam('postgres', { review: 'only' })).toBe('params.review is for tasks of type mysql and doris');
  });

  it.each([
    [{ exec_options: { review: 'only' } }, 'params.exec_options.review is not known: params.review is'],
    [{ exec_options: { approve: 'required' } }, 'params.exec_options.approve is not known: params.approve is'],
    [{ ledger: true }, 'params.ledger is not known: params.exec_options.ledger is'],
  ])('says where it was meant to stand: %j', (params, message) => {
    expect(misplacedParam('mysql', params)).toBe(message);
  });
});
