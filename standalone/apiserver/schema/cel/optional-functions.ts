import { BOOL, DYN, join, optionalOf } from './cel-type.ts';
import type { CelType } from './cel-type.ts';
import { CelError, CelOptional, kindOf } from './cel-value.ts';
import { free, method } from './overload.ts';
import type { Overload } from './overload.ts';

const inner = (type: CelType | undefined): CelType => (type?.kind === 'optional' ? type.value : DYN);

function isZero(value: unknown): boolean {
  if (value === null || value === '' || value === 0 || value === 0n || value === false) return true;
  const kind = kindOf(value);
  if (kind === 'list') return (value as unknown[]).length === 0;
  return kind === 'map' && (value instanceof Map ? value.size : Object.keys(value as object).length) === 0;
}

export const OPTIONAL_FUNCTIONS: readonly Overload[] = [
  free(
    'optional.of',
    ['any'],
    ([type]) => optionalOf(type ?? DYN),
    ([value]: readonly unknown[]) => new CelOptional(value),
  ),
  free('optional.none', [], optionalOf(DYN), () => CelOptional.none),
  free(
    'optional.ofNonZeroValue',
    ['any'],
    ([type]) => optionalOf(type ?? DYN),
    ([value]: readonly unknown[]) => (isZero(value) ? CelOptional.none : new CelOptional(value)),
  ),
  method('hasValue', ['optional'], BOOL, ([value]: readonly CelOptional[]) => value?.hasValue ?? false),
  method(
    'value',
    ['optional'],
    ([type]) => inner(type),
    ([value]: readonly CelOptional[]) => {
      if (value?.hasValue !== true) throw new CelError('optional.none() dereference');
      return value.value;
    },
  ),
  method(
    'orValue',
    ['optional', 'any'],
    ([type, other]) => join(inner(type), other ?? DYN),
    (operands: readonly unknown[]) => {
      const [value, other] = operands as [CelOptional, unknown];
      return value.hasValue ? value.value : other;
    },
  ),
  method(
    'or',
    ['optional', 'optional'],
    ([type]) => type ?? DYN,
    ([value, other]: readonly CelOptional[]) => (value?.hasValue === true ? value : other),
  ),
];
