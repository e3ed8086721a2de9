import { BOOL, DYN, compatible, listOf, optionalOf, typeName } from './cel-type.ts';
import type { CelType } from './cel-type.ts';
import { CelError, CelOptional, noSuchOverload } from './cel-value.ts';
import { CompileError } from './expression.ts';
import type { Ast, Expression, Run, Scope, Variables } from './expression.ts';

/** What a comprehension goes over: items of a list, keys of a map; `second` is the value beside an index or a key. */
interface Range {
  readonly first: CelType;
  readonly second: CelType;
  /** Calls `visit` for each until it returns true. */
  readonly each: (variables: Variables, visit: (first: unknown, second: unknown) => boolean) => void;
}

/** Compiles a call that is a macro; undefined when it is none. */
export function compileMacro(
  name: string,
  receiver: Ast | undefined,
  args: readonly Ast[],
  ast: Ast,
  scope: Scope,
): Expression | undefined {
  const [a, b, c] = args;
  if (receiver === undefined) return name === 'has' && args.length === 1 && a !== undefined ? has(a, scope) : undefined;
  if (receiver.op === 'id' && receiver.args === 'cel' && name === 'bind' && a && b && c) return bind(a, b, c, scope);
  if ((name === 'optMap' || name === 'optFlatMap') && a && b)
    return optionalMap(name, scope.compile(receiver), a, b, scope);
  if (a === undefined || b === undefined) return undefined;
  switch (name) {
    case 'all':
    case 'exists':
    case 'exists_one':
    case 'existsOne':
      return quantifier(name, scope.compile(receiver), c === undefined ? [a] : [a, b], c ?? b, ast, scope);
    case 'filter':
      return args.length === 2 ? filter(scope.compile(receiver), a, b, ast, scope) : undefined;
    case 'map':
      return map(scope.compile(receiver), [a], c === undefined ? undefined : b, c ?? b, ast, scope);
    case 'transformList':
      return c === undefined
        ? undefined
        : map(scope.compile(receiver), [a, b], args[3] === undefined ? undefined : c, args[3] ?? c, ast, scope);
    default:
      return undefined;
  }
}

function has(target: Ast, scope: Scope): Expression {
  if (target.op !== '.' && target.op !== '.?') throw new CompileError('invalid argument to has() macro', target.pos);
  const [owner, name] = target.args as [Ast, string];
  const { type, run } = scope.compile(owner);
  const present = (held: CelType): ((value: unknown) => boolean) => {
    if (held.kind === 'object') {
      const field = held.fields.get(name);
      if (field === undefined) throw new CompileError(`undefined field '${name}'`, target.pos - 1);
      const key = field.name;
      return (value) => {
        const member = (value as Record<string, unknown>)[key];
        return member !== undefined && member !== null;
      };
    }
    if (held.kind === 'map' || held.kind === 'dyn')
      return (value) => {
        if (typeof value !== 'object' || value === null || Array.isArray(value)) throw noSuchOverload();
        return value instanceof Map ? value.has(name) : Object.hasOwn(value, name);
      };
    throw new CompileError(`type '${typeName(held)}' does not support field selection`, target.pos - 1);
  };
  if (type.kind === 'optional') {
    const test = present(type.value);
    return {
      type: BOOL,
      run: (variables) => {
        const value = run(variables) as CelOptional;
        return value.hasValue && test(value.value);
      },
    };
  }
  const test = present(type);
  return { type: BOOL, run: (variables) => test(run(variables)) };
}

function identifier(ast: Ast): string {
  if (ast.op !== 'id') throw new CompileError('argument must be a simple name', ast.pos);
  return ast.args as string;
}

function bind(name: Ast, value: Ast, body: Ast, scope: Scope): Expression {
  const bound = scope.compile(value);
  const { scope: inner, slot } = scope.with(identifier(name), bound.type);
  const result = inner.compile(body);
  return {
    type: result.type,
    run: (variables) => {
      variables[slot] = bound.run(variables);
      return result.run(variables);
    },
  };
}

function rangeOf(target: Expression, pair: boolean, ast: Ast): Range {
  const { type, run } = target;
  const overList = (list: readonly unknown[], visit: (first: unknown, second: unknown) => boolean): void => {
    for (let at = 0; at < list.length; at += 1) if (pair ? visit(at, list[at]) : visit(list[at], undefined)) return;
  };
  const overMap = (map: object, visit: (first: unknown, second: unknown) => boolean): void => {
    for (const [key, value] of map instanceof Map ? map : Object.entries(map)) if (visit(key, value)) return;
  };
  if (type.kind === 'list')
    return {
      first: pair ? { kind: 'int' } : type.item,
      second: type.item,
      each: (variables, visit) => {
        overList(run(variables) as unknown[], visit);
      },
    };
  if (type.kind === 'map')
    return {
      first: type.key,
      second: type.value,
      each: (variables, visit) => {
        overMap(run(variables) as object, visit);
      },
    };
  if (type.kind !== 'dyn')
    throw new CompileError(
      `expression of type '${typeName(type)}' cannot be range of a comprehension (must be list, map, or dynamic)`,
      ast.pos,
    );
  return {
    first: DYN,
    second: DYN,
    each: (variables, visit) => {
      const value = run(variables);
      if (Array.isArray(value)) overList(value, visit);
      else if (typeof value === 'object' && value !== null) overMap(value, visit);
      else throw noSuchOverload();
    },
  };
}

/** Compiles the body with the names bound, and gives what sets them. */
function body(
  names: readonly Ast[],
  range: Range,
  scope: Scope,
): { readonly scope: Scope; readonly set: (variables: Variables, first: unknown, second: unknown) => void } {
  const [one, two] = names.map(identifier);
  const first = scope.with(one ?? '', range.first);
  if (two === undefined) return { scope: first.scope, set: (variables, value) => void (variables[first.slot] = value) };
  const second = first.scope.with(two, range.second);
  return {
    scope: second.scope,
    set: (variables, a, b) => {
      variables[first.slot] = a;
      variables[second.slot] = b;
    },
  };
}

function predicate(ast: Ast, scope: Scope): Run {
  const { type, run } = scope.compile(ast);
  if (!compatible(type, BOOL)) throw new CompileError(`expected type 'bool' but found '${typeName(type)}'`, ast.pos);
  return run;
}

function quantifier(
  name: string,
  target: Expression,
  names: readonly Ast[],
  condition: Ast,
  ast: Ast,
  scope: Scope,
): Expression {
  const range = rangeOf(target, names.length === 2, ast);
  const inner = body(names, range, scope);
  const test = predicate(condition, inner.scope);
  if (name.startsWith('exists') && name !== 'exists')
    return {
      type: BOOL,
      run: (variables) => {
        let count = 0;
        range.each(variables, (first, second) => {
          inner.set(variables, first, second);
          if (test(variables) === true) count += 1;
          return false;
        });
        return count === 1;
      },
    };
  const decisive = name === 'exists';
  const run: Run = (variables) => {
    let failure: CelError | undefined;
    let decided = false;
    range.each(variables, (first, second) => {
      inner.set(variables, first, second);
      try {
        decided = test(variables) === decisive;
      } catch (error) {
        // An error on one item does not matter when another item decides.
        if (!(error instanceof CelError)) throw error;
        failure = error;
      }
      return decided;
    });
    if (decided) return decisive;
    if (failure !== undefined) throw failure;
    return !decisive;
  };
  return { type: BOOL, run };
}

function filter(target: Expression, name: Ast, condition: Ast, ast: Ast, scope: Scope): Expression {
  const range = rangeOf(target, false, ast);
  const inner = body([name], range, scope);
  const test = predicate(condition, inner.scope);
  return {
    type: listOf(range.first),
    run: (variables) => {
      const kept: unknown[] = [];
      range.each(variables, (first, second) => {
        inner.set(variables, first, second);
        if (test(variables) === true) kept.push(first);
        return false;
      });
      return kept;
    },
  };
}

function map(
  target: Expression,
  names: readonly Ast[],
  condition: Ast | undefined,
  transform: Ast,
  ast: Ast,
  scope: Scope,
): Expression {
  const range = rangeOf(target, names.length === 2, ast);
  const inner = body(names, range, scope);
  const test = condition && predicate(condition, inner.scope);
  const { type, run } = inner.scope.compile(transform);
  return {
    type: listOf(type),
    run: (variables) => {
      const made: unknown[] = [];
      range.each(variables, (first, second) => {
        inner.set(variables, first, second);
        if (test === undefined || test(variables) === true) made.push(run(variables));
        return false;
      });
      return made;
    },
  };
}

function optionalMap(name: string, target: Expression, variable: Ast, transform: Ast, scope: Scope): Expression {
  const { type, run } = target;
  if (type.kind !== 'optional') throw new CompileError(`found no matching overload for '${name}'`, variable.pos);
  const { scope: inner, slot } = scope.with(identifier(variable), type.value);
  const made = inner.compile(transform);
  const flat = name === 'optFlatMap';
  return {
    type: flat ? made.type : optionalOf(made.type),
    run: (variables) => {
      const value = run(variables) as CelOptional;
      if (!value.hasValue) return CelOptional.none;
      variables[slot] = value.value;
      return flat ? made.run(variables) : new CelOptional(made.run(variables));
    },
  };
}
