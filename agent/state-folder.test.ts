import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { StateFolder, StateFolderTaken } from './state-folder.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';

describe('StateFolder', () => {
  it('belongs to one at a time, and tells the next one who had it', async () => {
    const path = temporaryFolder();
    const first = await StateFolder.open(path);
    expect(first.previousInstance).toBeUndefined();
    await first.rememberInstance('one');
    await expect(StateFolder.open(path)).rejects.toThrow(StateFolderTaken);
    first.close();
    const second = await StateFolder.open(path);
    expect(second.previousInstance).toBe('one');
    second.close();
  });

  it("removes what a killed process left in the work folder, but no task's file", async () => {
    const path = temporaryFolder();
    const work = join(path, 'work');
    mkdirSync(work);
    const stale = ['.spawn-0123abcd', '.01234567-89ab-cdef-0123-456789abcdef-1.sh'];
    const copies = '.file-01234567-89ab-cdef-0123-456789abcdef-1';
    mkdirSync(join(work, copies));
    for (const name of [...stale, join(copies, 'a.sql'), 'kept.sh']) writeFileSync(join(work, name), '');
    (await StateFolder.open(path)).close();
    const left = [...stale, copies, 'kept.sh'].map((name) => existsSync(join(work, name)));
    expect(left).toEqual([false, false, false, true]);
  });
});
