import { describe, expect, it } from 'vitest';
import type { JsonSchema } from '../json-schema.ts';
import { compileSchema } from '../structural.ts';
import { compileRule } from './compile-rule.ts';
import { CelError } from './cel-value.ts';

const SCHEMA: JsonSchema = {
  type: 'object',
  properties: {
    s: { type: 'string' },
    n: { type: 'integer' },
    d: { type: 'number' },
    b: { type: 'boolean' },
    time: { type: 'string', format: 'date-time' },
    wait: { type: 'string', format: 'duration' },
    bytes: { type: 'string', format: 'byte' },
    list: { type: 'array', items: { type: 'string' } },
    numbers: { type: 'array', items: { type: 'integer' } },
    set: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
    map: { type: 'object', additionalProperties: { type: 'integer' } },
    steps: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['id'],
      items: { type: 'object', properties: { id: { type: 'string' }, at: { type: 'string', format: 'date-time' } } },
    },
    either: { 'x-kubernetes-int-or-string': true },
    'odd-name': { type: 'string' },
    namespace: { type: 'string' },
    nullable: { type: 'string', nullable: true },
    free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { known: { type: 'string' } } },
    opaque: { 'x-kubernetes-preserve-unknown-fields': true },
  },
};
const NODE = compileSchema(SCHEMA);

function evaluate(rule: string, self: unknown, old?: unknown): unknown {
  const compiled = compileRule({ rule }, NODE, false);
  if (compiled.failure !== undefined) return compiled.failure;
  try {
    return compiled.run?.([self, old]);
  } catch (error) {
    if (error instanceof CelError) return error.message;
    throw error;
  }
}

const SELF = {
  s: 'Hello, Wörld 😀',
  n: 7,
  d: 2.5,
  b: true,
  time: '2026-01-02T03:04:05.006Z',
  wait: '1h30m',
  bytes: 'aGk=',
  list: ['b', 'a', 'c'],
  numbers: [3, 1, 2],
  set: ['x', 'y'],
  map: { one: 1, two: 2 },
  steps: [{ id: 'a', at: '2026-01-01T00:00:00Z' }],
  either: 5,
  'odd-name': 'odd',
  namespace: 'ns',
  free: { known: 'k', unknown: 1 },
  opaque: [1],
};

describe('A rule', () => {
  it.each([
    // Numbers: whole ones of the schema are ints.
    'self.n / 2 == 3',
    'self.n % 4 == 3',
    '-self.n == -7',
    'self.n + 1 == 8 && self.n * 2 - 1 == 13',
    'self.d / 2.0 == 1.25',
    'double(self.n) / 2.0 == 3.5',
    'self.n < 7.5 && self.d > 2',
    'int(self.d) == 2',
    '9007199254740993 - 1 == 9007199254740992',
    "string(self.n) == '7' && string(self.d) == '2.5'",
    'type(self.n) == int && type(self.d) == double && type(self.list) == list',
    // Texts.
    'self.s.size() == 14 && size(self.s) == 14',
    "self.s.startsWith('Hello') && self.s.endsWith('😀') && self.s.contains('W')",
    "self.s.lowerAscii() == 'hello, wörld 😀' && self.s.upperAscii().startsWith('HELLO, WöRLD')",
    "self.s.substring(7, 12) == 'Wörld' && self.s.charAt(13) == '😀' && self.s.indexOf('ö') == 8",
    "'a,b,c'.split(',') == ['a', 'b', 'c'] && 'a,b,c'.split(',', 2) == ['a', 'b,c']",
    "self.list.join('-') == 'b-a-c' && 'aXbX'.replace('X', '') == 'ab' && 'aXbX'.replace('X', 'Y', 1) == 'aYbX'",
    "'  x '.trim() == 'x' && 'abca'.lastIndexOf('a') == 3 && 'abc'.reverse() == 'cba'",
    "'%s has %d, %.2f and %x'.format([self.s.substring(0, 5), self.n, self.d, 255]) == 'Hello has 7, 2.50 and ff'",
    // Patterns are RE2's.
    "'ABC'.matches('(?i)^b?abc$') && !'abc'.matches('^b')",
    "'a.b'.matches('^[[:alpha:]]\\\\.\\\\w$') && 'x\\ny'.matches('x.y') == false",
    "'abc 123'.find('[0-9]+') == '123' && 'a1b22'.findAll('[0-9]+') == ['1', '22']",
    // Lists and maps.
    "'a' in self.list && !('z' in self.list) && 'one' in self.map && self.n in [1, 7]",
    "self.list.all(x, x.size() == 1) && self.list.exists(x, x == 'c') && self.list.exists_one(x, x == 'a')",
    "self.list.map(x, x + x) == ['bb', 'aa', 'cc'] && self.list.filter(x, x > 'a').size() == 2",
    'self.numbers.sum() == 6 && self.numbers.min() == 1 && self.numbers.max() == 3 && !self.numbers.isSorted()',
    'self.numbers.map(n, n > 1, n * 2) == [6, 4] && self.numbers.exists(i, n, i == 2 && n == 2)',
    "self.map.all(k, self.map[k] < 3) && self.map['two'] == 2 && self.map.one == 1 && size(self.map) == 2",
    'self.map.all(k, v, v < 3 && k.size() == 3)',
    "self.set == ['y', 'x'] && (self.set + ['x', 'z']).size() == 3",
    "self.list[0] == 'b' && self.list + ['d'] == ['b', 'a', 'c', 'd'] && self.list.indexOf('c') == 2",
    'sets.contains(self.numbers, [1, 3]) && sets.equivalent([1, 2], [2, 1, 1]) && !sets.intersects([1], [2])',
    'cel.bind(x, self.n * 2, x == 14)',
    // Times.
    "self.time == timestamp('2026-01-02T04:04:05.006+01:00') && self.time > self.steps[0].at",
    'self.time.getFullYear() == 2026 && self.time.getMonth() == 0 && self.time.getMilliseconds() == 6',
    "self.wait == duration('90m') && self.wait.getHours() == 1 && self.time - duration('1h') < self.time",
    "self.time - self.steps[0].at > duration('27h') && self.bytes == b'hi'",
    // Presence.
    'has(self.s) && !has(self.nullable) && has(self.map.one) && !has(self.map.three)',
    "self.__namespace__ == 'ns' && self.odd__dash__name == 'odd'",
    "has(self.free.known) && self.?nullable.orValue('none') == 'none' && self.?s.hasValue() && self.list[?9].or(optional.of('x')).value() == 'x'",
    "type(self.either) == int ? self.either < 6 : self.either.endsWith('%')",
    // An error on one side does not matter when the other decides.
    "self.list[9] == 'x' || true",
    '!(self.map.three == 3 && false)',
    "self.list.exists(x, x == 'a' || self.list[9] == x)",
  ])('holds: %s', (rule) => {
    expect(evaluate(rule, SELF)).toBe(true);
  });

  it.each([
    ["self.nullable == 'x'", 'no such key: nullable'],
    ['self.list[5] == self.s', 'index out of bounds: 5'],
    ['self.n / 0 == 1', 'division by zero'],
    ['9223372036854775807 + self.n > 0', 'integer overflow'],
    ["self.either.endsWith('%')", 'no such overload'],
    ["self.s.matches(self.s + '(')", 'error parsing regexp'],
    ["int('x') == 1", 'strconv.ParseInt'],
  ])('has no value: %s', (rule, why) => {
    expect(evaluate(rule, SELF)).toContain(why);
  });

  it.each([
    ['self.unknown == 1', "ERROR: <input>:1:5: undefined field 'unknown'\n | self.unknown == 1\n | ....^"],
    ["self.n == 'x'", "found no matching overload for '_==_' applied to '(int, string)'"],
    ['self.n + 1.0 > 2.0', "found no matching overload for '_+_' applied to '(int, double)'"],
    ['self.opaque == 1', "undefined field 'opaque'"],
    ['self.free.unknown == 1', "undefined field 'unknown'"],
    ['other == 1', "undeclared reference to 'other'"],
    ['self.s.nope()', "undeclared reference to 'nope'"],
    ['self.n', 'cel expression must evaluate to a bool'],
    ['self.n ==', 'Syntax error'],
    ['has(self)', 'invalid argument to has() macro'],
    ['self.list.all(x, x)', "expected type 'bool' but found 'string'"],
  ])('does not compile: %s', (rule, why) => {
    expect(compileRule({ rule }, NODE, false).failure).toContain(why);
  });

  it('compares what has no schema too, as the real server does', () => {
    const rule = 'self.free == oldSelf.free';
    expect(evaluate(rule, { free: { known: 'k', a: 1 } }, { free: { known: 'k', a: 1 } })).toBe(true);
    expect(evaluate(rule, { free: { known: 'k', a: 1 } }, { free: { known: 'k', a: 2 } })).toBe(false);
    expect(evaluate(rule, { free: { a: 1 } }, { free: { a: 1, b: 2 } })).toBe(false);
    // Sizes agree and no field is on both sides with two values: the real server sees no difference.
    expect(evaluate(rule, { free: { a: 1 } }, { free: { b: 1 } })).toBe(true);
  });

  it('compares maps in lists by their keys, in whatever order', () => {
    const step = (id: string): object => ({ id, at: '2026-01-01T00:00:00Z' });
    const same = { id: 'b', at: '2026-01-01T00:00:00.000Z' };
    expect(
      evaluate('self.steps == oldSelf.steps', { steps: [step('a'), step('b')] }, { steps: [same, step('a')] }),
    ).toBe(true);
  });

  it('tells whether it looks at the old value', () => {
    expect(compileRule({ rule: 'self.n > oldSelf.n' }, NODE, false).usesOldSelf).toBe(true);
    expect(compileRule({ rule: "self.s != 'oldSelf'" }, NODE, false).usesOldSelf).toBe(false);
    const optional = compileRule({ rule: 'self.n >= oldSelf.n.orValue(0)', optionalOldSelf: true }, NODE, false);
    expect(optional).toMatchObject({ usesOldSelf: true, optionalOldSelf: true, failure: undefined });
  });
});
