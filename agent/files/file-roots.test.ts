import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { FileRoots, lookAt } from './file-roots.ts';

function makeRoots(roots?: (base: string) => string[]): { base: string; files: FileRoots } {
  const base = temporaryFolder();
  for (const folder of ['state/work', 'state/journal', 'open', 'openly', 'closed'])
    mkdirSync(join(base, folder), { recursive: true });
  for (const name of ['state/work/a', 'state/journal/a', 'open/a', 'openly/a', 'closed/a'])
    writeFileSync(join(base, name), 'x');
  symlinkSync(join(base, 'closed'), join(base, 'open/link'));
  symlinkSync(join(base, 'open'), join(base, 'closed/back'));
  const options = { workFolder: join(base, 'state/work'), stateFolder: join(base, 'state') };
  return { base, files: new FileRoots({ ...options, roots: roots?.(base) }) };
}

describe('FileRoots', () => {
  it('takes any file where nothing is set, below the work folder when the path is relative', async () => {
    const { base, files } = makeRoots();
    expect(await files.readable(join(base, 'closed/a'))).toMatchObject({ path: join(base, 'closed/a'), bytes: 1 });
    expect((await files.readable('a')).path).toBe(join(base, 'state/work/a'));
    expect(await files.writable('new/folder/b')).toBe(join(base, 'state/work/new/folder/b'));
    expect(await files.writable(join(base, 'nowhere/b'))).toBe(join(base, 'nowhere/b'));
  });

  it("keeps tasks out of the agent's own records and of what the kernel shows", async () => {
    const { base, files } = makeRoots();
    for (const path of [join(base, 'state/journal/a'), '../journal/a', '/proc/self/environ', '/sys/kernel/notes'])
      await expect(files.readable(path), path).rejects.toMatchObject({ reason: 'FileDenied' });
    for (const path of ['../x', join(base, 'state/new'), '/dev/shm/x', '/proc/self/mem', '/run/secrets/x'])
      await expect(files.writable(path), path).rejects.toMatchObject({ reason: 'FileDenied' });
  });

  it('keeps tasks in the folders that are set, whatever links and dots lead out', async () => {
    const { base, files } = makeRoots((folder) => [join(folder, 'open')]);
    const inside = [join(base, 'open/a'), 'a', join(base, 'closed/back/a'), join(base, 'closed/../open/a')];
    for (const path of inside) await expect(files.readable(path), path).resolves.toBeDefined();
    const outside = ['closed/a', 'openly/a', 'open/link/a', 'open/../closed/a'].map((path) => join(base, path));
    for (const path of [...outside, '../../closed/a', '/etc/passwd']) {
      await expect(files.readable(path), path).rejects.toMatchObject({ reason: 'FileDenied' });
      await expect(files.writable(path), path).rejects.toMatchObject({ reason: 'FileDenied' });
    }
    expect(await files.writable(join(base, 'open/deep/er/b'))).toBe(join(base, 'open/deep/er/b'));
    await expect(files.writable(join(base, 'open/link/deep/b'))).rejects.toMatchObject({ reason: 'FileDenied' });
  });

  it("keeps tasks out of the files of the agent's passwords, whichever way they name them", async () => {
    const { base } = makeRoots();
    const files = new FileRoots({
      workFolder: join(base, 'state/work'),
      stateFolder: join(base, 'state'),
      closed: [join(base, 'open/link/a'), join(base, 'openly')],
    });
    for (const path of ['closed/a', 'open/link/a', 'open/../closed/a', 'openly/a', 'openly/new'])
      await expect(
        files.readable(join(base, path)).catch((err: unknown) => err),
        path,
      ).resolves.toMatchObject({
        reason: path === 'openly/new' ? 'FileNotFound' : 'FileDenied',
      });
    await expect(files.writable(join(base, 'openly/new'))).rejects.toMatchObject({ reason: 'FileDenied' });
    await expect(files.readable(join(base, 'open/a'))).resolves.toBeDefined();
  });

  it('says of folders and files alike whether they may be used', async () => {
    const { base, files } = makeRoots((folder) => [join(folder, 'open')]);
    const allowed = async (...paths: string[]): Promise<boolean[]> =>
      Promise.all(paths.map((path) => files.allows(path.startsWith('/') ? path : join(base, path))));
    expect(await allowed('open', 'open/a', 'open/new/er', 'closed/back')).toEqual([true, true, true, true]);
    expect(await allowed('closed', 'open/link', 'open/..', 'state/journal', '/proc', '')).toEqual(Array(6).fill(false));
  });

  it('keeps a relative path below the work folder, also where any place may be named', async () => {
    const { base, files } = makeRoots();
    await expect(files.writable('../../closed/b')).rejects.toThrow("leaves the agent's work folder");
    await expect(files.readable('../../closed/a')).rejects.toMatchObject({ reason: 'FileDenied' });
    expect(await files.writable('deep/../b')).toBe(join(base, 'state/work/b'));
  });

  it('says what is wrong with a path', async () => {
    const { base, files } = makeRoots();
    await expect(files.readable(join(base, 'none'))).rejects.toThrow(`file not found: ${join(base, 'none')}`);
    await expect(files.readable(join(base, 'open'))).rejects.toThrow('is not a regular file');
    await expect(files.readable('a\0b')).rejects.toThrow('may not be empty or hold NUL');
    await expect(files.readable('')).rejects.toThrow('may not be empty or hold NUL');
    await expect(lookAt(join(base, 'open/link'))).rejects.toMatchObject({ reason: 'FileInvalid' });
  });
});
