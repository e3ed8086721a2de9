import { describe, expect, it } from 'vitest';
import { exceptionText, parseException } from './clickhouse-error.ts';

describe('exceptionText', () => {
  it.each([
    // Version 18.16 by HTTP, the same natively, version 26.
    [
      "Code: 60, e.displayText() = DB::Exception: Table d.t doesn't exist., e.what() = DB::Exception",
      "Code: 60. DB::Exception: Table d.t doesn't exist. (UNKNOWN_TABLE)",
    ],
    [
      'Code: 60. DB::Exception: Unknown table t. (UNKNOWN_TABLE)',
      'Code: 60. DB::Exception: Unknown table t. (UNKNOWN_TABLE)',
    ],
    [
      'Code: 60. DB::Exception: Unknown table t. (UNKNOWN_TABLE) (version 26.7.2.1 (official build))',
      'Code: 60. DB::Exception: Unknown table t. (UNKNOWN_TABLE) (version 26.7.2.1 (official build))',
    ],
    [
      'Code: 99999, e.displayText() = DB::NetException: odd, e.what() = DB::NetException',
      'Code: 99999. DB::NetException: odd',
    ],
  ])('reads %j', (body, text) => {
    const exception = parseException(body);
    expect(exception && exceptionText(exception)).toBe(text);
  });

  it('finds no exception in other answers', () => {
    expect(parseException('<html>502 Bad Gateway</html>')).toBeUndefined();
    expect(parseException('1\n')).toBeUndefined();
  });
});
