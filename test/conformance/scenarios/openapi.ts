import { expect } from 'vitest';
import type { Scenario } from '../describe-conformance.ts';

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, unknown>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

interface Index {
  readonly paths: Readonly<Record<string, { readonly serverRelativeURL: string }>>;
}

const OUR_GROUP = 'apis/tiangong.io/v1alpha1';

export const openapi: Record<string, Scenario> = {
  'names one document for each group version, by hash': async (api) => {
    const answer = await api.get('/openapi/v3', { differences: ['servedGroups'] });
    const { paths } = answer.body as unknown as Index;
    expect(paths[OUR_GROUP]?.serverRelativeURL).toMatch(
      /^\/openapi\/v3\/apis\/tiangong\.io\/v1alpha1\?hash=[0-9A-F]+$/,
    );
    expect(Object.keys(paths)).toEqual(expect.arrayContaining(['api/v1', 'apis/coordination.k8s.io/v1']));
  },
  'describes our kinds with every field and its description': async (api) => {
    const answer = await api.get(`/openapi/v3/${OUR_GROUP}`, { recorded: false });
    const document = answer.body as unknown as Document;
    for (const kind of ['DeployTask', 'Agent']) {
      const schema = document.components.schemas[`io.tiangong.v1alpha1.${kind}`];
      expect(schema).toMatchObject({
        'x-kubernetes-group-version-kind': [{ group: 'tiangong.io', kind, version: 'v1alpha1' }],
      });
      api.record({ step: kind, body: schema }, ['metaDescriptions']);
      const list = document.components.schemas[`io.tiangong.v1alpha1.${kind}List`];
      api.record({ step: `${kind}List`, body: list }, ['metaDescriptions']);
    }
    api.record({ step: 'paths', body: Object.keys(document.paths).sort() });
  },
  'says which parameters a patch takes, for kubectl to know that it may validate on the server': async (api) => {
    const answer = await api.get(`/openapi/v3/${OUR_GROUP}`, { recorded: false });
    const { paths } = answer.body as unknown as Document;
    const path = paths['/apis/tiangong.io/v1alpha1/namespaces/{namespace}/deploytasks/{name}'] as {
      readonly patch: { readonly parameters: readonly { readonly name: string }[] };
    };
    const names = path.patch.parameters.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['dryRun', 'fieldManager', 'fieldValidation']));
    api.record({ step: 'operations', body: Object.keys(path).sort() });
    api.record({ step: 'patch', body: path.patch }, ['openapiOperations']);
  },
};
