import { describe, expect, it } from 'vitest';
import { builtinDefinitions } from '../builtin/builtin-definitions.ts';
import { definitionOf, readCrd } from '../schema/testing/crd-files.ts';
import { OpenApiV3 } from './openapi-v3.ts';

const definitions = [...builtinDefinitions, definitionOf(readCrd('deploytasks')), definitionOf(readCrd('agents'))];
const openapi = new OpenApiV3(definitions);

interface Document {
  paths: Record<string, { patch?: { parameters: { name: string }[]; 'x-kubernetes-group-version-kind': object } }>;
  components: { schemas: Record<string, { properties?: Record<string, unknown> }> };
}
const documentOf = (path: string): Document => JSON.parse(openapi.document(path)?.body ?? 'null') as Document;

describe('OpenAPI v3', () => {
  it('lists each version with the hash of its document', () => {
    const { paths } = JSON.parse(openapi.index) as { paths: Record<string, { serverRelativeURL: string }> };
    expect(Object.keys(paths)).toContain('api/v1');
    const hash = openapi.document('apis/tiangong.io/v1alpha1')?.etag ?? '';
    expect(paths['apis/tiangong.io/v1alpha1']?.serverRelativeURL).toBe(
      `/openapi/v3/apis/tiangong.io/v1alpha1?hash=${hash}`,
    );
    expect(openapi.document('apis/nope/v1')).toBeUndefined();
  });

  it('says that patches understand dryRun and fieldValidation, which kubectl asks before it sends them', () => {
    const { paths } = documentOf('apis/tiangong.io/v1alpha1');
    const { patch } = paths['/apis/tiangong.io/v1alpha1/namespaces/{namespace}/deploytasks/{name}'] ?? {};
    expect(patch?.['x-kubernetes-group-version-kind']).toEqual({
      group: 'tiangong.io',
      version: 'v1alpha1',
      kind: 'DeployTask',
    });
    expect(patch?.parameters.map(({ name }) => name)).toEqual(['dryRun', 'fieldManager', 'fieldValidation']);
  });

  it('refers to no schema that is not there, and shows nothing of our own decoder', () => {
    for (const path of ['api/v1', 'apis/tiangong.io/v1alpha1', 'apis/authorization.k8s.io/v1']) {
      const body = openapi.document(path)?.body ?? '';
      const names = new Set(Object.keys(documentOf(path).components.schemas));
      for (const [, name] of body.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) expect(names).toContain(name);
      expect(body).not.toContain('x-go-type');
    }
  });

  it('has every field of the CRD', () => {
    const { schemas } = documentOf('apis/tiangong.io/v1alpha1').components;
    const spec = schemas['io.tiangong.v1alpha1.DeployTask']?.properties?.['spec'] as { properties: object };
    expect(Object.keys(spec.properties)).toContain('startDeadlineSeconds');
  });
});
