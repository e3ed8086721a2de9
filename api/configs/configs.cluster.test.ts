import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { secrets, syncSources } from '../../kube/resource.ts';
import type { Secret } from '../../kube/resource.ts';
import type { SyncSource } from '../../kube/types/syncsource.ts';
import { temporaryStore } from '../../store/sqlite/temporary-store.ts';
import type { SqliteStore } from '../../store/sqlite/sqlite-store.ts';
import { hasCluster, sharedCluster } from '../../test/kubernetes/shared.ts';
import type { SharedCluster } from '../../test/kubernetes/shared.ts';
import { Configs } from './configs.ts';
import { hasFields } from './discovered-fields.ts';

const LATER = (): Date => new Date(Date.now() + 11 * 60_000);

describe.skipIf(!hasCluster())('what a crash leaves of configurations', () => {
  let cluster: SharedCluster;
  let store: SqliteStore & AsyncDisposable;
  let configs: Configs;

  beforeEach(async () => {
    cluster = await sharedCluster();
    store = await temporaryStore();
    configs = new Configs(cluster.client, store.blobs, { namespace: cluster.namespace, onError: () => undefined });
  });
  afterEach(() => store[Symbol.asyncDispose]());

  const create = (name: string, secret_ref?: string): Promise<SyncSource> =>
    cluster.client.create(syncSources, cluster.namespace, {
      metadata: { name },
      spec: { driver: 'fs', uri: '/x', ...(secret_ref !== undefined && { secret_ref }) },
    });
  const list = async (): Promise<Secret[]> => (await cluster.client.list(secrets, cluster.namespace)).items;
  const names = async (): Promise<string[]> => (await list()).map(({ metadata }) => metadata.name);

  it('is a Secret that its configuration names, which is given to it', async () => {
    const ref = await configs.secrets.create('source', 's1', { user: 'u' });
    const { metadata } = await create('s1', ref);
    await configs.settleSecrets(new Date());
    expect((await list())[0]?.metadata.ownerReferences).toMatchObject([{ kind: 'SyncSource', uid: metadata.uid }]);
    await configs.settleSecrets(LATER());
    expect(await names()).toEqual([ref]);
  });

  it('is a Secret that nothing names, which is removed, though not at once', async () => {
    const [never, replaced, otherName] = [
      await configs.secrets.create('source', 'never', { user: 'u' }),
      await configs.secrets.create('source', 's1', { user: 'u' }),
      await configs.secrets.create('source', 's1', { user: 'u' }),
    ];
    await create('s1', 'another');
    // It is for another one: being named by this one does not give it away.
    await create('thief', otherName);
    await cluster.client.create(secrets, cluster.namespace, {
      metadata: { name: 'another' },
      type: 'tiangong.io/credential',
    });
    await configs.settleSecrets(new Date());
    expect((await names()).sort()).toEqual(['another', never, replaced, otherName].sort());
    await configs.settleSecrets(LATER());
    expect(await names()).toEqual(['another']);
  });

  it('is no other login of the same name', async () => {
    const ref = await configs.secrets.create('source', 's1', { user: 'u', passwd: 'of-the-first' });
    const first = await create('s1', ref);
    await configs.secrets.adopt('SyncSource', first, ref);
    expect(await configs.secrets.read(first)).toEqual({ user: 'u', passwd: 'of-the-first' });
    // As `kubectl delete --cascade=orphan` leaves it.
    await cluster.client.patch(secrets, cluster.namespace, ref, { metadata: { ownerReferences: null } });
    await cluster.client.delete(syncSources, cluster.namespace, 's1');
    const second = await create('s1', ref);
    expect(await configs.secrets.read(second)).toBeUndefined();
    await configs.settleSecrets(LATER());
    expect(await names()).toEqual([]);
  });

  it('is the fields of a source, of which each source shows its own alone', async () => {
    const [mine, other] = [await create('mine'), await create('other')];
    const fields = { properties: { a: { type: 'string' } } };
    const saved = await configs.fields.save(mine, fields);
    expect(saved.status?.discovered).toMatchObject({
      fields: 1,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
    expect(await configs.fields.read(saved)).toEqual(fields);
    const status = { discovered: saved.status?.discovered };
    const thief = await cluster.client.patch(
      syncSources,
      cluster.namespace,
      other.metadata.name,
      { status },
      { subresource: 'status' },
    );
    // Those of its driver.
    expect(Object.keys((await configs.fields.read(thief))?.properties ?? {})).toContain('file_path');
    const again = await configs.fields.save(saved, { properties: {} });
    expect(await store.blobs.stat(saved.status?.discovered?.ref ?? '')).toBeUndefined();
    expect(await configs.fields.read(again)).toEqual({ properties: {} });
  });

  it('is the fields of a source that is another one by now, which are not shown', async () => {
    const asked = await create('changed');
    const moved = await cluster.client.patch(syncSources, cluster.namespace, 'changed', {
      spec: { driver: 'mysql', uri: 'elsewhere:3306' },
    });
    // The answer came after the change.
    const saved = await configs.fields.save(asked, { properties: { a: {} } });
    expect(saved.status?.discovered?.fields).toBe(1);
    expect(await configs.fields.read(saved)).toBeUndefined();
    expect(hasFields(saved)).toBe(false);
    const anew = await configs.fields.save(moved, { properties: { b: {} } });
    expect(await configs.fields.read(anew)).toEqual({ properties: { b: {} } });
    expect(hasFields(anew)).toBe(true);
  });
});
