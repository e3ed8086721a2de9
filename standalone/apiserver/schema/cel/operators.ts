import { BOOL, BYTES, DOUBLE, DURATION, DYN, INT, STRING, TIMESTAMP, compatible, join, typeName } from './cel-type.ts';
import type { CelType } from './cel-type.ts';
import {
  CelDuration,
  CelError,
  CelTime,
  asBytes,
  asDuration,
  asTime,
  compareTimes,
  equals,
  kindOf,
  noSuchOverload,
  toInt,
} from './cel-value.ts';
import type { Kind } from './cel-value.ts';
import { CompileError } from './expression.ts';
import type { Ast, Expression, Run } from './expression.ts';

const NAMES: Readonly<Record<string, string>> = { in: '@in', '!_': '!_', '-_': '-_' };

function refuse(op: string, operands: readonly Expression[], ast: Ast): never {
  const name = NAMES[op] ?? `_${op}_`;
  const types = operands.map(({ type }) => typeName(type)).join(', ');
  throw new CompileError(`found no matching overload for '${name}' applied to '(${types})'`, ast.pos);
}

/** `&&` and `||`: an error on one side does not matter when the other side decides. */
export function logical(op: '&&' | '||', left: Expression, right: Expression, ast: Ast): Expression {
  if (!compatible(left.type, BOOL) || !compatible(right.type, BOOL)) refuse(op, [left, right], ast);
  const decisive = op === '||';
  const first = left.run;
  const second = right.run;
  const run: Run = (variables) => {
    let value: unknown;
    try {
      value = first(variables);
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      if (second(variables) === decisive) return decisive;
      throw error;
    }
    if (value === decisive) return decisive;
    const other = second(variables);
    if (other === decisive) return decisive;
    if (typeof value !== 'boolean' || typeof other !== 'boolean') throw noSuchOverload();
    return other;
  };
  return { type: BOOL, run };
}

export function unary(op: '!_' | '-_', operand: Expression, ast: Ast): Expression {
  const { type, run } = operand;
  if (op === '!_') {
    if (!compatible(type, BOOL)) refuse(op, [operand], ast);
    return {
      type: BOOL,
      run: (variables) => {
        const value = run(variables);
        if (typeof value !== 'boolean') throw noSuchOverload();
        return !value;
      },
    };
  }
  if (!compatible(type, INT) && !compatible(type, DOUBLE)) refuse(op, [operand], ast);
  const negate = (value: unknown): unknown => {
    if (typeof value === 'bigint') return toInt(-value);
    if (typeof value !== 'number') throw noSuchOverload();
    return value === 0 && type.kind === 'int' ? 0 : -value;
  };
  if ('constant' in operand) {
    const constant = negate(operand.constant);
    return { type, run: () => constant, constant };
  }
  return { type, run: (variables) => negate(run(variables)) };
}

export function binary(op: string, left: Expression, right: Expression, ast: Ast): Expression {
  switch (op) {
    case '==':
    case '!=':
      return equality(op, left, right, ast);
    case '<':
    case '<=':
    case '>':
    case '>=':
      return ordering(op, left, right, ast);
    case 'in':
      return membership(left, right, ast);
    default:
      return arithmetic(op, left, right, ast);
  }
}

function equality(op: '==' | '!=', left: Expression, right: Expression, ast: Ast): Expression {
  if (!compatible(left.type, right.type)) refuse(op, [left, right], ast);
  const type =
    left.type.kind === 'null' ? right.type : right.type.kind === 'null' ? left.type : join(left.type, right.type);
  const a = left.run;
  const b = right.run;
  return op === '=='
    ? { type: BOOL, run: (variables) => equals(a(variables), b(variables), type) }
    : { type: BOOL, run: (variables) => !equals(a(variables), b(variables), type) };
}

const ORDERED = new Set<Kind>(['int', 'uint', 'double', 'string', 'bool', 'bytes', 'timestamp', 'duration', 'dyn']);
const NUMBERS = new Set<Kind>(['int', 'uint', 'double']);
const isNumeric = (kind: Kind): boolean => NUMBERS.has(kind);

function ordering(op: '<' | '<=' | '>' | '>=', left: Expression, right: Expression, ast: Ast): Expression {
  const [a, b] = [left.type.kind, right.type.kind];
  const numbers = isNumeric(a) && isNumeric(b);
  if (!ORDERED.has(a) || !ORDERED.has(b) || (!numbers && !compatible(left.type, right.type)))
    refuse(op, [left, right], ast);
  const kind = a === 'dyn' ? b : a;
  const holds = (order: number): boolean =>
    op === '<' ? order < 0 : op === '<=' ? order <= 0 : op === '>' ? order > 0 : order >= 0;
  const fixed = numbers || (a !== 'dyn' && b !== 'dyn') ? comparer(kind) : undefined;
  const run: Run = (variables) => {
    const one = left.run(variables);
    const other = right.run(variables);
    return holds((fixed ?? dynamicComparer(one, other, kind))(one, other));
  };
  return { type: BOOL, run };
}

function dynamicComparer(one: unknown, other: unknown, kind: Kind): (a: unknown, b: unknown) => number {
  const [a, b] = [kindOf(one), kindOf(other)];
  if (isNumeric(a) && isNumeric(b)) return comparer('int');
  // A timestamp of a schema is raw text: only the other side's static type tells.
  if (kind === 'timestamp' || kind === 'duration' || kind === 'bytes') return comparer(kind);
  if (a !== b || !ORDERED.has(a)) throw noSuchOverload();
  return comparer(a);
}

function comparer(kind: Kind): (a: unknown, b: unknown) => number {
  switch (kind) {
    case 'timestamp':
      return (a, b) => compareTimes(asTime(a), asTime(b));
    case 'duration':
      return (a, b) => Number(asDuration(a).nanos - asDuration(b).nanos);
    case 'bytes':
      return (a, b) => Buffer.compare(asBytes(a), asBytes(b));
    case 'string':
      return (a, b) => compareText(a as string, b as string);
    default:
      return (a, b) =>
        (a as number) < (b as number)
          ? -1
          : (a as number) > (b as number)
            ? 1
            : (a as number) >= (b as number)
              ? 0
              : NaN;
  }
}

/** By code points, as Go compares UTF-8; JavaScript's own order differs for characters beyond the basic plane. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return /[^\u0000-\ud7ff]/.test(a + b) ? Buffer.compare(Buffer.from(a), Buffer.from(b)) : a < b ? -1 : 1;
}

function membership(left: Expression, right: Expression, ast: Ast): Expression {
  const { type } = right;
  if (type.kind === 'list') {
    if (!compatible(left.type, type.item)) refuse('in', [left, right], ast);
    const item = join(left.type, type.item);
    const { constant } = right;
    // The usual case, a list of words: no walk.
    if (Array.isArray(constant) && constant.every((word) => typeof word === 'string')) {
      const words = new Set<unknown>(constant);
      return { type: BOOL, run: (variables) => words.has(left.run(variables)) };
    }
    return {
      type: BOOL,
      run: (variables) => {
        const value = left.run(variables);
        return (right.run(variables) as unknown[]).some((one) => equals(one, value, item));
      },
    };
  }
  if (type.kind !== 'map' && type.kind !== 'dyn') refuse('in', [left, right], ast);
  return {
    type: BOOL,
    run: (variables) => {
      const value = left.run(variables);
      const target = right.run(variables);
      if (Array.isArray(target)) return target.some((one) => equals(one, value, DYN));
      if (target instanceof Map) return target.has(value);
      if (typeof target !== 'object' || target === null) throw noSuchOverload();
      return Object.hasOwn(target, String(value));
    },
  };
}

type Operation = (a: unknown, b: unknown) => unknown;

function intOperation(op: string): Operation {
  return (a, b) => {
    if ((op === '/' || op === '%') && Number(b) === 0)
      throw new CelError(op === '/' ? 'division by zero' : 'modulus by zero');
    if (typeof a === 'number' && typeof b === 'number') {
      const quick =
        op === '+' ? a + b : op === '-' ? a - b : op === '*' ? a * b : op === '/' ? Math.trunc(a / b) : a % b;
      if (Number.isSafeInteger(quick)) return quick === 0 ? 0 : quick;
    }
    const [x, y] = [BigInt(a as number), BigInt(b as number)];
    return toInt(op === '+' ? x + y : op === '-' ? x - y : op === '*' ? x * y : op === '/' ? x / y : x % y);
  };
}

function doubleOperation(op: string): Operation {
  return (a, b) => {
    const [x, y] = [a as number, b as number];
    return op === '+' ? x + y : op === '-' ? x - y : op === '*' ? x * y : x / y;
  };
}

const shift = (time: CelTime, nanos: bigint): CelTime => {
  const total = BigInt(time.seconds) * 1_000_000_000n + BigInt(time.nanos) + nanos;
  const seconds = total / 1_000_000_000n - (total % 1_000_000_000n < 0n ? 1n : 0n);
  return new CelTime(Number(seconds), Number(total - seconds * 1_000_000_000n));
};

const nanosOf = (time: CelTime): bigint => BigInt(time.seconds) * 1_000_000_000n + BigInt(time.nanos);

/** What an operator does for two kinds, and the type of what comes out. */
function operation(
  op: string,
  a: CelType,
  b: CelType,
): { readonly type: CelType; readonly operate: Operation } | undefined {
  const pair = `${a.kind} ${op} ${b.kind}`;
  if (a.kind === 'int' && b.kind === 'int') return { type: INT, operate: intOperation(op) };
  if (a.kind === 'double' && b.kind === 'double' && op !== '%') return { type: DOUBLE, operate: doubleOperation(op) };
  switch (pair) {
    case 'string + string':
      return { type: STRING, operate: (x, y) => (x as string) + (y as string) };
    case 'bytes + bytes':
      return { type: BYTES, operate: (x, y) => Buffer.concat([asBytes(x), asBytes(y)]) };
    case 'list + list':
      return compatible(a, b)
        ? { type: join(a, b), operate: (x, y) => concat(x as unknown[], y as unknown[], a) }
        : undefined;
    case 'timestamp + duration':
      return { type: TIMESTAMP, operate: (x, y) => shift(asTime(x), asDuration(y).nanos) };
    case 'duration + timestamp':
      return { type: TIMESTAMP, operate: (x, y) => shift(asTime(y), asDuration(x).nanos) };
    case 'timestamp - duration':
      return { type: TIMESTAMP, operate: (x, y) => shift(asTime(x), -asDuration(y).nanos) };
    case 'timestamp - timestamp':
      return { type: DURATION, operate: (x, y) => new CelDuration(nanosOf(asTime(x)) - nanosOf(asTime(y))) };
    case 'duration + duration':
      return { type: DURATION, operate: (x, y) => new CelDuration(asDuration(x).nanos + asDuration(y).nanos) };
    case 'duration - duration':
      return { type: DURATION, operate: (x, y) => new CelDuration(asDuration(x).nanos - asDuration(y).nanos) };
    default:
      return undefined;
  }
}

/** Lists of type set and map are united, not appended (see the Kubernetes documentation of CEL). */
function concat(a: readonly unknown[], b: readonly unknown[], type: CelType): unknown[] {
  const node = type.kind === 'list' ? type.node : undefined;
  if (node?.listType === 'set') return [...new Set([...a, ...b])];
  if (node?.listType !== 'map') return [...a, ...b];
  const keyOf = (item: unknown): string =>
    JSON.stringify(node.listMapKeys.map((key) => (item as Record<string, unknown>)[key]));
  const united = new Map(a.map((item) => [keyOf(item), item]));
  for (const item of b) united.set(keyOf(item), item);
  return [...united.values()];
}

function arithmetic(op: string, left: Expression, right: Expression, ast: Ast): Expression {
  if (left.type.kind !== 'dyn' && right.type.kind !== 'dyn') {
    const found = operation(op, left.type, right.type);
    if (found === undefined) return refuse(op, [left, right], ast);
    return { type: found.type, run: (variables) => found.operate(left.run(variables), right.run(variables)) };
  }
  const run: Run = (variables) => {
    const [a, b] = [left.run(variables), right.run(variables)];
    const kinds = [left, right].map(({ type }, at) => (type.kind === 'dyn' ? kindOf(at === 0 ? a : b) : type.kind));
    const types = kinds.map((kind) => (kind === 'list' ? { kind, item: DYN } : { kind })) as [CelType, CelType];
    const found = operation(op, types[0], types[1]);
    if (found === undefined) throw noSuchOverload();
    return found.operate(a, b);
  };
  return { type: left.type.kind === 'dyn' ? right.type : left.type, run };
}
