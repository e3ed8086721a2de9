import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { execute } from '../../conformance/executor.ts';
import type { Execution } from '../../conformance/executor.ts';
import { FileRoots } from '../../files/file-roots.ts';
import { FileUnavailable } from '../../files/file-unavailable.ts';
import type { TaskFile } from '../../files/task-file.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { TaskAborted } from '../executor.ts';
import { FileExecutor } from './file-executor.ts';

class Host {
  readonly base = temporaryFolder();
  readonly work = join(this.base, 'state/work');
  readonly bytes = randomBytes(3_000_000);
  readonly file: TaskFile & { released: number };
  readonly executor: FileExecutor;

  constructor(roots?: (base: string) => string[]) {
    mkdirSync(this.work, { recursive: true });
    const path = join(this.base, 'cached');
    writeFileSync(path, this.bytes, { mode: 0o400 });
    const file = { id: 'file-1', path, name: 'a.sql', bytes: this.bytes.length, released: 0 };
    this.file = Object.assign(file, { release: () => void (file.released += 1) });
    const options = { workFolder: this.work, stateFolder: join(this.base, 'state'), roots: roots?.(this.base) };
    this.executor = new FileExecutor({ roots: new FileRoots(options), workFolder: this.work });
  }

  run(params: Record<string, unknown> = {}): Promise<Execution> {
    return execute(this.executor, { params, file: this.file });
  }
}

describe('FileExecutor', () => {
  it('puts a file below the work folder, by its id, where tasks look for it', async () => {
    const host = new Host();
    const path = join(host.work, 'tmp/file-1');
    const { outcome, result, log } = await host.run({ operation: 'distribute' });
    expect(outcome).toEqual({ state: 'Succeeded', message: `File copied to ${path}` });
    expect(result.toString()).toBe(`File copied to ${path}`);
    expect(log).toEqual([{ level: 'info', message: `File copied to ${path}` }]);
    expect(readFileSync(path).equals(host.bytes)).toBe(true);
    expect(readdirSync(join(host.work, 'tmp'))).toEqual(['file-1']);
    expect(host.file.released).toBe(1);
  });

  it.each([
    ['new/folders/b.sql', 'state/work/new/folders/b.sql'],
    ['folder/', 'state/work/folder/a.sql'],
    ['tmp', 'state/work/tmp/a.sql'],
  ])('puts it at %s', async (target, path) => {
    const host = new Host();
    mkdirSync(join(host.work, 'tmp'));
    const { outcome } = await host.run({ target_path: target });
    expect(outcome).toMatchObject({ message: `File copied to ${join(host.base, path)}` });
    expect(readFileSync(join(host.base, path)).equals(host.bytes)).toBe(true);
  });

  it('replaces a file as a whole, keeps its permissions, and does not write through a link', async () => {
    const host = new Host();
    const [target, other] = [join(host.base, 'place/b.sh'), join(host.base, 'other')];
    mkdirSync(join(host.base, 'place'));
    writeFileSync(target, 'old');
    chmodSync(target, 0o751);
    const before = statSync(target).ino;
    expect((await host.run({ target_path: target })).outcome.state).toBe('Succeeded');
    expect(readFileSync(target).equals(host.bytes)).toBe(true);
    expect([statSync(target).mode & 0o777, statSync(target).ino === before]).toEqual([0o751, false]);
    expect(statSync(target).nlink).toBe(1);
    writeFileSync(other, 'precious');
    symlinkSync(other, join(host.base, 'place/link'));
    await host.run({ target_path: join(host.base, 'place/link') });
    expect(readFileSync(other, 'utf8')).toBe('precious');
    expect(readdirSync(join(host.base, 'place')).sort()).toEqual(['b.sh', 'link']);
  });

  it('writes only where the agent lets tasks write', async () => {
    const host = new Host((base) => [join(base, 'open')]);
    mkdirSync(join(host.base, 'closed'));
    mkdirSync(join(host.base, 'open'));
    symlinkSync(join(host.base, 'closed'), join(host.base, 'open/link'));
    const inside = await host.run({ target_path: join(host.base, 'open/deep/b') });
    expect(inside.outcome.state).toBe('Succeeded');
    for (const path of ['closed/b', 'open/../closed/b', 'open/link/b', 'openly/b', 'state/journal/b', 'state/x/'])
      expect((await host.run({ target_path: join(host.base, path) })).outcome, path).toMatchObject({
        reason: 'FileDenied',
      });
    expect((await host.run({ target_path: '../../closed/b' })).outcome).toMatchObject({ reason: 'FileDenied' });
    expect(readdirSync(join(host.base, 'closed'))).toEqual([]);
  });

  it('refuses parameters that cannot be', async () => {
    const host = new Host();
    for (const params of [{ operation: 'delete' }, { operation: 1 }, { target_path: 1 }, { target_path: 'a\0b' }])
      expect((await host.run(params)).outcome, JSON.stringify(params)).toMatchObject({ reason: 'InvalidParams' });
    const { outcome } = await execute(host.executor, {});
    expect(outcome).toEqual({ state: 'Failed', reason: 'InvalidParams', message: 'file_id is required' });
  });

  it('fails as the file or the place does', async () => {
    const host = new Host();
    const file = new FileUnavailable('FileNotFound', 'file not found for fileID: x');
    expect((await execute(host.executor, { file })).outcome).toEqual({
      state: 'Failed',
      reason: 'FileNotFound',
      message: 'file not found for fileID: x',
    });
    writeFileSync(join(host.work, 'plain'), '');
    const { outcome } = await host.run({ target_path: 'plain/below' });
    expect(outcome).toMatchObject({ state: 'Failed', message: expect.stringContaining('plain') as string });
    expect(host.file.released).toBe(1);
  });

  it('leaves nothing behind when it is stopped, before or in the middle', async () => {
    const host = new Host();
    const before = AbortSignal.abort(new TaskAborted('User', 'enough'));
    expect((await execute(host.executor, { file: host.file, signal: before })).outcome.state).toBe('Failed');
    // Sparse: it takes no room here, but its copy would.
    chmodSync(host.file.path, 0o600);
    truncateSync(host.file.path, 4 * 1024 ** 3);
    const controller = new AbortController();
    const execution = execute(host.executor, { file: { ...host.file, bytes: 1 }, signal: controller.signal });
    const copying = (): string[] =>
      readdirSync(host.work, { recursive: true })
        .map(String)
        .filter((name) => name.endsWith('.part'));
    await expect.poll(copying).toHaveLength(1);
    controller.abort(new TaskAborted('User', 'enough'));
    expect((await execution).outcome.state).toBe('Failed');
    expect(readdirSync(join(host.work, 'tmp'))).toEqual([]);
  });
});
