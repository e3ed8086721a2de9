import { describe, expect, it } from 'vitest';
import { decodeObject } from './decode-object.ts';

const bytes = (...parts: (string | number | readonly number[])[]): number[] =>
  parts.flatMap((part) =>
    typeof part === 'string' ? [...Buffer.from(part)] : typeof part === 'number' ? [part] : [...part],
  );
/** A field of bytes: its tag, its length and what it holds. */
const field = (number: number, ...parts: (string | number | readonly number[])[]): number[] => {
  const value = bytes(...parts);
  return [number * 8 + 2, value.length, ...value];
};
const object = (apiVersion: string, kind: string, ...raw: (readonly number[])[]): Buffer =>
  Buffer.from(bytes('k8s\0', field(1, field(1, apiVersion), field(2, kind)), field(2, ...raw), field(3), field(4)));

describe('decodeObject', () => {
  it('decodes what kubectl create configmap sends', () => {
    // Captured from kubectl 1.36: empty strings of metadata and an empty creationTimestamp are in it.
    const captured = Buffer.from(
      '6b3873000a0f0a0276311209436f6e6669674d617012320a130a036f6e6512001a0022002a00320038004200' +
        '12130a0c73657474696e67732e747874120368690a12060a0178120131' +
        '1a002200',
      'hex',
    );
    expect(decodeObject(captured)).toEqual({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'one', generation: 0 },
      data: { 'settings.txt': 'hi\n', x: '1' },
    });
  });

  it('decodes bytes to base64, numbers, booleans, lists and times', () => {
    const metadata = field(
      1,
      field(1, 'one'),
      field(14, 'a'),
      field(14, 'b'),
      field(8, 8, [0x80, 0x92, 0xb8, 0xc3, 0x06]),
    );
    const secret = object('v1', 'Secret', metadata, field(2, field(1, 'key'), field(2, [0xff, 0x00])), [5 * 8, 1]);
    expect(decodeObject(secret)).toEqual({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'one', finalizers: ['a', 'b'], creationTimestamp: '2025-07-09T06:15:28Z' },
      data: { key: '/wA=' },
      immutable: true,
    });
  });

  it('skips fields that it does not know', () => {
    const raw = [...field(99, 'x'), 98 * 8, 1].flatMap((value) =>
      value >= 128 ? [(value % 128) + 128, Math.floor(value / 128)] : [value],
    );
    const review = object(
      'authorization.k8s.io/v1',
      'SelfSubjectAccessReview',
      raw,
      field(2, field(1, field(2, 'get'))),
    );
    expect(decodeObject(review)).toMatchObject({ spec: { resourceAttributes: { verb: 'get' } } });
  });

  it('leaves kinds to others that it does not know', () => {
    expect(decodeObject(object('apps/v1', 'Deployment'))).toBeUndefined();
  });

  it.each([
    ['bytes of another format', Buffer.from('{}')],
    ['bytes that end too soon', Buffer.from(bytes('k8s\0', [1 * 8 + 2, 200, 1, 0x0a]))],
    ['a field of the wrong kind', object('v1', 'ConfigMap', [1 * 8, 5])],
    ['an unending number', Buffer.from(bytes('k8s\0', Array<number>(20).fill(0xff)))],
  ])('refuses %s with 400', (_what, broken) => {
    expect(() => decodeObject(broken)).toThrow(expect.objectContaining({ code: 400 }));
  });
});
