import { BOOL, BYTES, DOUBLE, DYN, INT, NULL, STRING, compatible, join, listOf } from './cel-type.ts';
import type { CelType } from './cel-type.ts';
import { CompileError } from './expression.ts';
import type { Ast, Expression } from './expression.ts';

export function literal(ast: Ast): Expression {
  const value = ast.args;
  const constant = (type: CelType, one: unknown): Expression => ({ type, run: () => one, constant: one });
  if (typeof value === 'string') return constant(STRING, value);
  if (typeof value === 'boolean') return constant(BOOL, value);
  if (typeof value === 'number') return constant(DOUBLE, value);
  if (typeof value === 'bigint') {
    const safe = value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER;
    return constant(INT, safe ? Number(value) : value);
  }
  if (value === null) return constant(NULL, null);
  if (value instanceof Uint8Array) return constant(BYTES, value);
  // Unsigned literals: no schema type is unsigned, so there is nothing to compare them with.
  // eslint-disable-next-line @typescript-eslint/no-base-to-string -- cel-js's class for them has a text
  throw new CompileError(`unsupported literal '${String(value)}'`, ast.pos);
}

export function listLiteral(items: readonly Expression[]): Expression {
  let type: CelType | undefined;
  for (const item of items)
    type = type === undefined ? item.type : compatible(type, item.type) ? join(type, item.type) : DYN;
  const list = listOf(type ?? DYN);
  if (items.length > 0 && items.every((item) => 'constant' in item)) {
    const constant = items.map((item) => item.constant);
    return { type: list, run: () => constant, constant };
  }
  return { type: list, run: (variables) => items.map((item) => item.run(variables)) };
}

export function mapLiteral(entries: readonly (readonly [Expression, Expression])[]): Expression {
  const [first] = entries;
  const same = (pick: 0 | 1): CelType =>
    first !== undefined && entries.every((entry) => compatible(entry[pick].type, first[pick].type))
      ? first[pick].type
      : DYN;
  const type: CelType = {
    kind: 'map',
    key: first === undefined ? DYN : same(0),
    value: first === undefined ? DYN : same(1),
  };
  return {
    type,
    run: (variables) => new Map(entries.map(([key, value]) => [key.run(variables), value.run(variables)])),
  };
}
