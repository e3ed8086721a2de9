import { BOOL, DYN, INT, listOf } from './cel-type.ts';
import type { CelType } from './cel-type.ts';
import {
  CelDuration,
  CelError,
  asBytes,
  asDuration,
  asTime,
  compareTimes,
  equals,
  kindOf,
  noSuchOverload,
  toInt,
} from './cel-value.ts';
import { compareText } from './operators.ts';
import { free, method } from './overload.ts';
import type { Overload } from './overload.ts';

type List = readonly unknown[];

const itemOf = ([list]: readonly CelType[]): CelType => (list?.kind === 'list' ? list.item : DYN);

function compareValues(a: unknown, b: unknown, type: CelType): number {
  const kind = type.kind === 'dyn' ? kindOf(a) : type.kind;
  switch (kind) {
    case 'string':
      return compareText(a as string, b as string);
    case 'timestamp':
      return compareTimes(asTime(a), asTime(b));
    case 'duration':
      return Number(asDuration(a).nanos - asDuration(b).nanos);
    case 'bytes':
      return Buffer.compare(asBytes(a), asBytes(b));
    case 'int':
    case 'uint':
    case 'double':
    case 'bool':
      return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0;
    default:
      throw noSuchOverload();
  }
}

function extreme(list: List, type: CelType, sign: 1 | -1, name: string): unknown {
  if (list.length === 0) throw new CelError(`${name} called on empty list`);
  return list.reduce((best, next) => (compareValues(next, best, type) * sign > 0 ? next : best));
}

function sum(list: List, type: CelType): unknown {
  if (type.kind === 'duration')
    return new CelDuration(list.reduce<bigint>((total, one) => total + asDuration(one).nanos, 0n));
  if (type.kind === 'double') return list.reduce<number>((total, one) => total + (one as number), 0);
  if (list.every((one) => typeof one === 'number')) {
    const total = list.reduce((before, one) => before + one, 0);
    if (type.kind === 'dyn' || Number.isSafeInteger(total)) return total;
  }
  return toInt(list.reduce<bigint>((total, one) => total + BigInt(one as number), 0n));
}

const find = (list: List, value: unknown, type: CelType): number => list.findIndex((one) => equals(one, value, type));

const contains = (list: List, part: List, type: CelType): boolean => part.every((one) => find(list, one, type) >= 0);

export const LIST_FUNCTIONS: readonly Overload[] = [
  free('size', ['list'], INT, ([list]: readonly List[]) => list?.length ?? 0),
  method('size', ['list'], INT, ([list]: readonly List[]) => list?.length ?? 0),
  free('size', ['map'], INT, ([map]: readonly object[]) => sizeOfMap(map ?? {})),
  method('size', ['map'], INT, ([map]: readonly object[]) => sizeOfMap(map ?? {})),
  free('size', ['bytes'], INT, ([bytes]: readonly unknown[]) => asBytes(bytes).length),
  method('size', ['bytes'], INT, ([bytes]: readonly unknown[]) => asBytes(bytes).length),
  method('isSorted', ['list'], BOOL, ([list = []]: readonly List[], types) =>
    list.every((one, at) => at === 0 || compareValues(list[at - 1], one, itemOf(types)) <= 0),
  ),
  method('sum', ['list'], itemOf, ([list = []]: readonly List[], types) => sum(list, itemOf(types))),
  method('min', ['list'], itemOf, ([list = []]: readonly List[], types) => extreme(list, itemOf(types), -1, 'min')),
  method('max', ['list'], itemOf, ([list = []]: readonly List[], types) => extreme(list, itemOf(types), 1, 'max')),
  method('indexOf', ['list', 'any'], INT, ([list, value]: readonly [List, unknown], types) =>
    find(list, value, itemOf(types)),
  ),
  method('lastIndexOf', ['list', 'any'], INT, ([list, value]: readonly [List, unknown], types) =>
    list.findLastIndex((one) => equals(one, value, itemOf(types))),
  ),
  method(
    'slice',
    ['list', 'int', 'int'],
    ([type]) => type ?? DYN,
    ([list, from, to]: readonly [List, number, number]) => {
      if (from < 0 || to > list.length || from > to) throw new CelError(`cannot slice(${from}, ${to}), out of range`);
      return list.slice(from, to);
    },
  ),
  method(
    'reverse',
    ['list'],
    ([type]) => type ?? DYN,
    ([list = []]: readonly List[]) => [...list].reverse(),
  ),
  method(
    'distinct',
    ['list'],
    ([type]) => type ?? DYN,
    ([list = []]: readonly List[], types) => list.filter((one, at) => find(list, one, itemOf(types)) === at),
  ),
  method(
    'sort',
    ['list'],
    ([type]) => type ?? DYN,
    ([list = []]: readonly List[], types) => [...list].sort((a, b) => compareValues(a, b, itemOf(types))),
  ),
  method(
    'flatten',
    ['list'],
    (types) => listOf(flattened(itemOf(types))),
    ([list = []]: readonly List[]) => list.flat(),
  ),
  free('lists.range', ['int'], listOf(INT), ([count]: readonly number[]) =>
    Array.from({ length: count ?? 0 }, (_, at) => at),
  ),
  free('sets.contains', ['list', 'list'], BOOL, ([a = [], b = []]: readonly List[], types) =>
    contains(a, b, itemOf(types)),
  ),
  free('sets.intersects', ['list', 'list'], BOOL, ([a = [], b = []]: readonly List[], types) =>
    b.some((one) => find(a, one, itemOf(types)) >= 0),
  ),
  free(
    'sets.equivalent',
    ['list', 'list'],
    BOOL,
    ([a = [], b = []]: readonly List[], types) => contains(a, b, itemOf(types)) && contains(b, a, itemOf(types)),
  ),
];

const flattened = (item: CelType): CelType => (item.kind === 'list' ? item.item : item);

function sizeOfMap(map: object): number {
  return map instanceof Map ? map.size : Object.keys(map).length;
}
