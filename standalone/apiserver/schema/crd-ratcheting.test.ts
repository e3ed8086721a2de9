import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../kube/object.ts';
import { definitionOf, readCrd } from './testing/crd-files.ts';
import type { Json } from './testing/task-cases.ts';

describe('What was stored before a rule was there', () => {
  const crd = readCrd('agents');
  const [version] = crd.spec.versions;
  if (version === undefined) throw new Error('the CRD has no version');
  version.schema = {
    openAPIV3Schema: {
      type: 'object',
      properties: {
        spec: {
          type: 'object',
          properties: {
            name: { type: 'string', maxLength: 3 },
            rank: { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self < 5', message: 'must be small' }] },
            steps: {
              type: 'array',
              'x-kubernetes-list-type': 'map',
              'x-kubernetes-list-map-keys': ['id'],
              items: {
                type: 'object',
                required: ['id'],
                properties: { id: { type: 'string' }, text: { type: 'string', maxLength: 3 } },
              },
            },
          },
        },
      },
    },
  };
  const definition = definitionOf(crd);
  const spec = { name: 'too long', rank: 9, steps: [{ id: 'a', text: 'too long' }] };
  const old = {
    apiVersion: 'tiangong.io/v1alpha1',
    kind: 'Agent',
    metadata: { name: 'a', namespace: 'default', uid: 'u', resourceVersion: '1', generation: 1 },
    spec,
  } as KubeObject;
  const change = (next: Json): string[] => {
    const object = structuredClone({ ...old, spec: next }) as KubeObject;
    return definition.validate(object, old).map(({ field, message }) => `${field}: ${message}`);
  };

  it('is tolerated as long as it does not change', () => {
    expect(change({ ...spec, other: true })).toEqual([]);
    expect(change({ ...spec, steps: [{ id: 'new', text: 'ok' }, ...spec.steps] })).toEqual([]);
  });

  it('is refused once it changes', () => {
    expect(change({ ...spec, rank: 8 })).toEqual(['spec.rank: Invalid value: 8: must be small']);
    expect(change({ ...spec, name: 'also long' })[0]).toBe('spec.name: Too long: may not be more than 3 bytes');
    expect(change({ ...spec, steps: [{ id: 'b', text: 'too long' }] })[0]).toBe(
      'spec.steps[0].text: Too long: may not be more than 3 bytes',
    );
  });
});
