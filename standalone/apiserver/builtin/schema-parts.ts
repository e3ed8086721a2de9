import type { JsonSchema } from '../schema/json-schema.ts';

/** A schema of a built-in kind. `goType` is what Go's decoder calls the type in errors, where it is not obvious. */
export interface BuiltinSchema extends JsonSchema {
  readonly 'x-go-type'?: string;
}

type Properties = Readonly<Record<string, JsonSchema>>;

export const text = (description: string, more: BuiltinSchema = {}): BuiltinSchema => ({
  description,
  type: 'string',
  ...more,
});

export const flag = (description: string): BuiltinSchema => ({ description, type: 'boolean' });

export const int32 = (description: string): BuiltinSchema => ({ description, type: 'integer', format: 'int32' });

export const time = (description: string): BuiltinSchema => ({ description, type: 'string', format: 'date-time' });

/** A time with six digits after the second, no more and no fewer. */
export const microTime = (description: string): BuiltinSchema => ({
  description,
  type: 'string',
  format: 'date-time',
  'x-go-type': 'MicroTime',
});

export const base64 = (description: string): BuiltinSchema => ({ description, type: 'string', format: 'byte' });

export const list = (description: string, items: JsonSchema, more: BuiltinSchema = {}): BuiltinSchema => ({
  description,
  type: 'array',
  items,
  ...more,
});

export const mapOf = (description: string, additionalProperties: JsonSchema): BuiltinSchema => ({
  description,
  type: 'object',
  additionalProperties,
});

/** `goType` such as `LeaseSpec`. */
export const struct = (description: string, goType: string, properties: Properties): BuiltinSchema => ({
  description,
  type: 'object',
  properties,
  'x-go-type': goType,
});

/** What every kind has beside its own members. */
export const kindOf = (description: string, goType: string, properties: Properties): BuiltinSchema =>
  struct(description, goType, {
    apiVersion: text('The version of the schema of this object.'),
    kind: text('The kind of this object.'),
    metadata: { description: "The object's metadata.", type: 'object' },
    ...properties,
  });

export const conditions = (goType: string): BuiltinSchema =>
  list(
    'What is known of the state, one entry for each aspect.',
    struct('One aspect of the state.', goType, {
      type: text('What the condition is about.'),
      status: text('True, False or Unknown.'),
      reason: text('Why, as one word.'),
      message: text('Why, for a person to read.'),
      lastTransitionTime: time('When status last changed.'),
      observedGeneration: {
        description: 'The generation that the condition was set for.',
        type: 'integer',
        format: 'int64',
      },
    }),
    { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] },
  );

export const objectReference = (description: string): BuiltinSchema =>
  struct(description, 'ObjectReference', {
    apiVersion: text('The version of the object.'),
    kind: text('The kind of the object.'),
    namespace: text('The namespace of the object.'),
    name: text('The name of the object.'),
    uid: text('The uid of the object.', { 'x-go-type': 'types.UID' }),
    resourceVersion: text('The version of the object that is meant.'),
    fieldPath: text('The part of the object that is meant.'),
  });
