import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FileBytes } from '../file-bytes.ts';
import type { AuditBounds } from './sqlite-audit.ts';
import { SqliteStore } from './sqlite-store.ts';

/** A store in a folder of its own that goes with it. For tests. */
export async function temporaryStore(
  options: { maxBytes?: number; fileBytes?: FileBytes; audit?: AuditBounds } = {},
): Promise<SqliteStore & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'tiangong-store-'));
  const store = await SqliteStore.open({ folder, maxBytes: 1024 ** 3, ...options });
  return Object.assign(store, {
    async [Symbol.asyncDispose]() {
      await store.close();
      await rm(folder, { recursive: true });
    },
  });
}
