import { describe, expect, it } from 'vitest';
import { parseExecOptions } from './exec-options.ts';

describe('parseExecOptions', () => {
  it('has the defaults of the manual', () => {
    const defaults = { transBatchSize: 200, sleepMs: 0, timeoutMs: 600_000, transaction: false, resultFormat: 'text' };
    expect(parseExecOptions({})).toEqual(defaults);
    expect(parseExecOptions({ exec_options: null })).toEqual(defaults);
    expect(parseExecOptions({}, { timeoutMs: 1_800_000 })).toMatchObject({ timeoutMs: 1_800_000 });
  });

  it('takes what is given, and leaves what it does not know', () => {
    const exec_options = { trans_batch_size: 10, sleep_ms: 5, timeout_ms: 100, transaction: true, backup: false };
    expect(parseExecOptions({ exec_options, result_format: 'json' })).toEqual({
      transBatchSize: 10,
      sleepMs: 5,
      timeoutMs: 100,
      transaction: true,
      resultFormat: 'json',
    });
  });

  it.each([
    [{ exec_options: [] }, 'params.exec_options must be an object'],
    [{ exec_options: { timeout_ms: 0 } }, 'params.exec_options.timeout_ms must be a whole number from 1 to 604800000'],
    [{ exec_options: { timeout_ms: '5' } }, /timeout_ms must be a whole number/],
    [{ exec_options: { sleep_ms: 1.5 } }, /sleep_ms must be a whole number/],
    [{ exec_options: { trans_batch_size: -1 } }, /trans_batch_size must be a whole number/],
    [{ exec_options: { transaction: 'yes' } }, 'params.exec_options.transaction must be true or false'],
    [{ result_format: 'xml' }, 'params.result_format must be text or json'],
  ])('refuses %j', (params, why) => {
    expect(parseExecOptions(params)).toEqual(why instanceof RegExp ? expect.stringMatching(why) : why);
  });
});
