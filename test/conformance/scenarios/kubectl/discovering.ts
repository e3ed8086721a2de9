import { expect } from 'vitest';
import type { Scenario } from '../../describe-conformance.ts';
import { Kubectl } from '../../kubectl.ts';

export const kubectlDiscovering: Record<string, Scenario> = {
  'explain reads the schema': async (api) => {
    const kubectl = new Kubectl(api);
    const text = await kubectl.print('explain dt', { differences: ['builtinExplanations'] });
    expect(text).toContain('GROUP:      tiangong.io\nKIND:       DeployTask\nVERSION:    v1alpha1');
    await kubectl.print('explain dt --recursive', { differences: ['builtinExplanations'] });
    await kubectl.print('explain ag --api-version=tiangong.io/v1alpha1', { differences: ['builtinExplanations'] });
    for (const line of ['dt.spec', 'dt.spec.params.target', 'dt.status.conditions.type', 'agents.spec.tags']) {
      await kubectl.print(`explain ${line}`);
    }
    expect((await kubectl.run('explain dt.spec.nope')).code).toBe(1);
    expect((await kubectl.run('explain nope')).code).toBe(1);
  },
  'explain knows the built-in kinds': async (api) => {
    const kubectl = new Kubectl(api);
    for (const line of [
      'explain configmap',
      'explain secret --recursive',
      'explain lease.spec',
      'explain namespace.status',
      'explain configmap.metadata.ownerReferences',
    ]) {
      await kubectl.print(line, { differences: ['builtinExplanations'] });
    }
  },
  'api-resources and api-versions list what is served': async (api) => {
    const kubectl = new Kubectl(api);
    const table = await kubectl.print('api-resources --api-group=tiangong.io -o wide');
    expect(table).toContain('deploytasks');
    await kubectl.print('api-resources --api-group=coordination.k8s.io');
    await kubectl.print('api-resources --categories=tiangong -o name');
    await kubectl.print('api-resources --namespaced=false --api-group=apiextensions.k8s.io -o wide');
    const all = await kubectl.print('api-resources --no-headers', { differences: ['servedLines'] });
    expect(all).toMatch(/^configmaps +cm +v1 +true +ConfigMap/m);
    const versions = await kubectl.print('api-versions', { differences: ['servedLines'] });
    expect(versions).toContain('tiangong.io/v1alpha1\n');
  },
  'version asks the server': async (api) => {
    const kubectl = new Kubectl(api);
    const text = await kubectl.print('version', { differences: ['buildLine'] });
    expect(text).toMatch(/Server Version: v1\.36\./);
  },
  'auth says who the caller is and what it may do': async (api) => {
    const kubectl = new Kubectl(api);
    expect(await kubectl.print('auth can-i create deploytasks')).toBe('yes\n');
    await kubectl.print('auth can-i delete dt/one --subresource=status');
    await kubectl.print('auth can-i get /version');
    const who = await kubectl.print('auth whoami', { differences: ['userLines'] });
    expect(who).toMatch(/Username +tiangong:admin/);
    expect(who).toContain('system:masters');
  },
  'says what is wrong with the credentials': async (api) => {
    const kubectl = new Kubectl(api);
    const answer = await kubectl.run('get dt --token=wrong');
    expect(answer).toMatchObject({ code: 1 });
    expect(answer.stderr).toContain('must be logged in');
  },
};
