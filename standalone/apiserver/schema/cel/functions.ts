import { DYN, compatible, typeName } from './cel-type.ts';
import type { CelType } from './cel-type.ts';
import { kindOf, noSuchOverload } from './cel-value.ts';
import { CONVERSIONS } from './conversion-functions.ts';
import { CompileError } from './expression.ts';
import type { Ast, Expression } from './expression.ts';
import { LIST_FUNCTIONS } from './list-functions.ts';
import { OPTIONAL_FUNCTIONS } from './optional-functions.ts';
import type { Overload, Pattern } from './overload.ts';
import { STRING_FUNCTIONS } from './string-functions.ts';
import { TIME_FUNCTIONS } from './time-functions.ts';

const TABLE: ReadonlyMap<string, readonly Overload[]> = Map.groupBy(
  [...STRING_FUNCTIONS, ...LIST_FUNCTIONS, ...TIME_FUNCTIONS, ...CONVERSIONS, ...OPTIONAL_FUNCTIONS],
  ({ name, receiver }) => `${receiver ? '.' : ''}${name}`,
);

const fits = (pattern: Pattern, kind: CelType['kind']): boolean =>
  pattern === 'any' || pattern === kind || kind === 'dyn' || (pattern === 'map' && kind === 'object');

/** Compiles a call of a function or, with a receiver, of a method. */
export function compileCall(
  name: string,
  receiver: Expression | undefined,
  args: readonly Expression[],
  ast: Ast,
): Expression {
  const operands = receiver === undefined ? args : [receiver, ...args];
  const overloads = TABLE.get(`${receiver === undefined ? '' : '.'}${name}`);
  if (overloads === undefined) throw new CompileError(`undeclared reference to '${name}' (in container '')`, ast.pos);
  const types = operands.map(({ type }) => type);
  const candidates = overloads.filter(
    (overload) =>
      overload.operands.length === operands.length &&
      overload.operands.every((pattern, at) => fits(pattern, types[at]?.kind ?? 'dyn')),
  );
  const [first] = candidates;
  if (first === undefined) {
    const shown = types.map(typeName);
    const applied = receiver === undefined ? `(${shown.join(', ')})` : `${shown[0]}.(${shown.slice(1).join(', ')})`;
    throw new CompileError(`found no matching overload for '${name}' applied to '${applied}'`, ast.pos);
  }
  const runs = operands.map(({ run }) => run);
  const type = returnType(candidates, types);
  if (types.every(({ kind }, at) => kind !== 'dyn' || first.operands[at] === 'any')) {
    const call = first.call as (operands: readonly unknown[], types: readonly CelType[]) => unknown;
    const [one, two] = runs;
    if (one !== undefined && runs.length === 1) return { type, run: (variables) => call([one(variables)], types) };
    if (one !== undefined && two !== undefined && runs.length === 2)
      return { type, run: (variables) => call([one(variables), two(variables)], types) };
    return {
      type,
      run: (variables) =>
        call(
          runs.map((run) => run(variables)),
          types,
        ),
    };
  }
  return {
    type,
    run: (variables) => {
      const values = runs.map((run) => run(variables));
      const kinds = values.map((value, at) => (types[at]?.kind === 'dyn' ? kindOf(value) : (types[at]?.kind ?? 'dyn')));
      const chosen = candidates.find(({ operands: patterns }) =>
        patterns.every((pattern, at) => fits(pattern, kinds[at] ?? 'null')),
      );
      if (chosen === undefined) throw noSuchOverload();
      return chosen.call(values as never, types);
    },
  };
}

function returnType(candidates: readonly Overload[], types: readonly CelType[]): CelType {
  const [first, ...rest] = candidates.map(({ returns }) => (typeof returns === 'function' ? returns(types) : returns));
  if (first === undefined) return DYN;
  return rest.every((type) => type.kind === first.kind && compatible(type, first)) ? first : DYN;
}
