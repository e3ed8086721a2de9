import type { ValidationRule } from '../json-schema.ts';
import type { SchemaNode } from '../structural.ts';
import { optionalOf, typeOfSchema } from './cel-type.ts';
import type { CelType } from './cel-type.ts';
import { compile, compileExpression } from './compile.ts';
import { CompileError, Scope, describeFailure } from './expression.ts';
import type { Expression, Run } from './expression.ts';

/** One rule, ready to run on `[self, oldSelf]`. */
export interface CompiledRule {
  readonly rule: ValidationRule;
  /** Undefined when the rule is empty or does not compile. */
  readonly run: Run | undefined;
  /** Why it does not compile, as the real server tells it. */
  readonly failure: string | undefined;
  readonly messageRun: Run | undefined;
  /** Why `messageExpression` does not compile. */
  readonly messageFailure: string | undefined;
  readonly message: string | undefined;
  readonly usesOldSelf: boolean;
  readonly optionalOldSelf: boolean;
  /** The segment to add to the path of errors; empty for none. */
  readonly fieldPath: string;
}

/** Compiles a rule of a node. Never throws: what is wrong with the rule stands in what is returned. */
export function compileRule(rule: ValidationRule, node: SchemaNode, isResource: boolean): CompiledRule {
  const optionalOldSelf = rule.optionalOldSelf === true;
  const self = typeOfSchema(node, isResource);
  let usesOldSelf = false;
  const onRead = (name: string): void => {
    if (name === 'oldSelf') usesOldSelf = true;
  };
  const body = compileBody(rule.rule, self, 'bool', optionalOldSelf, onRead);
  const message = compileBody(rule.messageExpression ?? '', self, 'string', optionalOldSelf, () => undefined);
  return {
    rule,
    run: body.run,
    failure: body.failure,
    messageRun: message.run,
    messageFailure: message.failure,
    message: rule.message === undefined || rule.message === '' ? undefined : rule.message.trim(),
    usesOldSelf,
    optionalOldSelf,
    fieldPath: fieldPathOf(rule.fieldPath),
  };
}

function compileBody(
  text: string,
  self: CelType | undefined,
  kind: 'bool' | 'string',
  optionalOldSelf: boolean,
  onRead: (name: string) => void,
): { readonly run: Run | undefined; readonly failure: string | undefined } {
  const prefix = kind === 'bool' ? '' : 'messageExpression ';
  if (text.trim() === '') return { run: undefined, failure: undefined };
  if (self === undefined) return { run: undefined, failure: 'failed to convert to declType for CEL validation rules' };
  const names = new Map([
    ['self', { slot: 0, type: self }],
    ['oldSelf', { slot: 1, type: optionalOldSelf ? optionalOf(self) : self }],
  ]);
  let compiled: Expression;
  try {
    compiled = compileExpression(text, new Scope(names, onRead, compile));
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    return { run: undefined, failure: `${prefix}compilation failed: ${describeFailure(error, text)}` };
  }
  if (compiled.type.kind !== kind && compiled.type.kind !== 'dyn')
    return {
      run: undefined,
      failure:
        kind === 'bool' ? 'cel expression must evaluate to a bool' : 'messageExpression must evaluate to a string',
    };
  return { run: compiled.run, failure: undefined };
}

/** `.spec.name` or `.spec['a.b']`, as a path shows it. */
function fieldPathOf(fieldPath: string | undefined): string {
  if (fieldPath === undefined || fieldPath === '') return '';
  return fieldPath
    .trim()
    .replace(/\['((?:[^'\\]|\\.)*)'\]/g, (_all, name: string) => `.${name.replace(/\\(.)/g, '$1')}`);
}
