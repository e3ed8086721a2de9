import { invalid, notSupported, required, tooLong, tooMany, typeInvalid } from '../field-error.ts';
import type { FieldError } from '../field-error.ts';
import { goFloat, goQuote } from '../go-format.ts';
import type { Correlation } from './correlation.ts';
import { deepEqual } from './correlation.ts';
import type { JsonObject, JsonSchema } from './json-schema.ts';
import type { SchemaNode } from './structural.ts';

/** What a walk carries: the path from where it began, as messages name it, and what it found. */
interface Walk {
  readonly segments: (string | number)[];
  /** Goes before the path in the field's name but not in messages: `status` on writes to `/status`. */
  readonly base: string;
  errors: FieldError[];
}

/**
 * Checks a value against its schema with the texts of the real server (kube-openapi's validator). Errors of parts that
 * `correlation` knows to be unchanged are dropped (KEP-4008).
 */
export function validateValue(
  value: unknown,
  node: SchemaNode,
  correlation: Correlation | undefined,
  base = '',
): FieldError[] {
  const walk: Walk = { segments: [], base, errors: [] };
  check(value, node, correlation, walk, true);
  return walk.errors;
}

const nameOf = (walk: Walk, more = ''): string => {
  let text = '';
  for (const segment of walk.segments) text += typeof segment === 'number' ? `[${segment}]` : segment;
  text += more;
  return walk.segments.length === 0 ? text : text.slice(1);
};

function fieldOf(walk: Walk, name: string): string {
  const trimmed = name.startsWith('.') ? name.slice(1) : name;
  if (trimmed === '') return walk.base === '' ? '<nil>' : walk.base;
  return walk.base === '' ? trimmed : `${walk.base}.${trimmed}`;
}

function check(
  value: unknown,
  node: SchemaNode,
  correlation: Correlation | undefined,
  walk: Walk,
  isRoot: boolean,
): void {
  const before = walk.errors.length;
  checkHere(value, node, correlation, walk, isRoot);
  if (walk.errors.length > before && correlation?.unchanged === true) walk.errors.length = before;
}

function checkHere(
  value: unknown,
  node: SchemaNode,
  correlation: Correlation | undefined,
  walk: Walk,
  isRoot: boolean,
): void {
  switch (typeof value) {
    case 'string':
      checkType('string', '', node, walk);
      checkString(value, node, walk);
      break;
    case 'number':
      checkType(...numberType(value), node, walk);
      checkNumber(value, node, walk);
      break;
    case 'boolean':
      checkType('boolean', '', node, walk);
      break;
    default:
      if (value === null || value === undefined) {
        if (node.types.length > 0 && !node.nullable) addType(walk, node.typeText, 'null');
        checkEnum(null, node, walk);
        return;
      }
      if (Array.isArray(value)) {
        checkType('array', '', node, walk);
        checkArray(value, node, correlation, walk);
      } else {
        checkType('object', '', node, walk);
        checkObject(value as JsonObject, node, correlation, walk, isRoot);
      }
  }
  if (node.enumValues !== undefined) checkEnum(value, node, walk);
  if (node.allOf.length + node.anyOf.length + node.oneOf.length > 0 || node.not !== undefined)
    checkJunctors(value, node, walk);
}

/** 2^63: Go's decoder reads an integer beyond int64 as a float. */
const INT64_LIMIT = 9223372036854775808;

function numberType(value: number): [type: string, format: string] {
  return Number.isInteger(value) && value >= -INT64_LIMIT && value < INT64_LIMIT
    ? ['integer', 'int64']
    : ['number', 'float64'];
}

function addType(walk: Walk, expected: string, actual: string): void {
  const name = nameOf(walk);
  const message = `${name} in body must be of type ${expected}: ${goQuote(actual)}`;
  walk.errors.push(typeInvalid(fieldOf(walk, name), actual, message));
}

function checkType(type: string, format: string, node: SchemaNode, walk: Walk): void {
  const { types } = node;
  if (types.length === 0) return;
  const [only] = types;
  if (types.length === 1 && only === type) return;
  const matches = types.includes(type) || (type === 'integer' && types.includes('number'));
  const isText = type === 'string' || type === 'array';
  if (!isText && node.format !== '' && !matches && format !== node.format) addType(walk, node.format, format);
  // The real server lets an array pass here where the schema has a format that is not a number's.
  else if (isText && node.format !== '' && !types.includes('number') && !types.includes('integer')) return;
  else if (!matches) addType(walk, node.typeText, type);
}

/** Code points, which is how the real server counts. */
function lengthOf(text: string): number {
  let length = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code >= 0xd800 && code <= 0xdbff && index + 1 < text.length) {
      length -= 1;
      index += 1;
    }
  }
  return length;
}

function checkString(value: string, node: SchemaNode, walk: Walk): void {
  const { maxLength, minLength } = node.schema;
  if (maxLength !== undefined && value.length > maxLength && lengthOf(value) > maxLength) {
    walk.errors.push(tooLong(fieldOf(walk, nameOf(walk)), maxLength));
  } else if (minLength !== undefined && (value.length < minLength || lengthOf(value) < minLength)) {
    addInvalid(walk, value, `should be at least ${minLength} chars long`);
  } else if (node.pattern !== undefined && !node.pattern.test(value)) {
    addInvalid(walk, value, `should match '${node.schema.pattern ?? ''}'`);
  }
  if (node.checkFormat !== undefined && !node.checkFormat(value)) addType(walk, node.format, value);
}

function addInvalid(walk: Walk, value: unknown, text: string): void {
  const name = nameOf(walk);
  walk.errors.push(invalid(fieldOf(walk, name), value, `${name} in body ${text}`));
}

function checkNumber(value: number, node: SchemaNode, walk: Walk): void {
  const { maximum, minimum, multipleOf } = node.schema;
  const type = node.types.length === 1 ? (node.types[0] ?? '') : '';
  if (type === 'integer') checkRange(value, node.format, walk);
  if (multipleOf !== undefined && !Number.isInteger(value / multipleOf))
    addInvalid(walk, value, `should be a multiple of ${goFloat(multipleOf)}`);
  if (minimum !== undefined) {
    const exclusive = node.schema.exclusiveMinimum === true;
    if (exclusive ? value <= minimum : value < minimum)
      addInvalid(walk, value, `should be greater than ${exclusive ? '' : 'or equal to '}${goFloat(minimum)}`);
  }
  if (maximum !== undefined) {
    const exclusive = node.schema.exclusiveMaximum === true;
    if (exclusive ? value >= maximum : value > maximum)
      addInvalid(walk, value, `should be less than ${exclusive ? '' : 'or equal to '}${goFloat(maximum)}`);
  }
}

function checkRange(value: number, format: string, walk: Walk): void {
  const fits =
    numberType(value)[0] === 'integer' && (format !== 'int32' || (value >= -2147483648 && value <= 2147483647));
  if (fits) return;
  const what = format === '' ? '(default format)' : `with format ${format}`;
  const message = `Checked value must be of type integer ${what} in ${nameOf(walk)}`;
  walk.errors.push(invalid(walk.base === '' ? '<nil>' : walk.base, '', message));
}

function checkArray(
  value: readonly unknown[],
  node: SchemaNode,
  correlation: Correlation | undefined,
  walk: Walk,
): void {
  if (node.items !== undefined)
    for (let index = 0; index < value.length; index += 1) {
      walk.segments.push(index);
      check(value[index], node.items, correlation?.index(index), walk, false);
      walk.segments.pop();
    }
  const { minItems, maxItems, uniqueItems } = node.schema;
  if (minItems !== undefined && value.length < minItems)
    addInvalid(walk, value.length, `should have at least ${minItems} items`);
  if (maxItems !== undefined && value.length > maxItems)
    walk.errors.push(tooMany(fieldOf(walk, nameOf(walk)), value.length, maxItems));
  if (uniqueItems === true && value.some((item, at) => value.slice(0, at).some((other) => deepEqual(item, other))))
    addInvalid(walk, '', `shouldn't contain duplicates`);
}

function checkObject(
  value: JsonObject,
  node: SchemaNode,
  correlation: Correlation | undefined,
  walk: Walk,
  isRoot: boolean,
): void {
  const { minProperties, maxProperties } = node.schema;
  if (minProperties !== undefined || maxProperties !== undefined) {
    const size = Object.keys(value).length;
    if (minProperties !== undefined && size < minProperties)
      addInvalid(walk, size, `should have at least ${minProperties} properties`);
    if (maxProperties !== undefined && size > maxProperties)
      walk.errors.push(tooMany(fieldOf(walk, nameOf(walk)), size, maxProperties));
  }
  for (const name in value) {
    const property = node.properties.get(name);
    const child = property?.node ?? node.additional;
    if (child === undefined) continue;
    walk.segments.push(property?.segment ?? `.${name}`);
    const typeMeta = isRoot && (name === 'kind' || name === 'apiVersion');
    check(value[name], child, typeMeta ? undefined : correlation?.key(name), walk, false);
    walk.segments.pop();
  }
  for (const name of node.required)
    if (!(name in value)) walk.errors.push(required(fieldOf(walk, nameOf(walk, `.${name}`))));
}

function checkEnum(value: unknown, node: SchemaNode, walk: Walk): void {
  if (node.enumValues === undefined) return;
  if (typeof value !== 'object' ? node.enumValues.has(value) : value !== null && inEnum(value, node.schema)) return;
  const supported = (node.schema.enum ?? []).map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
  walk.errors.push(notSupported(fieldOf(walk, nameOf(walk)), value, supported));
}

const inEnum = (value: unknown, schema: JsonSchema): boolean =>
  (schema.enum ?? []).some((one) => deepEqual(one, value));

/** allOf, anyOf, oneOf and not: the errors of the nearest miss and a summary, as the real server gives both. */
function checkJunctors(value: unknown, node: SchemaNode, walk: Walk): void {
  const name = goQuote(nameOf(walk));
  const nil = walk.base === '' ? '<nil>' : walk.base;
  const tryNode = (candidate: SchemaNode): FieldError[] => {
    const attempt: Walk = { ...walk, errors: [] };
    check(value, candidate, undefined, attempt, false);
    return attempt.errors;
  };
  const nearest = (attempts: FieldError[][]): FieldError[] =>
    attempts.reduce((best, next) => (next.length < best.length ? next : best));
  if (node.anyOf.length > 0) {
    const attempts = node.anyOf.map(tryNode);
    if (!attempts.some((errors) => errors.length === 0))
      walk.errors.push(invalid(nil, '', `${name} must validate at least one schema (anyOf)`), ...nearest(attempts));
  }
  if (node.oneOf.length > 0) {
    const attempts = node.oneOf.map(tryNode);
    const valid = attempts.filter((errors) => errors.length === 0).length;
    if (valid !== 1) {
      const found = valid === 0 ? 'Found none valid' : `Found ${valid} valid alternatives`;
      walk.errors.push(invalid(nil, '', `${name} must validate one and only one schema (oneOf). ${found}`));
      if (valid === 0) walk.errors.push(...nearest(attempts));
    }
  }
  if (node.allOf.length > 0) {
    const attempts = node.allOf.map(tryNode);
    const valid = attempts.filter((errors) => errors.length === 0).length;
    walk.errors.push(...attempts.flat());
    if (valid !== attempts.length)
      walk.errors.push(
        invalid(nil, '', `${name} must validate all the schemas (allOf)${valid === 0 ? '. None validated' : ''}`),
      );
  }
  if (node.not !== undefined && tryNode(node.not).length === 0)
    walk.errors.push(invalid(nil, '', `${name} must not validate the schema (not)`));
}
