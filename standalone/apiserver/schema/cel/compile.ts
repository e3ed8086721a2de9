import { Environment } from '@marcbachmann/cel-js';
import { BOOL, DYN, INT, TYPE, compatible, join, optionalOf, typeName } from './cel-type.ts';
import type { CelType, Field } from './cel-type.ts';
import { CelError, CelOptional, CelTypeName, noSuchOverload } from './cel-value.ts';
import { CompileError } from './expression.ts';
import type { Ast, Expression, Run, Scope } from './expression.ts';
import { compileCall } from './functions.ts';
import { listLiteral, literal, mapLiteral } from './literals.ts';
import { compileMacro } from './macros.ts';
import { binary, logical, unary } from './operators.ts';

/**
 * cel-js parses; what its tree means is compiled here, to closures over raw JSON under the static types of the schema.
 * cel-js' own evaluator takes every JSON number for a double and would need a converted copy of each object.
 */
const PARSER = new Environment({ enableOptionalTypes: true });

const TYPE_NAMES = ['int', 'uint', 'double', 'string', 'bool', 'bytes', 'list', 'map', 'null_type', 'type'];

/** Compiles one expression. Throws CompileError; its message is in cel-go's form, without the source. */
export function compileExpression(text: string, scope: Scope): Expression {
  let ast: Ast;
  try {
    ast = PARSER.parse(text).ast;
  } catch (error) {
    const { summary, range } = error as { summary?: string; range?: { start: number } };
    throw new CompileError(`Syntax error: ${summary ?? String(error)}`, range?.start ?? 0);
  }
  return compile(ast, scope);
}

export function compile(ast: Ast, scope: Scope): Expression {
  const args = ast.args as Ast[];
  const operand = (index: number): Expression => compile(args[index] ?? missing(ast), scope);
  switch (ast.op) {
    case 'value':
      return literal(ast);
    case 'id':
      return variable(ast, scope);
    case '.':
      return select(ast, scope);
    case '.?':
      return optionalSelect(operand(0), String(ast.args instanceof Array ? ast.args[1] : ''), ast);
    case '[]':
      return index(operand(0), operand(1), ast);
    case '[?]': {
      const found = index(unwrapped(operand(0)), operand(1), ast);
      return { type: optionalOf(found.type), run: absentAsNone(found.run) };
    }
    case 'list':
      return listLiteral(args.map((arg) => compile(arg, scope)));
    case 'map':
      return mapLiteral((ast.args as [Ast, Ast][]).map(([key, value]) => [compile(key, scope), compile(value, scope)]));
    case 'call':
    case 'rcall':
      return call(ast, scope);
    case '?:':
      return ternary(operand(0), operand(1), operand(2), ast);
    case '&&':
    case '||':
      return logical(ast.op, operand(0), operand(1), ast);
    case '!_':
    case '-_':
      return unary(ast.op, compile(ast.args as Ast, scope), ast);
    default:
      return binary(ast.op, operand(0), operand(1), ast);
  }
}

function missing(ast: Ast): never {
  throw new CompileError('operand is missing', ast.pos);
}

function variable(ast: Ast, scope: Scope): Expression {
  const name = ast.args as string;
  const found = scope.find(name);
  if (found === undefined) {
    if (TYPE_NAMES.includes(name)) {
      const value = new CelTypeName(name);
      return { type: TYPE, run: () => value, constant: value };
    }
    throw new CompileError(`undeclared reference to '${name}' (in container '')`, ast.pos);
  }
  scope.onRead(name);
  const { slot, type } = found;
  return { type, run: (variables) => variables[slot] };
}

/** The field of an object type; a CompileError when there is none. */
function fieldOf(type: CelType & { kind: 'object' }, name: string, ast: Ast): Field {
  const field = type.fields.get(name);
  if (field === undefined) throw new CompileError(`undefined field '${name}'`, ast.pos - 1);
  return field;
}

function select(ast: Ast, scope: Scope): Expression {
  const [target, name] = ast.args as [Ast, string];
  const typeText = qualifiedName(ast);
  if (typeText === 'google.protobuf.Timestamp' || typeText === 'google.protobuf.Duration') {
    const value = new CelTypeName(typeText);
    return { type: TYPE, run: () => value };
  }
  return selectFrom(compile(target, scope), name, ast);
}

function qualifiedName(ast: Ast): string {
  if (ast.op === 'id') return ast.args as string;
  if (ast.op !== '.') return '';
  const [target, name] = ast.args as [Ast, string];
  return `${qualifiedName(target)}.${name}`;
}

function selectFrom(target: Expression, name: string, ast: Ast): Expression {
  const { type, run } = target;
  switch (type.kind) {
    case 'object': {
      const field = fieldOf(type, name, ast);
      return { type: field.type, run: getMember(run, field.name, name) };
    }
    case 'map':
      return { type: type.value, run: getEntry(run, () => name) };
    case 'dyn':
      return { type: DYN, run: getEntry(run, () => name) };
    case 'optional': {
      const found = selectFrom({ type: type.value, run: (variables) => unwrap(run(variables)) }, name, ast);
      return { type: optionalOf(found.type), run: absentAsNone(found.run) };
    }
    default:
      throw new CompileError(`type '${typeName(type)}' does not support field selection`, ast.pos - 1);
  }
}

function getMember(run: Run, name: string, shown: string): Run {
  return (variables) => {
    const value = (run(variables) as Record<string, unknown> | undefined)?.[name];
    if (value === undefined || value === null) throw new CelError(`no such key: ${shown}`);
    return value;
  };
}

function getEntry(run: Run, key: Run): Run {
  return (variables) => {
    const target = run(variables);
    const name = key(variables);
    if (typeof target !== 'object' || target === null || Array.isArray(target)) throw noSuchOverload();
    const value: unknown =
      target instanceof Map
        ? target.get(name)
        : Object.hasOwn(target, String(name))
          ? (target as never)[String(name)]
          : undefined;
    if (value === undefined) throw new CelError(`no such key: ${String(name)}`);
    return value;
  };
}

function optionalSelect(target: Expression, name: string, ast: Ast): Expression {
  const found = selectFrom(unwrapped(target), name, ast);
  return { type: optionalOf(found.type), run: absentAsNone(found.run) };
}

/** The value inside an optional; what is not optional is its own value. */
function unwrapped(target: Expression): Expression {
  const { type, run } = target;
  return type.kind === 'optional' ? { type: type.value, run: (variables) => unwrap(run(variables)) } : target;
}

function unwrap(value: unknown): unknown {
  if (!(value instanceof CelOptional)) return value;
  if (!value.hasValue) throw new CelError('no such key');
  return value.value;
}

function absentAsNone(run: Run): Run {
  return (variables) => {
    try {
      return new CelOptional(run(variables));
    } catch (error) {
      if (error instanceof CelError && /^no such key|^index out of bounds/.test(error.message)) return CelOptional.none;
      throw error;
    }
  };
}

function index(target: Expression, key: Expression, ast: Ast): Expression {
  const { type, run } = target;
  const refuse = (): never => {
    throw new CompileError(
      `found no matching overload for '_[_]' applied to '(${typeName(type)}, ${typeName(key.type)})'`,
      ast.pos,
    );
  };
  switch (type.kind) {
    case 'list':
      if (!compatible(key.type, INT)) refuse();
      return { type: type.item, run: getItem(run, key.run) };
    case 'map':
      if (!compatible(key.type, type.key)) refuse();
      return { type: type.value, run: getEntry(run, key.run) };
    case 'optional': {
      const found = index(unwrapped(target), key, ast);
      return { type: optionalOf(found.type), run: absentAsNone(found.run) };
    }
    case 'dyn': {
      const item = getItem(run, key.run);
      const entry = getEntry(run, key.run);
      return { type: DYN, run: (variables) => (Array.isArray(run(variables)) ? item : entry)(variables) };
    }
    default:
      return refuse();
  }
}

function getItem(run: Run, key: Run): Run {
  return (variables) => {
    const list = run(variables) as unknown[];
    const at = key(variables);
    const value = typeof at === 'number' ? list[at] : undefined;
    if (value === undefined) throw new CelError(`index out of bounds: ${String(at)}`);
    return value;
  };
}

function ternary(condition: Expression, yes: Expression, no: Expression, ast: Ast): Expression {
  if (!compatible(condition.type, BOOL) || !compatible(yes.type, no.type)) {
    const types = [condition, yes, no].map(({ type }) => typeName(type)).join(', ');
    throw new CompileError(`found no matching overload for '_?_:_' applied to '(${types})'`, ast.pos);
  }
  const run: Run = (variables) => {
    const value = condition.run(variables);
    if (value === true) return yes.run(variables);
    if (value === false) return no.run(variables);
    throw noSuchOverload();
  };
  return { type: join(yes.type, no.type), run };
}

function call(ast: Ast, scope: Scope): Expression {
  const [name, ...rest] = ast.args as [string, ...unknown[]];
  const [receiver, args] = ast.op === 'rcall' ? [rest[0] as Ast, rest[1] as Ast[]] : [undefined, rest[0] as Ast[]];
  const macro = compileMacro(name, receiver, args, ast, scope);
  if (macro !== undefined) return macro;
  // `sets.contains(a, b)`, `optional.of(x)`: a name with a namespace, not a method.
  const namespace =
    receiver?.op === 'id' && scope.find(receiver.args as string) === undefined ? receiver.args : undefined;
  const compiled = args.map((arg) => compile(arg, scope));
  if (typeof namespace === 'string') return compileCall(`${namespace}.${name}`, undefined, compiled, ast);
  return compileCall(name, receiver && compile(receiver, scope), compiled, ast);
}
