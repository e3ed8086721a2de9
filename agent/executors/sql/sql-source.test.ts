import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { TaskFile } from '../../files/task-file.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import type { ExecutionContext } from '../executor.ts';
import { openSql } from './sql-source.ts';

const context = (given: Partial<ExecutionContext>): ExecutionContext =>
  ({ command: '', params: {}, fileId: undefined, ...given }) as ExecutionContext;

async function read(given: Partial<ExecutionContext>): Promise<string> {
  const source = await openSql(context(given));
  let text = '';
  for await (const piece of source.pieces) text += piece;
  source.release();
  return text;
}

function taskFile(bytes: Buffer | string, name: string): TaskFile & { released: number } {
  const path = join(temporaryFolder(), randomUUID());
  writeFileSync(path, bytes);
  const file = { id: 'file-1', path, name, bytes: bytes.length, released: 0, release: () => void (file.released += 1) };
  return file;
}

describe('openSql', () => {
  it('gives the command, without a byte order mark', async () => {
    expect(await read({ command: '\ufeffSELECT 1' })).toBe('SELECT 1');
  });

  it('gives a long command in pieces', async () => {
    const command = '漢'.repeat(1_000_000);
    expect(await read({ command })).toBe(command);
  });

  it.each([
    ['a.sql', (sql: string) => sql],
    ['a.sql.gz', gzipSync],
  ])('prefers the file %s to the command and releases it', async (name, pack) => {
    const file = taskFile(pack('SELECT 2'), name);
    expect(await read({ command: 'SELECT 1', fileId: 'file-1', file: () => Promise.resolve(file) })).toBe('SELECT 2');
    expect(file.released).toBe(1);
  });

  it('takes a path of the parameters for a file', async () => {
    const file = taskFile('SELECT 3', 'a.sql');
    expect(await read({ params: { file_path: '/a.sql' }, file: () => Promise.resolve(file) })).toBe('SELECT 3');
  });

  it('refuses a task with neither command nor file', async () => {
    await expect(openSql(context({ command: ' \n' }))).rejects.toMatchObject({
      reason: 'InvalidParams',
      message: 'SQL command is empty (provide command or file_id)',
    });
  });

  it('says why a file cannot be had', async () => {
    const file = (): Promise<TaskFile> => Promise.reject(new Error('no API'));
    await expect(openSql(context({ fileId: 'file-1', file }))).rejects.toMatchObject({
      name: 'SqlSourceError',
      reason: 'FileUnavailable',
      message: 'the file cannot be used: no API',
    });
  });

  it('says that a file is damaged when it is read', async () => {
    const file = taskFile(gzipSync('SELECT 1'.repeat(1000)).subarray(0, 30), 'a.sql.gz');
    onTestFinished(() => expect(file.released).toBe(1));
    const source = await openSql(context({ fileId: 'file-1', file: () => Promise.resolve(file) }));
    const all = async (): Promise<void> => {
      for await (const _ of source.pieces);
    };
    await expect(all()).rejects.toMatchObject({ name: 'SqlSourceError', reason: 'FileInvalid' });
    source.release();
  });
});
