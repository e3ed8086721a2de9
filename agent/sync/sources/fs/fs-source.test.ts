import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { describeSource } from '../../conformance/describe-source.ts';
import type { SourceWorld } from '../../conformance/source-under-test.ts';
import { fsDriver } from './index.ts';

/** A file for each key; its size is its version. */
async function createWorld(): Promise<SourceWorld> {
  const root = mkdtempSync(join(tmpdir(), 'tiangong-files-'));
  const elsewhere = mkdtempSync(join(tmpdir(), 'tiangong-elsewhere-'));
  const pathOf = (key: number): string => join(root, `folder-${key % 3}`, `file-${key}`);
  for (const folder of [0, 1, 2]) await mkdir(join(root, `folder-${folder}`));
  const config = {
    ...{ id: 'files', driver: 'fs', uri: root, credential: undefined, driverParams: {} },
    ...{ maxQueueSize: 1000, maxRetries: 1, retryDelayMs: 10 },
  };
  return {
    driver: fsDriver,
    config,
    // No moment has a size that is no version: a new file comes from elsewhere, an old one grows at once.
    put: async (key, version) => {
      if (existsSync(pathOf(key))) {
        const file = await open(pathOf(key), 'r+');
        await file.truncate(version);
        await file.close();
      } else {
        await writeFile(join(elsewhere, `file-${key}`), 'x'.repeat(version));
        await rename(join(elsewhere, `file-${key}`), pathOf(key));
      }
    },
    remove: (key) => rm(pathOf(key)),
    keyOf: ({ file_path: path }) => Number(/file-(\d+)$/.exec(String(path))?.[1] ?? Number.NaN),
    versionOf: ({ size }) => Number(size),
    coalesces: true,
    indexesRepeat: false,
    losePositions: async ({ stateFolder }) => rmSync(join(stateFolder, 'files.db')),
    actionInput: { uri: root, adminCreds: undefined, credential: undefined, driverParams: {} },
    close: async () => [root, elsewhere].forEach((folder) => rmSync(folder, { recursive: true, force: true })),
  };
}

describeSource('fs', createWorld);
