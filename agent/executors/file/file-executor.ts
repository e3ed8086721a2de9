import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { copyDurably } from '../../files/copy-file.ts';
import { FileUnavailable } from '../../files/file-unavailable.ts';
import type { FileRoots } from '../../files/file-roots.ts';
import type { TaskFile } from '../../files/task-file.ts';
import { failed } from '../executor.ts';
import type { ExecutionContext, Executor, Outcome } from '../executor.ts';
import { parseFileParams } from './file-params.ts';

export interface FileExecutorOptions {
  /** Which places a task may name. */
  readonly roots: FileRoots;
  /** Files without a place of their own go to `tmp` below it. */
  readonly workFolder: string;
}

const DEFAULT_MODE = 0o644;

/** Puts an uploaded file at a place on the agent's host. */
export class FileExecutor implements Executor {
  readonly type = 'file';
  readonly #options: FileExecutorOptions;

  constructor(options: FileExecutorOptions) {
    this.#options = options;
  }

  async execute(context: ExecutionContext): Promise<Outcome> {
    const params = parseFileParams(context.fileId, context.params);
    if (typeof params === 'string') return failed('InvalidParams', params);
    if (context.signal.aborted) return failed('NotStarted', 'the task was stopped before its work began');
    let file: TaskFile | undefined;
    try {
      file = await context.file();
      const target = await this.#target(params.targetPath, file);
      context.evidence(`the file was being copied to ${target}`);
      await put(file, target, context);
      const message = `File copied to ${target}`;
      void context.output.log('info', message);
      await context.output.write(Buffer.from(message));
      return { state: 'Succeeded', message };
    } catch (err) {
      if (context.signal.aborted) return failed('NotStarted', 'the task was stopped before the file was in its place');
      if (err instanceof FileUnavailable) return failed(err.reason, err.message);
      return failed('FileNotWritten', `the file could not be copied: ${(err as Error).message}`);
    } finally {
      file?.release();
    }
  }

  /** Where the file itself goes. */
  async #target(path: string | undefined, file: TaskFile): Promise<string> {
    const { roots, workFolder } = this.#options;
    if (path === undefined) return roots.writable(join(workFolder, 'tmp', file.id));
    const isFolder = path.endsWith('/') || (await isDirectory(await roots.writable(path)));
    return roots.writable(isFolder ? join(path, file.name) : path);
  }
}

/** Whoever reads the place sees the old file or the new one, whole, also after a crash. */
async function put(file: TaskFile, target: string, { uid, signal }: ExecutionContext): Promise<void> {
  const folder = dirname(target);
  await mkdir(folder, { recursive: true });
  const mode = await stat(target).then(
    (found) => found.mode & 0o777,
    () => DEFAULT_MODE,
  );
  // The same name in each run of the task: what a crash leaves, the next run takes away.
  const fresh = join(folder, `.${uid}.part`);
  await copyDurably(file.path, fresh, { signal, mode, bytes: file.bytes });
  try {
    await rename(fresh, target);
  } catch (err) {
    await rm(fresh, { force: true });
    throw err;
  }
  await using handle = await open(folder);
  await handle.sync();
}

const isDirectory = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
