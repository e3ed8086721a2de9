import { forbidden, invalid, invalidOmitted, notSupported, required } from '../field-error.ts';
import type { FieldError } from '../field-error.ts';
import { compileRule } from './cel/compile-rule.ts';
import { applyDefaults } from './defaults.ts';
import type { JsonSchema } from './json-schema.ts';
import { isObject } from './json-schema.ts';
import { toRegExp } from './re2.ts';
import { compileRoot, compileSchema } from './structural.ts';
import { validateValue } from './value-validation.ts';

const TYPES = ['object', 'array', 'string', 'integer', 'number', 'boolean'];
const REASONS = ['FieldValueRequired', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueDuplicate'];

/** Checks that a schema is structural and that its rules compile, with the texts of the real server. */
export function validateCrdSchema(schema: JsonSchema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (schema.type !== 'object')
    errors.push(
      schema.type === undefined
        ? required(`${path}.type`, 'must not be empty at the root')
        : invalid(`${path}.type`, schema.type, 'must be object at the root'),
    );
  walk(schema, path, errors, true, undefined);
  return errors;
}

/** `uncorrelatable` is the path of the list above whose items have no old value, if there is one. */
function walk(
  schema: JsonSchema,
  path: string,
  errors: FieldError[],
  root: boolean,
  uncorrelatable: string | undefined,
): void {
  checkType(schema, path, errors, root);
  checkPattern(schema, path, errors);
  checkListType(schema, path, errors);
  checkDefault(schema, path, errors);
  // Rules of a schema that is not structural would only fail for that reason.
  if (errors.length === 0) checkRules(schema, path, errors, root, uncorrelatable);
  if (schema.properties !== undefined && isObject(schema.additionalProperties))
    errors.push(forbidden(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'));
  for (const [name, child] of Object.entries(schema.properties ?? {}))
    walk(child, `${path}.properties[${name}]`, errors, false, uncorrelatable);
  if (isObject(schema.additionalProperties))
    walk(schema.additionalProperties, `${path}.additionalProperties`, errors, false, uncorrelatable);
  if (schema.items !== undefined) {
    const isMap = schema['x-kubernetes-list-type'] === 'map';
    walk(schema.items, `${path}.items`, errors, false, uncorrelatable ?? (isMap ? undefined : path));
  }
}

function checkType(schema: JsonSchema, path: string, errors: FieldError[], root: boolean): void {
  const intOrString = schema['x-kubernetes-int-or-string'] === true;
  const preserve = schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (schema.type === undefined || schema.type === '') {
    if (!root && !intOrString && !preserve)
      errors.push(
        required(
          `${path}.type`,
          path.endsWith('.items')
            ? 'must not be empty for specified array items'
            : 'must not be empty for specified object fields',
        ),
      );
  } else if (!TYPES.includes(schema.type)) {
    errors.push(notSupported(`${path}.type`, schema.type, TYPES));
  } else if (intOrString) {
    errors.push(invalid(`${path}.type`, schema.type, 'must be empty if x-kubernetes-int-or-string is true'));
  }
  if (schema.type === 'array' && schema.items === undefined)
    errors.push(required(`${path}.items`, 'must be specified'));
}

function checkPattern({ pattern }: JsonSchema, path: string, errors: FieldError[]): void {
  if (pattern === undefined || pattern === '') return;
  try {
    toRegExp(pattern);
  } catch (error) {
    errors.push(
      invalid(`${path}.pattern`, pattern, `must be a valid regular expression, but isn't: ${(error as Error).message}`),
    );
  }
}

function checkListType(schema: JsonSchema, path: string, errors: FieldError[]): void {
  const listType = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  if (listType === undefined) return;
  if (!['atomic', 'set', 'map'].includes(listType))
    errors.push(notSupported(`${path}.x-kubernetes-list-type`, listType, ['atomic', 'map', 'set']));
  if (schema.type !== 'array')
    errors.push(invalid(`${path}.type`, schema.type ?? '', 'must be array if x-kubernetes-list-type is specified'));
  if (listType !== 'map') return;
  if (keys.length === 0)
    errors.push(required(`${path}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map'));
  keys.forEach((key, index) => {
    const property = schema.items?.properties?.[key];
    if (property === undefined)
      errors.push(
        invalid(`${path}.x-kubernetes-list-map-keys[${index}]`, key, 'entries must all be names of item properties'),
      );
    else if (schema.items?.required?.includes(key) !== true && property.default === undefined)
      errors.push(
        required(
          `${path}.items.properties[${key}].default`,
          'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
        ),
      );
  });
}

function checkDefault(schema: JsonSchema, path: string, errors: FieldError[]): void {
  if (schema.default === undefined) return;
  const node = compileSchema(schema);
  const value = structuredClone(schema.default);
  if (isObject(value)) applyDefaults(value, node);
  for (const error of validateValue(value, node, undefined)) {
    const field = error.field === '<nil>' ? `${path}.default` : `${path}.default.${error.field}`;
    errors.push({ ...error, field });
  }
}

function checkRules(
  schema: JsonSchema,
  path: string,
  errors: FieldError[],
  root: boolean,
  uncorrelatable: string | undefined,
): void {
  const rules = schema['x-kubernetes-validations'] ?? [];
  if (rules.length === 0) return;
  const node = root ? compileRoot(schema) : compileSchema(schema);
  rules.forEach((rule, index) => {
    const field = `${path}.x-kubernetes-validations[${index}]`;
    if (rule.rule.trim() === '') {
      errors.push(required(`${field}.rule`, 'rule is not specified'));
      return;
    }
    if (rule.message !== undefined && rule.message !== '' && rule.message.trim() === '')
      errors.push(invalid(`${field}.message`, rule.message, 'must be non-empty if specified'));
    if (rule.message?.includes('\n') === true)
      errors.push(invalid(`${field}.message`, rule.message, 'must not contain line breaks'));
    if (rule.rule.trim().includes('\n') && (rule.message ?? '') === '')
      errors.push(required(`${field}.message`, 'message must be specified if rule contains line breaks'));
    if (rule.reason !== undefined && !REASONS.includes(rule.reason))
      errors.push(notSupported(`${field}.reason`, rule.reason, [...REASONS].sort()));
    if (rule.fieldPath !== undefined && rule.fieldPath !== '' && !refersToField(schema, rule.fieldPath.trim()))
      errors.push(invalid(`${field}.fieldPath`, rule.fieldPath, 'must be a valid path'));
    const compiled = compileRule(rule, node, root);
    if (compiled.failure !== undefined) errors.push(invalidOmitted(`${field}.rule`, compiled.failure));
    if (compiled.messageFailure !== undefined)
      errors.push(invalidOmitted(`${field}.messageExpression`, compiled.messageFailure));
    if (compiled.usesOldSelf && uncorrelatable !== undefined && !compiled.optionalOldSelf)
      errors.push(
        invalid(
          `${field}.rule`,
          rule.rule,
          `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelatable}`,
        ),
      );
    if (!compiled.usesOldSelf && rule.optionalOldSelf !== undefined)
      errors.push(
        invalid(`${field}.optionalOldSelf`, rule.optionalOldSelf, 'may not be set if oldSelf is not used in rule'),
      );
  });
}

function refersToField(schema: JsonSchema, path: string): boolean {
  let current: JsonSchema | undefined = schema;
  const tokens = path.match(/\.[^.[\]]+|\['(?:[^'\\]|\\.)*'\]/g) ?? [];
  if (tokens.join('') !== path) return false;
  for (const token of tokens) {
    const name: string = token.startsWith('.') ? token.slice(1) : token.slice(2, -2).replace(/\\(.)/g, '$1');
    if (current?.properties !== undefined) current = current.properties[name];
    else current = isObject(current?.additionalProperties) ? current.additionalProperties : undefined;
    if (current === undefined) return false;
  }
  return true;
}
