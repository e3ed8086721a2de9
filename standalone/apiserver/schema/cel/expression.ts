import type { CelType } from './cel-type.ts';

/** The variables of an evaluation: self, oldSelf, then those of the macros around. */
export type Variables = unknown[];

export type Run = (variables: Variables) => unknown;

/** An expression that is ready to run. */
export interface Expression {
  readonly type: CelType;
  readonly run: Run;
  /** The value, where it does not depend on variables. */
  readonly constant?: unknown;
}

/** A node of what the parser of cel-js makes. */
export interface Ast {
  readonly op: string;
  readonly args: unknown;
  readonly pos: number;
  readonly start: number;
}

/** An expression that cannot be compiled. `pos` is where, in UTF-16 units. */
export class CompileError extends Error {
  override readonly name = 'CompileError';
  readonly pos: number;

  constructor(message: string, pos: number) {
    super(message);
    this.pos = pos;
  }
}

/** A name that is in scope: where its value stands and what it is. */
export interface Variable {
  readonly slot: number;
  readonly type: CelType;
}

/** Makes a node of the parser's tree ready to run. */
export type Compile = (ast: Ast, scope: Scope) => Expression;

/** The names that an expression may use. It carries the compiler, because macros compile their arguments in new scopes. */
export class Scope {
  readonly #names: ReadonlyMap<string, Variable>;
  readonly #compile: Compile;
  readonly #nextSlot: number;
  /** Called with every variable that an expression reads. */
  readonly onRead: (name: string) => void;

  constructor(
    names: ReadonlyMap<string, Variable>,
    onRead: (name: string) => void,
    compile: Compile,
    nextSlot = names.size,
  ) {
    this.#names = names;
    this.#compile = compile;
    this.onRead = onRead;
    this.#nextSlot = nextSlot;
  }

  find(name: string): Variable | undefined {
    return this.#names.get(name);
  }

  compile(ast: Ast): Expression {
    return this.#compile(ast, this);
  }

  with(name: string, type: CelType): { readonly scope: Scope; readonly slot: number } {
    const slot = this.#nextSlot;
    const names = new Map(this.#names).set(name, { slot, type });
    return { scope: new Scope(names, this.onRead, this.#compile, slot + 1), slot };
  }
}

/** As cel-go reports a failed compilation: the place, the text and a line of it. */
export function describeFailure(error: CompileError, text: string): string {
  const before = text.slice(0, Math.max(0, error.pos));
  const line = before.split('\n').length;
  const column = before.length - (before.lastIndexOf('\n') + 1);
  const source = text.split('\n')[line - 1] ?? '';
  return `ERROR: <input>:${line}:${column + 1}: ${error.message}\n | ${source}\n | ${'.'.repeat(column)}^`;
}
