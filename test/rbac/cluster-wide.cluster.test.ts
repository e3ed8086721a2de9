import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { KubeClient } from '../../kube/client.ts';
import { deployTasks } from '../../kube/resource.ts';
import { hasHelm } from '../chart/helm-binaries.ts';
import { startCluster } from '../kubernetes/cluster.ts';
import type { Cluster } from '../kubernetes/cluster.ts';
import { hasCluster } from '../kubernetes/shared.ts';
import { installRelease, userName } from './release.ts';
import type { Release } from './release.ts';
import { mayDo } from './try-right.ts';

const POD = { pod: 'pool-7c9d-x2x4z', node: 'node-1' };

describe.skipIf(!hasCluster() || !hasHelm())('a release that looks after all namespaces', () => {
  let cluster: Cluster;
  let release: Release;

  beforeAll(async () => {
    cluster = await startCluster({ controllerManager: ['validatingadmissionpolicy-status-controller'] });
    release = await installRelease(cluster, 'home', { scope: { clusterWide: true } });
  });
  afterAll(() => cluster?.stop());

  it('has its programs work in each, and itself alone at home', async () => {
    const operator = await release.connect('home', 'tiangong-operator');
    const may = (verb: string, group: string, resource: string, namespace: string): Promise<boolean> =>
      mayDo(operator, { verb, group, resource, namespace });
    expect(await may('patch', 'tiangong.io', 'deploytasks/status', release.foreign)).toBe(true);
    expect(await may('list', 'tiangong.io', 'agents', 'home')).toBe(true);
    expect(await may('list', 'tiangong.io', 'agents', release.foreign)).toBe(false);
    expect(await may('get', '', 'secrets', release.foreign)).toBe(false);
    await operator.close();
  });

  it('has policies whose expressions fit the kinds that they are about', async () => {
    interface Policy {
      readonly metadata: { readonly generation: number };
      readonly status?: { readonly observedGeneration?: number; readonly typeChecking?: object };
    }
    const path = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies';
    const read = async (): Promise<Policy[]> =>
      (await release.admin.raw<{ items: Policy[] }>({ method: 'GET', path })).items;
    const checked = await vi.waitFor(async () => {
      const items = await read();
      expect(items.length).toBeGreaterThan(5);
      for (const { metadata, status } of items) expect(status?.observedGeneration).toBe(metadata.generation);
      return items;
    });
    expect(checked.map(({ status }) => status?.typeChecking ?? {})).toEqual(checked.map(() => ({})));
  });

  it('has its policies hold in each', async () => {
    const namespace = release.foreign;
    const spec = { agent: 'a', type: 'shell' as const, command: 'x' };
    const editor = await release.person('jo', { [namespace]: 'tiangong.home.edit' });
    const { metadata } = await editor.create(deployTasks, namespace, { metadata: { generateName: 'task-' }, spec });
    expect(metadata).toMatchObject({ annotations: { 'tiangong.io/created-by': userName('jo') } });
    const write = (as: KubeClient, status: object): Promise<unknown> =>
      as.patch(deployTasks, namespace, metadata.name, { status }, { subresource: 'status' });
    await expect(write(release.admin, { state: 'Failed' })).rejects.toThrow('may only settle');
    const assignment = { agent: POD.pod, instance: 'i', epoch: 1 };
    await write(await release.component('operator'), { state: 'Assigned', assignment });
    const other = await release.podAgent({ pod: 'pool-7c9d-other', node: 'node-1' });
    await expect(write(other, { state: 'Running' })).rejects.toThrow('not assigned');
    await expect(write(await release.podAgent(POD), { state: 'Running' })).resolves.toBeDefined();
  });
});
