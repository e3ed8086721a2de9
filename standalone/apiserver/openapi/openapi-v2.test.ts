import { describe, expect, it } from 'vitest';
import { openapiV2 } from './openapi-v2.ts';

interface Field {
  readonly field: number;
  readonly bytes: Uint8Array;
}

/** Reads a message back, as far as it holds texts and messages only. */
function fields(message: Uint8Array): Field[] {
  const result: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const field = varint() >> 3;
    const length = varint();
    result.push({ field, bytes: message.subarray(at, at + length) });
    at += length;
  }
  return result;
}

const one = (message: Uint8Array, field: number): Uint8Array => {
  const found = fields(message).find((other) => other.field === field);
  if (found === undefined) throw new Error(`no field ${field}`);
  return found.bytes;
};
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

const long = 'Ünlike '.repeat(40);
const document = openapiV2(
  [
    {
      modelName: 'io.example.v1.Thing',
      group: 'example.io',
      version: 'v1',
      kind: 'Thing',
      schema: {
        type: 'object',
        description: long,
        required: ['a', 'b'],
        properties: {
          a: { type: 'array', items: { type: 'string' } },
          b: {
            type: 'object',
            'x-kubernetes-preserve-unknown-fields': true,
            properties: { known: { type: 'string' } },
          },
          c: { type: 'object', additionalProperties: { type: 'integer', format: 'int32' } },
        },
      },
    },
  ],
  '1.36',
);
const definition = one(one(document, 9), 1);
const schema = one(definition, 2);

describe('openapiV2', () => {
  it('is a Swagger document with a title and a version', () => {
    expect(text(one(document, 1))).toBe('2.0');
    expect(text(one(one(document, 2), 2))).toBe('1.36');
  });

  it('names a kind and ties it to its group and version', () => {
    expect(text(one(definition, 1))).toBe('io.example.v1.Thing');
    const extension = one(schema, 31);
    expect(text(one(extension, 1))).toBe('x-kubernetes-group-version-kind');
    expect(text(one(one(extension, 2), 2))).toBe('- group: "example.io"\n  kind: Thing\n  version: v1\n');
  });

  it('keeps descriptions, types and required fields', () => {
    expect(text(one(schema, 4))).toBe(long);
    expect(text(one(one(schema, 22), 1))).toBe('object');
    expect(
      fields(schema)
        .filter(({ field }) => field === 19)
        .map(({ bytes }) => text(bytes)),
    ).toEqual(['a', 'b']);
  });

  it('says what lists and maps hold', () => {
    const [a, b, c] = fields(one(schema, 25)).map(({ bytes }) => one(bytes, 2));
    expect(text(one(one(one(one(a!, 23), 1), 22), 1))).toBe('string');
    expect(text(one(one(one(c!, 21), 1), 2))).toBe('int32');
    expect(fields(b!)).toEqual([]);
  });
});
