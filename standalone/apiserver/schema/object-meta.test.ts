import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../kube/object.ts';
import { dnsSubdomainErrors, labelValueErrors, qualifiedNameErrors } from './names.ts';
import { normalizeMetadata } from './object-meta.ts';
import { validateMetadata, validateMetadataUpdate } from './object-meta-validation.ts';

const normalize = (metadata: unknown): { metadata: unknown; unknown: string[] } => {
  const object = { metadata };
  const unknown = normalizeMetadata(object, 'metadata');
  return { metadata: object.metadata, unknown };
};
const texts = (errors: readonly { field: string; message: string }[]): string[] =>
  errors.map(({ field, message }) => `${field}: ${message}`);

describe('Metadata', () => {
  it('loses what is unknown, null or empty', () => {
    const given = {
      name: 'a',
      labels: {},
      annotations: null,
      finalizers: [],
      generateName: '',
      generation: 0,
      bogus: 1,
    };
    expect(normalize(given)).toEqual({ metadata: { name: 'a' }, unknown: ['metadata.bogus'] });
  });

  it('keeps owners whole, but for what is unknown in them', () => {
    const owner = { apiVersion: 'v1', kind: 'K', name: 'n', uid: 'u', controller: true, bogus: 1 };
    const { metadata, unknown } = normalize({ ownerReferences: [owner, { kind: 'K' }] });
    expect(unknown).toEqual(['metadata.ownerReferences[0].bogus']);
    expect(metadata).toEqual({
      ownerReferences: [
        { apiVersion: 'v1', kind: 'K', name: 'n', uid: 'u', controller: true },
        { apiVersion: '', kind: 'K', name: '', uid: '' },
      ],
    });
  });

  it.each([
    ['x', 'json: cannot unmarshal string into Go value of type v1.ObjectMeta'],
    [{ name: 1 }, 'json: cannot unmarshal number into Go struct field ObjectMeta.name of type string'],
    [{ labels: { a: 1 } }, 'json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string'],
    [{ labels: [] }, 'json: cannot unmarshal array into Go struct field ObjectMeta.labels of type map[string]string'],
    [{ finalizers: '' }, 'json: cannot unmarshal string into Go struct field ObjectMeta.finalizers of type []string'],
    [{ generation: true }, 'json: cannot unmarshal bool into Go struct field ObjectMeta.generation of type int64'],
  ])('of a wrong type is refused: %j', (metadata, message) => {
    expect(() => normalize(metadata)).toThrow(message);
  });

  it('must have good names, labels, annotations, finalizers and owners', () => {
    const object = {
      metadata: {
        name: 'Bad_Name',
        namespace: 'a.b',
        generateName: 'ok-',
        labels: { 'a/b/c': 'x', ok: 'é' },
        annotations: { ' ': 'x' },
        finalizers: ['no good'],
        ownerReferences: [
          { apiVersion: 'v1', kind: 'A', name: 'a', uid: '', controller: true },
          { apiVersion: 'v1', kind: 'B', name: 'b', uid: 'u', controller: true },
        ],
      },
    } as unknown as KubeObject;
    const fields = validateMetadata(object, true, (name) => dnsSubdomainErrors(name)).map(({ field }) => field);
    expect(fields).toEqual([
      'metadata.name',
      'metadata.namespace',
      'metadata.labels',
      'metadata.labels',
      'metadata.annotations',
      'metadata.ownerReferences.uid',
      'metadata.ownerReferences',
      'metadata.finalizers',
    ]);
  });

  it('may not hold annotations over 256 KiB', () => {
    const object = { metadata: { name: 'a', annotations: { big: 'x'.repeat(256 * 1024) } } } as KubeObject;
    expect(texts(validateMetadata(object, false, () => []))).toEqual([
      'metadata.annotations: Too long: may not be more than 262144 bytes',
    ]);
  });

  it('keeps its identity for life', () => {
    const old = { metadata: { name: 'a', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' } };
    const next = { metadata: { name: 'b', uid: 'v', resourceVersion: '1' } };
    expect(texts(validateMetadataUpdate(next, old))).toEqual([
      'metadata.name: Invalid value: "b": field is immutable',
      'metadata.uid: Invalid value: "v": field is immutable',
      'metadata.creationTimestamp: Invalid value: null: field is immutable',
    ]);
  });

  it('takes no new finalizers once the object is being deleted', () => {
    const metadata = {
      name: 'a',
      resourceVersion: '1',
      deletionTimestamp: '2026-01-01T00:00:00Z',
      finalizers: ['a/b'],
    };
    const next = { metadata: { ...metadata, finalizers: ['a/b', 'c/d'] } };
    expect(texts(validateMetadataUpdate(next, { metadata }))).toEqual([
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"c/d"}',
    ]);
  });
});

describe('Names', () => {
  it.each([
    [dnsSubdomainErrors('a'.repeat(254)), 'must be no more than 253 characters'],
    [labelValueErrors('a'.repeat(64)), 'must be no more than 63 bytes'],
    [qualifiedNameErrors('/a'), 'prefix part must be non-empty'],
    [qualifiedNameErrors('a/'), 'name part must be non-empty'],
  ])('are told what is wrong with them', (errors, text) => {
    expect(errors[0]).toBe(text);
  });
});
