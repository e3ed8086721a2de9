import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonSchema, ValidationRule } from '../json-schema.ts';
import { compileRoot } from '../structural.ts';
import { RuleValidator } from './rules.ts';

const schemaWith = (rules: readonly ValidationRule[], items: readonly ValidationRule[] = []): JsonSchema => ({
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      'x-kubernetes-validations': rules,
      properties: {
        n: { type: 'integer' },
        list: { type: 'array', items: { type: 'string', 'x-kubernetes-validations': items } },
        steps: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['id'],
          items: {
            type: 'object',
            properties: { id: { type: 'string' }, n: { type: 'integer', 'x-kubernetes-validations': items } },
          },
        },
      },
    },
  },
});

function run(schema: JsonSchema, spec: JsonObject, old?: JsonObject): string[] {
  const validator = new RuleValidator(compileRoot(schema));
  const errors = validator.validate({ spec }, old && { spec: old });
  return errors.map(({ field, type, message }) => `${field} ${type} ${message}`);
}

describe('Rules of a schema', () => {
  it('report reason, path and message as they say', () => {
    const rules: ValidationRule[] = [
      { rule: 'self.n < 5', message: ' must be small ', reason: 'FieldValueForbidden', fieldPath: '.n' },
      { rule: 'self.n < 4', messageExpression: "'n is ' + string(self.n)" },
      { rule: 'self.n < 3' },
      { rule: 'self.n < 2', message: 'fallback', messageExpression: "''" },
      { rule: 'self.n < 1', reason: 'FieldValueRequired', message: 'r', fieldPath: '.list' },
    ];
    expect(run(schemaWith(rules), { n: 9 })).toEqual([
      'spec.n FieldValueForbidden Forbidden: must be small',
      'spec FieldValueInvalid Invalid value: n is 9',
      'spec FieldValueInvalid Invalid value: failed rule: self.n < 3',
      'spec FieldValueInvalid Invalid value: fallback',
      'spec.list FieldValueRequired Required value: r',
    ]);
  });

  it('show the value of a scalar, and why there is no answer', () => {
    const items: ValidationRule[] = [{ rule: 'self.size() < 2', message: 'm' }];
    expect(run(schemaWith([], items), { list: ['a', 'bc'] })).toEqual([
      'spec.list[1] FieldValueInvalid Invalid value: "bc": m',
    ]);
    expect(run(schemaWith([{ rule: 'self.n < 5', message: 'm' }]), {})).toEqual([
      'spec FieldValueInvalid Invalid value: "object": no such key: n evaluating rule: m',
    ]);
  });

  it('skip what is about the old value where there is none', () => {
    const rules: ValidationRule[] = [{ rule: 'self.n >= oldSelf.n', message: 'm' }];
    expect(run(schemaWith(rules), { n: 1 })).toEqual([]);
    expect(run(schemaWith(rules), { n: 1 }, { n: 2 })).toHaveLength(1);
  });

  it('run on a create with an optional old value', () => {
    const rules: ValidationRule[] = [
      { rule: '!oldSelf.hasValue() || self.n > oldSelf.value().n', message: 'm', optionalOldSelf: true },
    ];
    expect(run(schemaWith(rules), { n: 1 })).toEqual([]);
    expect(run(schemaWith(rules), { n: 1 }, { n: 1 })).toHaveLength(1);
  });

  it('find the old value of an item by its keys, and of items without keys none', () => {
    const items: ValidationRule[] = [{ rule: 'self == oldSelf', message: 'm' }];
    const old = {
      steps: [
        { id: 'a', n: 1 },
        { id: 'b', n: 2 },
      ],
      list: ['a'],
    };
    expect(
      run(
        schemaWith([], items),
        {
          steps: [
            { id: 'b', n: 3 },
            { id: 'c', n: 9 },
          ],
          list: ['b'],
        },
        old,
      ),
    ).toEqual(['spec.steps[0].n FieldValueInvalid Invalid value: 3: m']);
  });

  it('that do not compile fail whatever they are asked', () => {
    expect(run(schemaWith([{ rule: 'self.nope == 1' }]), { n: 1 })[0]).toContain(
      'rule compile error: compilation failed',
    );
  });
});
