import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../testing/temporary-folder.ts';
import { PositionLostError } from '../../source.ts';
import { FileIndex } from './file-index.ts';
import type { FileVersion } from './file-version.ts';

const ROOT = '/watched';
const INO = 42;
const file: FileVersion = { isDir: false, size: 3, mtimeMs: 1_700_000_000_123.456, ctimeMs: 5, ino: 2 ** 60 };
const folder: FileVersion = { ...file, isDir: true };

/** A file that is not there yet. */
const newFile = (): string => join(temporaryFolder(), 'state', 'files.db');
const open = (path: string, position: { index: string; at: number }, root = ROOT, ino = INO): FileIndex =>
  FileIndex.open(path, root, ino, position);

/** What a process leaves that dies. */
function copyOf(path: string): string {
  const copy = newFile();
  mkdirSync(join(copy, '..'));
  for (const suffix of ['', '-wal']) if (existsSync(path + suffix)) copyFileSync(path + suffix, copy + suffix);
  return copy;
}

describe('FileIndex', () => {
  it('keeps what was told, exactly, for the next process', () => {
    const path = newFile();
    const first = FileIndex.create(path, ROOT, INO, 7);
    first.put('a/file', file);
    first.put('a/gone', file);
    first.put('a', folder);
    first.doubt('a/doubtful', false);
    first.put('b', file);
    first.doubt('b', true);
    first.remove('a/gone');
    first.setTold(9);
    first.close();
    const second = open(path, { index: first.id, at: 9 });
    expect([second.id, second.told, second.size]).toEqual([first.id, 9, 4]);
    expect([...second.children('a')]).toEqual([
      ['doubtful', { isDir: false, version: undefined }],
      ['file', { isDir: false, version: file }],
    ]);
    expect(second.get('a')).toEqual({ isDir: true, version: folder });
    expect(second.get('b'), 'was a file and may be a folder').toEqual({ isDir: true, version: undefined });
    expect([...second.childrenBetween('a', 'e', 'z').keys()]).toEqual(['file']);
    expect(second.get('a/gone')).toBeUndefined();
    second.close();
  });

  it('knows the folders that only what is below them is told of', () => {
    const index = FileIndex.create(newFile(), ROOT, INO, -1);
    for (const path of ['a', 'a/b', 'a/b-']) index.put(path, folder);
    for (const path of ['a/b/file', 'a/gone/file', 'a/gone/deep/er/file', 'top', 'top/file']) index.put(path, file);
    expect([...index.strayFolders()]).toEqual(['a/gone', 'a/gone/deep/er', 'top']);
    index.close();
  });

  it('keeps what was committed when its process dies, and no more', () => {
    const path = newFile();
    const index = FileIndex.create(path, ROOT, INO, -1);
    index.put('kept', file);
    index.commit();
    index.put('lost', file);
    const left = open(copyOf(path), { index: index.id, at: -1 });
    expect([left.get('kept')?.version, left.get('lost')]).toEqual([file, undefined]);
    left.close();
    index.close();
  });

  it('is not there for anybody else while it is in use', () => {
    const path = newFile();
    const index = FileIndex.create(path, ROOT, INO, -1);
    const inUse = expect.objectContaining({ reason: 'IndexInUse', retryable: true }) as Error;
    expect(() => open(path, { index: index.id, at: -1 })).toThrow(inUse);
    index.close();
    open(path, { index: index.id, at: -1 }).close();
  });

  it('is of no use to a consumer that is behind it, and of use to one that is not', () => {
    const path = newFile();
    const index = FileIndex.create(path, ROOT, INO, -1);
    index.setTold(100);
    index.setTold(50);
    index.close();
    expect(() => open(path, { index: index.id, at: 99 })).toThrow(PositionLostError);
    for (const at of [100, 101]) open(path, { index: index.id, at }).close();
  });

  it('is lost when it is another, of another folder, or unreadable', () => {
    const path = newFile();
    const index = FileIndex.create(path, ROOT, INO, -1);
    index.close();
    const position = { index: index.id, at: 1 };
    expect(() => open(newFile(), position)).toThrow(PositionLostError);
    expect(() => open(path, { index: 'another', at: 1 })).toThrow(PositionLostError);
    expect(() => open(path, position, '/elsewhere')).toThrow(PositionLostError);
    expect(() => open(path, position, ROOT, 43)).toThrow(PositionLostError);
    open(path, position).close();
    writeFileSync(path, 'no database at all, however long one looks at it'.repeat(100));
    expect(() => open(path, position)).toThrow(PositionLostError);
    FileIndex.create(path, ROOT, INO, -1).close();
  });

  it('is lost when the machine went down while it was in use, for its end was not flushed', () => {
    const path = newFile();
    const index = FileIndex.create(path, ROOT, INO, -1);
    const position = { index: index.id, at: 1 };
    const died = copyOf(path);
    index.close();
    const database = new DatabaseSync(died);
    database.exec(`UPDATE meta SET value = 'an earlier start' WHERE key = 'boot'`);
    database.close();
    expect(() => open(died, position)).toThrow(/started anew/);
    open(path, position).close();
  });
});
