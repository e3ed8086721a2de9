import { mkdir, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deployTasks, secrets, syncSources } from '../kube/resource.ts';
import type { Secret } from '../kube/resource.ts';
import { partsOf } from '../store/conformance/parts-of.ts';
import { ROLLBACK_FILE_TYPE } from '../store/files.ts';
import type { FileRecord } from '../store/files.ts';
import { temporaryStore } from '../store/sqlite/temporary-store.ts';
import type { SqliteStore } from '../store/sqlite/sqlite-store.ts';
import { hasCluster, sharedCluster } from '../test/kubernetes/shared.ts';
import type { SharedCluster } from '../test/kubernetes/shared.ts';
import { Cleanup } from './cleanup.ts';
import { Configs } from './configs/configs.ts';
import { FileUses } from './files/file-uses.ts';
import { defaultSettings } from './settings.ts';
import { TaskReader } from './tasks/task-reader.ts';
import type { TaskName } from './tasks/task-id.ts';
import { TaskSecrets } from './tasks/task-secrets.ts';

const MINUTES_AGO_11 = (): string => new Date(Date.now() - 11 * 60_000).toISOString();

describe.skipIf(!hasCluster())('Cleanup', () => {
  let cluster: SharedCluster;
  let store: SqliteStore & AsyncDisposable;
  let reader: TaskReader;
  let stop: AbortController;
  let running: Promise<unknown>;

  let configs: Configs;

  beforeEach(async () => {
    cluster = await sharedCluster();
    store = await temporaryStore();
    configs = new Configs(cluster.client, store.blobs, { namespace: cluster.namespace, onError: () => undefined });
    reader = new TaskReader(cluster.client, { cacheBytes: 1e6, onError: () => undefined });
    stop = new AbortController();
    running = Promise.all([reader.run(stop.signal), configs.run(stop.signal)]);
  });
  afterEach(async () => {
    stop.abort();
    await running;
    await store[Symbol.asyncDispose]();
  });

  function cleanup(cleanupGraceMs: number, cleanupIntervalMs = defaultSettings.cleanupIntervalMs): Cleanup {
    const settings = { ...defaultSettings, cleanupGraceMs, cleanupIntervalMs };
    const logger = pino({ level: 'silent' });
    return new Cleanup({
      reader,
      secrets: new TaskSecrets(cluster.client, cluster.namespace),
      configs,
      store,
      uses: new FileUses(store.files, reader, cluster.namespace),
      settings,
      logger,
    });
  }

  async function createTask(name: string): Promise<string> {
    const spec = { agent: 'a1', type: 'shell' as const, command: 'x' };
    const { metadata } = await cluster.client.create(deployTasks, cluster.namespace, { metadata: { name }, spec });
    return metadata.uid ?? '';
  }

  /** Until the reader knows every task as it is: it may have listed them before the test made its own. */
  async function untilAllAreKnown(): Promise<void> {
    await expect.poll(() => reader.hasSynced).toBe(true);
    const { items } = await cluster.client.list(deployTasks, cluster.namespace);
    for (const { metadata } of items) {
      const known = (): string | undefined =>
        reader.peek({ namespace: cluster.namespace, name: metadata.name })?.metadata.resourceVersion;
      await expect.poll(known).toBe(metadata.resourceVersion);
    }
  }

  const fill = async (uid: string): Promise<void> => {
    await store.streams.append({ uid, epoch: 1, name: 'result' }, 0, { bytes: Buffer.from('x'), final: true });
  };
  const uids = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const { uid } of store.streams.tasks()) found.push(uid);
    return found.sort();
  };

  it('removes what tasks left in the store that are no more', async () => {
    const uid = await createTask('kept');
    await fill(uid);
    await fill('gone');
    const kept = { namespace: cluster.namespace, name: 'kept' };
    await store.blobs.put('b1', `${kept.namespace}/${kept.name}`, Buffer.from('x'));
    await store.blobs.put('b2', `${kept.namespace}/gone`, Buffer.from('x'));
    await untilAllAreKnown();
    await cleanup(0).runOnce();
    expect(await uids()).toEqual([uid]);
    expect(await store.blobs.stat('b1')).toBeDefined();
    expect(await store.blobs.stat('b2')).toBeUndefined();
  });

  it('removes the fields of sources that are no more, or that have others', async () => {
    const { client, namespace } = cluster;
    const spec = { driver: 'mysql', uri: 'h:1' };
    const source = await client.create(syncSources, namespace, { metadata: { name: 's1' }, spec });
    const { status } = await configs.fields.save(source, { properties: {} });
    await store.blobs.put('fields:gone:1', 'fields:gone', Buffer.from('{}'));
    await store.blobs.put(`fields:${source.metadata.uid ?? ''}:old`, 'fields:x', Buffer.from('{}'));
    await untilAllAreKnown();
    await expect.poll(() => configs.sources.directory.peek('s1')?.status?.discovered).toBeDefined();
    await cleanup(0).runOnce();
    const left: string[] = [];
    for await (const { id } of store.blobs.list()) left.push(id);
    expect(left).toEqual([status?.discovered?.ref]);
  });

  it('leaves files alone, and removes what one left that could not be removed', async () => {
    const add = async (name: string): Promise<FileRecord> =>
      (await (await store.files.receive({ name, contentType: 'text/plain' }, partsOf(name))).commit()).record;
    const [kept, stuck] = [await add('kept'), await add('stuck')];
    // A folder is not removed as a file is.
    await rm(stuck.path);
    await mkdir(stuck.path);
    await store.files.delete(stuck.id);
    expect(await readdir(dirname(kept.path))).toEqual(['kept', 'stuck']);
    await rmdir(stuck.path);
    await writeFile(stuck.path, 'stuck');
    await untilAllAreKnown();
    const end = new AbortController();
    const looping = cleanup(0, 10).run(end.signal);
    await expect.poll(() => readdir(dirname(kept.path))).toEqual(['kept']);
    end.abort();
    await looping;
    expect(await store.files.get(kept.id)).toEqual(kept);
  });

  it('waits until it has been so for the grace', async () => {
    await fill('gone');
    await untilAllAreKnown();
    const patient = cleanup(60_000);
    await patient.runOnce();
    await patient.runOnce();
    expect(await uids()).toEqual(['gone']);
  });

  it('removes nothing before all tasks are known', async () => {
    await fill('gone');
    stop.abort();
    await running;
    const unread = new TaskReader(cluster.client, { cacheBytes: 1e6, onError: () => undefined });
    reader = unread;
    await cleanup(0).runOnce();
    expect(await uids()).toEqual(['gone']);
  });

  it('gives Secrets to their task, and removes those that have had none for ten minutes', async () => {
    const uid = await createTask('kept');
    const make = (name: string, task: string, annotations: Record<string, string> = {}): Promise<Secret> =>
      cluster.client.create(secrets, cluster.namespace, {
        metadata: { name, labels: { 'tiangong.io/task': task }, annotations },
        type: 'tiangong.io/credential',
      });
    await make('of-kept', 'kept');
    await make('young', 'gone');
    await make('old', 'gone', { 'tiangong.io/claimed-at': MINUTES_AGO_11() });
    await untilAllAreKnown();
    await cleanup(0).runOnce();
    const { items } = await cluster.client.list(secrets, cluster.namespace);
    expect(items.map(({ metadata }) => [metadata.name, metadata.ownerReferences?.[0]?.uid])).toEqual([
      ['of-kept', uid],
      ['young', undefined],
    ]);
  });

  it('removes the Secrets of a task that has ended, and no others', async () => {
    const own = async (task: string, uid: string): Promise<void> => {
      const ownerReferences = [{ apiVersion: 'tiangong.io/v1alpha1', kind: 'DeployTask', name: task, uid }];
      await cluster.client.create(secrets, cluster.namespace, {
        metadata: { name: `of-${task}`, labels: { 'tiangong.io/task': task }, ownerReferences },
        type: 'tiangong.io/credential',
      });
    };
    for (const name of ['ended', 'waiting', 'other']) await own(name, await createTask(name));
    await cluster.client.create(secrets, cluster.namespace, {
      metadata: { name: 'a-persons-own' },
      type: 'tiangong.io/credential',
    });
    const status = { state: 'Canceled', observedGeneration: 1 };
    for (const name of ['ended', 'other'])
      await cluster.client.patch(deployTasks, cluster.namespace, name, { status }, { subresource: 'status' });
    await untilAllAreKnown();
    // Its Secret was made for an earlier task of that name.
    const newer = await createTask('newer');
    await own(
      'newer',
      newer.replace(/^./, (first) => (first === '0' ? '1' : '0')),
    );
    await cleanup(0).runOnce();
    const { items } = await cluster.client.list(secrets, cluster.namespace);
    expect(items.map(({ metadata }) => metadata.name)).toEqual(['a-persons-own', 'of-newer', 'of-waiting']);
  });

  it('keeps the Secrets of a task that can be rolled back, and for a day those of one that nobody knows the end of', async () => {
    const rollback = { available: true, exact: true, statements: 1, bytes: 1, text: ';' };
    const completionTime = new Date(Date.now() - 25 * 3600_000).toISOString();
    const ends: Record<string, object> = {
      'cannot-go-back': { state: 'Failed', completionTime, rollback: { ...rollback, available: false } },
      'can-go-back': { state: 'Failed', completionTime, rollback },
      unknown: { state: 'Unknown', completionTime: new Date().toISOString() },
      'long-unknown': { state: 'Unknown', completionTime },
    };
    for (const [name, status] of Object.entries(ends)) {
      const uid = await createTask(name);
      const ownerReferences = [{ apiVersion: 'tiangong.io/v1alpha1', kind: 'DeployTask', name, uid }];
      await cluster.client.create(secrets, cluster.namespace, {
        metadata: { name, labels: { 'tiangong.io/task': name }, ownerReferences },
        type: 'tiangong.io/credential',
      });
      const assigned = { state: 'Assigned', assignment: { agent: 'a1', epoch: 1 } };
      for (const patch of [assigned, status])
        await cluster.client.patch(deployTasks, cluster.namespace, name, { status: patch }, { subresource: 'status' });
    }
    await untilAllAreKnown();
    await cleanup(0).runOnce();
    const { items } = await cluster.client.list(secrets, cluster.namespace);
    expect(items.map(({ metadata }) => metadata.name)).toEqual(['can-go-back', 'unknown']);
  });

  it('removes the files of rollbacks that no task needs, and no file of a user', async () => {
    const add = async (name: string, contentType: string): Promise<string> =>
      (await (await store.files.receive({ name, contentType }, partsOf(name))).commit()).record.id;
    const [used, unused, own] = [
      await add('used.sql', ROLLBACK_FILE_TYPE),
      await add('unused.sql', ROLLBACK_FILE_TYPE),
      await add('own.sql', 'application/sql'),
    ];
    const spec = { agent: 'a1', type: 'mysql' as const, fileId: used };
    await cluster.client.create(deployTasks, cluster.namespace, { metadata: { name: 'rolls-back' }, spec });
    await untilAllAreKnown();
    const left = async (): Promise<string[]> =>
      (await store.files.list({ limit: 9, offset: 0 })).records.map(({ id }) => id).sort();
    await cleanup(60_000).runOnce();
    expect(await left()).toEqual([used, unused, own].sort());
    await cleanup(0).runOnce();
    expect(await left()).toEqual([used, own].sort());
    const status = { state: 'Failed', observedGeneration: 1 };
    await cluster.client.patch(deployTasks, cluster.namespace, 'rolls-back', { status }, { subresource: 'status' });
    await expect
      .poll(async () => {
        await cleanup(0).runOnce();
        return left();
      })
      .toEqual([own]);
  });

  it('gives no Secret to another task of the name, and removes it', async () => {
    const annotations = { 'tiangong.io/task-uid': 'of-another', 'tiangong.io/claimed-at': MINUTES_AGO_11() };
    await cluster.client.create(secrets, cluster.namespace, {
      metadata: { name: 'again', labels: { 'tiangong.io/task': 'again' }, annotations },
      type: 'tiangong.io/credential',
    });
    await createTask('again');
    await untilAllAreKnown();
    await cleanup(0).runOnce();
    const { items } = await cluster.client.list(secrets, cluster.namespace);
    expect(items.map(({ metadata }) => metadata.name)).not.toContain('again');
  });

  it('does not remove a Secret that a repeated create has just taken up again', async () => {
    const claimedAt = MINUTES_AGO_11();
    await cluster.client.create(secrets, cluster.namespace, {
      metadata: {
        name: 't',
        labels: { 'tiangong.io/task': 't' },
        annotations: { 'tiangong.io/claimed-at': claimedAt },
      },
      type: 'tiangong.io/credential',
    });
    const taskSecrets = new TaskSecrets(cluster.client, cluster.namespace);
    // The create comes between the look at the Secret and its removal.
    const find = async (name: TaskName): Promise<undefined> => {
      await taskSecrets.create(name, [{ name: 't', data: { token: 'x' } }]);
    };
    await taskSecrets.settle({ find, known: () => undefined }, new Date());
    expect((await cluster.client.get(secrets, cluster.namespace, 't')).data).toEqual({ token: 'eA==' });
  });
});
