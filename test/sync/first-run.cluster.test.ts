import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { syncTasks } from '../../kube/resource.ts';
import type { SyncTask } from '../../kube/types/synctask.ts';
import { hasCluster } from '../kubernetes/shared.ts';
import { ConsumerProcess } from './consumer-process.ts';
import { UpProcess } from './up-process.ts';

const WITHIN = { timeout: 60_000, interval: 100 };

// For kubectl, which comes with the cluster; the server is the embedded one.
describe.skipIf(!hasCluster())('a directory and a consumer', { timeout: 600_000 }, () => {
  let up: UpProcess;
  let consumer: ConsumerProcess;
  let folder: string;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tiangong-sync-files-'));
    consumer = new ConsumerProcess({ file: join(mkdtempSync(join(tmpdir(), 'tiangong-sink-')), 'sink.log') });
    await consumer.start();
    up = await UpProcess.start();
  });

  afterEach(async (test) => {
    if (test.task.result?.state === 'fail') process.stderr.write(`${up?.agentLog.slice(-8000)}\n`);
    await up?.remove();
    await consumer?.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  const manifests = (): string => `
apiVersion: v1
kind: Secret
metadata: {name: files}
type: tiangong.io/credential
stringData: {user: fs-user}
---
apiVersion: tiangong.io/v1alpha1
kind: SyncTask
metadata: {name: files}
spec: {source: files, pusher: sink, disabled: false, desiredState: Running}
---
apiVersion: tiangong.io/v1alpha1
kind: SyncSource
metadata: {name: files}
spec: {driver: fs, uri: ${folder}, secret_ref: files, disabled: false}
---
apiVersion: tiangong.io/v1alpha1
kind: SyncPusher
metadata: {name: sink}
spec: {driver: openapi, endpoint: "${consumer.addresses.endpoint}", disabled: false, retry_delay_sec: 1}
`;

  const get = (): Promise<SyncTask> => up.client.get(syncTasks, 'default', 'files');

  const statusBecomes = async (status: object): Promise<SyncTask> => {
    await expect.poll(async () => (await get()).status, WITHIN).toMatchObject(status);
    return get();
  };

  /** The files that the consumer knows of, by their paths below the folder. */
  async function known(): Promise<Record<string, unknown>> {
    const { uid = '' } = (await get()).metadata;
    const rows = [...(await consumer.rows(`${uid}:files`)).values()];
    const files = rows.filter((row) => row['is_dir'] !== true);
    return Object.fromEntries(files.map((row) => [String(row['file_path']).slice(folder.length + 1), row['size']]));
  }

  const write = (name: string, bytes: number): void => writeFileSync(join(folder, name), 'x'.repeat(bytes));

  it('are joined by kubectl apply, stay so whoever is killed or stopped, and are parted by kubectl delete', async () => {
    // First a snapshot, then each change.
    write('one', 1);
    mkdirSync(join(folder, 'sub'));
    write('sub/two', 2);
    await up.kubectl(['apply'], manifests());
    await statusBecomes({ state: 'MESSAGE_SYNC', snapshot: { state: 'Succeeded', trigger: 'FirstStart' } });
    await expect.poll(known, WITHIN).toEqual({ one: 1, 'sub/two': 2 });
    write('three', 3);
    rmSync(join(folder, 'one'));
    renameSync(join(folder, 'sub/two'), join(folder, 'moved'));
    await expect.poll(known, WITHIN).toEqual({ three: 3, moved: 2 });
    const listed = await up.kubectl(['get', 'synctasks']);
    expect(listed).toMatch(/files +files +sink +MESSAGE_SYNC +True +local/);

    // The agent is killed: what happened meanwhile comes as messages.
    const { epoch = 0 } = (await get()).status ?? {};
    await up.killAgent();
    write('while-away', 4);
    rmSync(join(folder, 'three'));
    await statusBecomes({ state: 'MESSAGE_SYNC', epoch: epoch + 1 });
    await expect.poll(known, WITHIN).toEqual({ moved: 2, 'while-away': 4 });

    // The consumer and tiangong up are killed.
    await consumer.kill();
    write('unseen', 5);
    await up.end('SIGKILL');
    await up.start();
    await consumer.start();
    await expect.poll(known, WITHIN).toEqual({ moved: 2, 'while-away': 4, unseen: 5 });
    await statusBecomes({ state: 'MESSAGE_SYNC' });

    // tiangong up is stopped and started.
    await up.end('SIGTERM');
    write('overnight', 6);
    await up.start();
    await expect.poll(known, WITHIN).toEqual({ moved: 2, 'while-away': 4, unseen: 5, overnight: 6 });
    const { status } = await statusBecomes({ state: 'MESSAGE_SYNC', snapshot: { trigger: 'FirstStart' } });
    expect(status?.conditions).toContainEqual(expect.objectContaining({ type: 'PositionLost', status: 'False' }));

    // Nothing is left.
    await up.kubectl(['delete', 'syncsource', 'files', '--timeout=60s']);
    expect(await up.kubectl(['get', 'synctasks', '-o', 'name'])).toBe('');
    const { violations } = await consumer.state();
    expect(violations).toEqual([]);
  });
});
