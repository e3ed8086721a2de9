import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeFileBytes } from '../conformance/describe-file-bytes.ts';
import { Capacity } from './capacity.ts';
import { FolderFileBytes } from './folder-file-bytes.ts';

describeFileBytes('FolderFileBytes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tiangong-files-'));
  const bytes = new FolderFileBytes(folder, new Capacity(1024 ** 3, 0, () => Infinity));
  return Object.assign(bytes, { [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) });
});
