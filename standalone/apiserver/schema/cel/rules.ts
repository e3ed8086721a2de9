import { duplicate, forbidden, invalid, invalidOmitted, required } from '../../field-error.ts';
import type { FieldError } from '../../field-error.ts';
import { Correlation, oldItem } from '../correlation.ts';
import { FieldPath } from '../field-path.ts';
import { isObject } from '../json-schema.ts';
import type { JsonObject, ValidationRule } from '../json-schema.ts';
import type { SchemaNode } from '../structural.ts';
import { typeOfSchema } from './cel-type.ts';
import { CelError, CelOptional } from './cel-value.ts';
import { compileRule } from './compile-rule.ts';
import type { CompiledRule } from './compile-rule.ts';
import type { Variables } from './expression.ts';

/** What a rule's failure may say at most (apiserver/pkg/apis/cel: MaxEvaluatedMessageExpressionSizeBytes). */
const MAX_MESSAGE_BYTES = 5 * 1024;

/** The rules of a schema node and of those below it; nodes without any are left out. */
interface RuleNode {
  readonly schema: SchemaNode;
  readonly rules: readonly CompiledRule[];
  readonly properties: readonly { readonly name: string; readonly segment: string; readonly node: RuleNode }[];
  readonly additional: RuleNode | undefined;
  readonly items: RuleNode | undefined;
  readonly allOf: readonly RuleNode[];
  /** Whether a rule here or below looks at the old value. */
  readonly hasTransitions: boolean;
}

/** All `x-kubernetes-validations` of a schema, compiled. A rule that does not compile fails whatever it is asked. */
export class RuleValidator {
  readonly #root: RuleNode | undefined;

  constructor(schema: SchemaNode) {
    this.#root = compileNode(schema, schema, true);
  }

  /** Runs the rules. `old` undefined means create: rules about the old value are skipped. */
  validate(object: JsonObject, old: JsonObject | undefined): FieldError[] {
    if (this.#root === undefined) return [];
    const errors: FieldError[] = [];
    runNode(this.#root, object, old, undefined, new FieldPath(), errors);
    if (errors.length === 0 || old === undefined) return errors;
    // What broke may have been so before: only now is it worth the while to find out what changed.
    const ratchet = { current: new Correlation(object, old, this.#root.schema), parent: undefined };
    errors.length = 0;
    runNode(this.#root, object, old, ratchet, new FieldPath(), errors);
    return errors;
  }
}

function compileNode(schema: SchemaNode, typed: SchemaNode, isResource: boolean): RuleNode | undefined {
  const rules = schema.rules.length === 0 ? [] : schema.rules.map((rule) => compileRule(rule, typed, isResource));
  const properties = schema.propertyList.flatMap(({ name, segment, node }) => {
    const twin = typed.properties.get(name)?.node;
    const child = twin && typeOfSchema(twin, twin.embedded) && compileNode(node, twin, twin.embedded);
    return child === undefined ? [] : [{ name, segment, node: child }];
  });
  const below = (child: SchemaNode | undefined, twin: SchemaNode | undefined): RuleNode | undefined =>
    child && twin && compileNode(child, twin, twin.embedded);
  const additional = below(schema.additional, typed.additional);
  const items = below(schema.items, typed.items);
  const allOf = schema.allOf.flatMap((part) => compileNode(part, typed, isResource) ?? []);
  const children = [
    ...properties.map(({ node }) => node),
    ...allOf,
    ...[additional, items].filter((node) => node !== undefined),
  ];
  if (rules.length === 0 && children.length === 0) return undefined;
  const hasTransitions = rules.some((rule) => rule.usesOldSelf) || children.some((child) => child.hasTransitions);
  return { schema: typed, rules, properties, additional, items, allOf, hasTransitions };
}

/** Where ratcheting stands: the pair of values here, or the nearest pair above where there is none. */
interface Ratchet {
  readonly current: Correlation | undefined;
  readonly parent: Correlation | undefined;
}

function below(
  ratchet: Ratchet | undefined,
  find: (correlation: Correlation) => Correlation | undefined,
): Ratchet | undefined {
  return ratchet?.current === undefined ? ratchet : { current: find(ratchet.current), parent: ratchet.current };
}

const isUnchanged = (ratchet: Ratchet | undefined): boolean =>
  (ratchet?.current ?? ratchet?.parent)?.unchanged === true;

function runNode(
  node: RuleNode,
  value: unknown,
  old: unknown,
  ratchet: Ratchet | undefined,
  path: FieldPath,
  errors: FieldError[],
): void {
  if (value === null || value === undefined) return;
  // The very same part as before: what does not look at the old value was checked then, and would be tolerated now.
  const same = value === old;
  if (same && !node.hasTransitions) return;
  if (node.rules.length > 0) runRules(node, value, old ?? undefined, ratchet, same, path, errors);
  for (const part of node.allOf)
    runNode(part, value, old, ratchet && { current: undefined, parent: ratchet.parent }, path, errors);
  if (Array.isArray(value)) runItems(node, value, old, ratchet, path, errors);
  else if (isObject(value)) runMembers(node, value, old, ratchet, path, errors);
}

function runItems(
  node: RuleNode,
  value: readonly unknown[],
  old: unknown,
  ratchet: Ratchet | undefined,
  path: FieldPath,
  errors: FieldError[],
): void {
  if (node.items === undefined) return;
  const before = Array.isArray(old) ? old : undefined;
  for (let index = 0; index < value.length; index += 1) {
    path.push(index);
    const twin = oldItem(node.schema, before, value[index]);
    runNode(
      node.items,
      value[index],
      twin,
      below(ratchet, (one) => one.index(index)),
      path,
      errors,
    );
    path.pop();
  }
}

function runMembers(
  node: RuleNode,
  value: JsonObject,
  old: unknown,
  ratchet: Ratchet | undefined,
  path: FieldPath,
  errors: FieldError[],
): void {
  const before = isObject(old) ? old : undefined;
  const isRoot = path.depth === 0;
  if (node.additional !== undefined)
    for (const name in value) {
      if (node.schema.properties.has(name)) continue;
      path.push(`[${name}]`);
      runNode(
        node.additional,
        value[name],
        before?.[name],
        below(ratchet, (one) => one.key(name)),
        path,
        errors,
      );
      path.pop();
    }
  for (const { name, segment, node: child } of node.properties) {
    if (value[name] === undefined) continue;
    path.push(segment);
    const typeMeta = isRoot && (name === 'apiVersion' || name === 'kind');
    const next = typeMeta ? { current: undefined, parent: undefined } : below(ratchet, (one) => one.key(name));
    runNode(child, value[name], before?.[name], next, path, errors);
    path.pop();
  }
}

function runRules(
  node: RuleNode,
  value: unknown,
  old: unknown,
  ratchet: Ratchet | undefined,
  same: boolean,
  path: FieldPath,
  errors: FieldError[],
): void {
  const variables: Variables = [value, old];
  let optional: Variables | undefined;
  for (const rule of node.rules) {
    if (same && !rule.usesOldSelf) continue;
    if (rule.failure !== undefined) {
      errors.push(invalid(path.toString(), node.schema.typeText, `rule compile error: ${rule.failure}`));
      continue;
    }
    if (rule.run === undefined) continue;
    if (rule.usesOldSelf && old === undefined && !rule.optionalOldSelf) continue;
    const scope = rule.optionalOldSelf
      ? (optional ??= [value, old === undefined ? CelOptional.none : new CelOptional(old)])
      : variables;
    const result = evaluate(rule, scope);
    if (result === true) continue;
    if (typeof result === 'string') {
      errors.push(invalid(path.toString(), node.schema.typeText, result));
      continue;
    }
    if (!rule.usesOldSelf && isUnchanged(ratchet)) continue;
    const field = rule.fieldPath === '' ? path.toString() : path.text(rule.fieldPath);
    errors.push(errorFor(rule.rule, field, value, node.schema.typeText, detailOf(rule, scope)));
  }
}

/** True or false, or why there is no answer. */
function evaluate(rule: CompiledRule, variables: Variables): boolean | string {
  try {
    return rule.run?.(variables) === true;
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    const text = rule.message ?? rule.rule.rule.trim();
    return error.message.startsWith('no such overload')
      ? `'${error.message}': call arguments did not match a supported operator, function or macro signature for rule: ${text}`
      : `${error.message} evaluating rule: ${text}`;
  }
}

function detailOf(rule: CompiledRule, variables: Variables): string {
  const fallback = rule.message ?? `failed rule: ${rule.rule.rule.trim()}`;
  if (rule.messageRun === undefined) return fallback;
  try {
    const text = String(rule.messageRun(variables)).trim();
    const usable = text !== '' && !text.includes('\n') && Buffer.byteLength(text) <= MAX_MESSAGE_BYTES;
    return usable ? text : fallback;
  } catch (error) {
    if (error instanceof CelError) return fallback;
    throw error;
  }
}

function errorFor({ reason }: ValidationRule, field: string, value: unknown, type: string, detail: string): FieldError {
  const omitted = type === 'object' || type === 'array';
  switch (reason) {
    case 'FieldValueForbidden':
      return forbidden(field, detail);
    case 'FieldValueRequired':
      return required(field, detail);
    case 'FieldValueDuplicate':
      return omitted ? { field, type: reason, message: 'Duplicate value' } : duplicate(field, value);
    default:
      return omitted ? invalidOmitted(field, detail) : invalid(field, value, detail);
  }
}
