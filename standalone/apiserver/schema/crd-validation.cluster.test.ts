import { beforeAll, describe, expect, it } from 'vitest';
import { KubeError } from '../../../kube/kube-error.ts';
import type { KubeObject } from '../../../kube/object.ts';
import { hasCluster, sharedCluster } from '../../../test/kubernetes/shared.ts';
import type { SharedCluster } from '../../../test/kubernetes/shared.ts';
import { customResourceDefinition } from '../builtin/custom-resource-definition.ts';
import { readCrd } from './testing/crd-files.ts';
import { create } from './testing/pipeline.ts';
import { BAD_CRDS } from './testing/crd-cases.ts';

const PATH = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions?dryRun=All';

describe.skipIf(!hasCluster())('CustomResourceDefinitions, beside a real kube-apiserver', () => {
  let cluster: SharedCluster;

  beforeAll(async () => {
    cluster = await sharedCluster();
  });

  async function realCauses(object: KubeObject): Promise<string[]> {
    try {
      await cluster.client.raw({ method: 'POST', path: PATH, body: JSON.stringify(object) });
      return [];
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      return (error.status.details?.causes ?? []).map(({ field = '' }) => field);
    }
  }

  const ourCauses = (object: KubeObject): string[] => {
    const outcome = create(customResourceDefinition, object, '');
    return 'errors' in outcome ? outcome.errors.map(({ field }) => field) : [];
  };

  it.each(BAD_CRDS)('are refused alike: %s', async (_what, crd) => {
    const real = await realCauses(structuredClone(crd));
    expect(real).not.toEqual([]);
    expect(new Set(ourCauses(structuredClone(crd)))).toEqual(new Set(real));
  });

  it.each(['deploytasks', 'agents'] as const)('of the product are accepted: %s', (plural) => {
    expect(ourCauses(readCrd(plural))).toEqual([]);
  });
});
