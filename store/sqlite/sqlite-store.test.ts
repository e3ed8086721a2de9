import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat, symlink, mkdir, appendFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeAudit } from '../conformance/describe-audit.ts';
import { describeBlobs } from '../conformance/describe-blobs.ts';
import { describeIdempotencyKeys } from '../conformance/describe-idempotency-keys.ts';
import { describeSyncLogs } from '../conformance/describe-sync-logs.ts';
import { describeTaskStreams } from '../conformance/describe-task-streams.ts';
import { SqliteStore } from './sqlite-store.ts';
import { temporaryStore } from './temporary-store.ts';

describeTaskStreams('SqliteStore', temporaryStore);
describeBlobs('SqliteStore', temporaryStore);
describeIdempotencyKeys('SqliteStore', temporaryStore);
describeSyncLogs('SqliteStore', temporaryStore);
describeAudit('SqliteStore', temporaryStore);

describe('SqliteStore', () => {
  let folder: string;
  const open = (maxBytes = 1024 ** 3): Promise<SqliteStore> => SqliteStore.open({ folder, maxBytes });
  const id = { uid: 'uid-1', epoch: 1, name: 'result' } as const;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tiangong-store-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('has everything again after it was closed', async () => {
    const store = await open();
    await store.streams.append(id, 0, { bytes: Buffer.from('kept'), final: true });
    await store.blobs.put('b', 'owner', Buffer.from('blob'));
    const digest = store.idempotencyKeys.digest('body');
    await store.idempotencyKeys.claim('', 'k', digest, 'n');
    await store.close();
    const again = await open();
    expect(await again.streams.state(id)).toMatchObject({ bytes: 4, complete: true });
    expect(await again.blobs.stat('b')).toMatchObject({ bytes: 4 });
    expect(again.usage.usedBytes).toBe(8);
    expect(again.idempotencyKeys.digest('body')).toBe(digest);
    expect(await again.idempotencyKeys.claim('', 'k', digest, 'm')).toMatchObject({ name: 'n', first: false });
    await again.close();
  });

  it('cuts back at open what a crash left behind', async () => {
    const store = await open();
    await store.streams.append(id, 0, { bytes: Buffer.from('kept'), final: false });
    await store.close();
    const file = join(folder, 'streams', 'uid-1', '1.result');
    await appendFile(file, 'torn');
    await mkdir(join(folder, 'streams', 'uid-2'));
    await writeFile(join(folder, 'streams', 'uid-2', '1.log'), 'torn');
    await writeFile(join(folder, 'blobs', 'torn'), 'torn');
    const again = await open();
    expect((await stat(file)).size).toBe(4);
    expect(await readdir(join(folder, 'streams'))).toEqual(['uid-1']);
    expect(await readdir(join(folder, 'blobs'))).toEqual([]);
    await again.close();
  });

  it('says StoreFull when the disk is full, and goes on when there is room again', async () => {
    const store = await open();
    // Every write to /dev/full fails as on a full disk.
    const file = join(folder, 'streams', 'uid-1', '1.result');
    await mkdir(join(folder, 'streams', 'uid-1'));
    await symlink('/dev/full', file);
    const chunk = { bytes: Buffer.from('data'), final: false };
    await expect(store.streams.append(id, 0, chunk)).rejects.toMatchObject({ code: 'StoreFull' });
    expect(await store.streams.state(id)).toMatchObject({ next: 0, bytes: 0 });
    expect(store.usage.usedBytes).toBe(0);
    await rm(file);
    expect(await store.streams.append(id, 0, chunk)).toMatchObject({ next: 1 });
    await store.close();
  });

  it.each([3, 40, 150])(
    'has every acknowledged chunk and not half of another after kill -9 in the middle of appends (%i)',
    async (acknowledgements) => {
      const child = fork(join(import.meta.dirname, 'crash-writer.ts'), [folder], { stdio: 'inherit' });
      const acknowledged = new Map<string, number>();
      const exited = once(child, 'exit');
      let count = 0;
      child.on('message', (message) => {
        const { uid, next } = message as { uid: string; next: number };
        acknowledged.set(uid, next);
        if ((count += 1) === acknowledgements) child.kill('SIGKILL');
      });
      await exited;
      const store = await open();
      let total = 0;
      for (const [uid, next] of acknowledged) {
        const stream = { uid, epoch: 1, name: 'result' } as const;
        const state = await store.streams.state(stream);
        expect(state.next).toBeGreaterThanOrEqual(next);
        total += state.bytes;
        const parts: Uint8Array[] = [];
        for await (const part of store.streams.read(stream)) parts.push(part);
        const expected = Array.from({ length: state.next }, (_, n) => chunkText(uid, n)).join('');
        expect(Buffer.concat(parts).toString() === expected, `${uid} has exactly its chunks`).toBe(true);
        expect((await stat(join(folder, 'streams', uid, '1.result'))).size).toBe(state.bytes);
        const more = { bytes: Buffer.from(chunkText(uid, state.next)), final: true };
        expect(await store.streams.append(stream, state.next, more)).toMatchObject({ complete: true });
      }
      expect(total).toBeGreaterThan(0);
      await store.close();
    },
  );
});

/** The same as in crash-writer.ts: every chunk has a length of its own. */
function chunkText(uid: string, n: number): string {
  return `${uid}:${n};`.repeat(1 + ((n * 7919) % 4096));
}
