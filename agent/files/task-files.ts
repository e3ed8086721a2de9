import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { backoffMs, sleep } from '../../kube/backoff.ts';
import type { LogLevel } from '../output/log-line.ts';
import { ApiError } from '../tiangong-api.ts';
import type { FileHead, TiangongApi } from '../tiangong-api.ts';
import type { CachedFile, FileCache } from './file-cache.ts';
import { safeFileName } from './file-name.ts';
import { lookAt } from './file-roots.ts';
import type { FileRoots, LocalFile } from './file-roots.ts';
import { FileUnavailable } from './file-unavailable.ts';
import { RETRIES } from './partial-file.ts';
import type { FileSource, Retries } from './partial-file.ts';
import type { TaskFile } from './task-file.ts';

export interface TaskFilesOptions {
  readonly cache: FileCache;
  readonly roots: FileRoots;
  readonly workFolder: string;
  /** Undefined: the agent knows no address of the API. */
  readonly api: Pick<TiangongApi, 'fileHead' | 'file'> | undefined;
  /** The system's unless set. */
  readonly temporaryFolder?: string;
  readonly retries?: Retries;
}

/** Whose file is to be found. */
export interface FileRequest {
  readonly uid: string;
  readonly fileId: string | undefined;
  /** What the file must be, in lower-case hexadecimal digits; undefined: what the API says it is. */
  readonly fileSha256?: string | undefined;
  readonly params: Readonly<Record<string, unknown>>;
  readonly signal: AbortSignal;
  readonly log: (level: LogLevel, message: string) => void;
}

/** What the API says of a file, or why it says nothing. */
type Answer = FileHead | { readonly silent: string; readonly knowsNone: boolean };

/** Ids become names of files, and nothing else: no path, no hidden file. */
const FILE_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const SUFFIXES = ['', '.zip', '.sql', '.sql.gz'];
/** About 3 s: a local file can be had meanwhile. */
const HEAD_TRIES = 5;

/**
 * Finds the files that tasks name: `params.file_path` as it is, then, by the file's id, `tmp/<file id>` below the work
 * folder, the system's temporary folder, the cache, the API. What the API has a digest for must have that digest,
 * wherever it lies; it is used from the cache then, where nobody else can change it between the check and the use. Only
 * when the API has none to give is a local file used as it is, and the task's log says so.
 */
export class TaskFiles {
  readonly #options: TaskFilesOptions;

  constructor(options: TaskFilesOptions) {
    this.#options = options;
  }

  /** Throws `FileUnavailable` or the signal's reason. */
  async find(request: FileRequest): Promise<TaskFile> {
    const { fileId, params, signal } = request;
    const path = params['file_path'] === '' ? undefined : (params['file_path'] ?? undefined);
    if (path !== undefined && typeof path !== 'string')
      throw new FileUnavailable('FileInvalid', 'params.file_path must be a string');
    const isNamed = fileId !== undefined && fileId !== '';
    if (path !== undefined) {
      const file = await this.#named(path, isNamed, request);
      if (file !== undefined) return inPlace(fileId ?? path, file);
    }
    if (!isNamed) throw new FileUnavailable('FileNotFound', 'the task names no file (file_id)');
    if (!FILE_ID.test(fileId)) throw new FileUnavailable('FileInvalid', `${JSON.stringify(fileId)} is no file id`);
    const local = await this.#localFiles(fileId, request);
    const answer = await this.#ask(request);
    signal.throwIfAborted();
    const { fileSha256 } = request;
    if ('silent' in answer)
      return fileSha256 === undefined
        ? this.#unverified(fileId, local, answer, request)
        : this.#byDigest({ id: fileId, sha256: fileSha256 }, local, answer, request);
    if (fileSha256 !== undefined && fileSha256 !== answer.sha256)
      throw new FileUnavailable('FileCorrupt', `file ${fileId} is not the one that the task was made for`);
    const wanted = { id: fileId, sha256: answer.sha256, bytes: answer.bytes, name: safeFileName(answer.name, fileId) };
    const kept = await this.#options.cache.find(wanted, signal);
    if (kept !== undefined) return kept;
    return (await this.#verified(wanted, local, request)) ?? this.#download(wanted, request);
  }

  /** The file at `params.file_path`: the task's author has chosen it, so it need not be the uploaded one. */
  async #named(path: string, isOptional: boolean, { log }: FileRequest): Promise<LocalFile | undefined> {
    try {
      return await this.#options.roots.readable(path);
    } catch (err) {
      if (!isOptional || !(err instanceof FileUnavailable) || err.reason !== 'FileNotFound') throw err;
      log('info', `${err.message} (params.file_path); the uploaded file is used`);
      return undefined;
    }
  }

  /** Regular files at the places where the id's could be; the first counts. */
  async #localFiles(fileId: string, { log }: FileRequest): Promise<LocalFile[]> {
    const found: LocalFile[] = [];
    for (const place of this.#places(fileId)) {
      try {
        found.push(await lookAt(place));
      } catch (err) {
        if (!(err instanceof FileUnavailable)) throw err;
        if (err.reason !== 'FileNotFound') log('warn', `${err.message}; it is not used`);
      }
    }
    return found;
  }

  #places(fileId: string): string[] {
    const folders = [join(this.#options.workFolder, 'tmp'), this.#temporaryFolder];
    return folders.flatMap((folder) => SUFFIXES.map((suffix) => join(folder, fileId + suffix)));
  }

  get #temporaryFolder(): string {
    return this.#options.temporaryFolder ?? tmpdir();
  }

  async #ask({ uid, signal }: FileRequest): Promise<Answer> {
    const { api, retries = RETRIES } = this.#options;
    if (api === undefined) return { silent: 'the agent knows no address of the API', knowsNone: false };
    for (let tries = 1; ; tries += 1) {
      try {
        return await api.fileHead(uid, signal);
      } catch (err) {
        if (isUnknownFile(err)) return { silent: 'the API has no such file', knowsNone: true };
        if (tries >= HEAD_TRIES || signal.aborted)
          return { silent: `the API could not be asked: ${(err as Error).message}`, knowsNone: false };
        await sleep(backoffMs(tries, { ...retries, maxMs: Math.min(retries.maxMs, 2_000) }), signal);
      }
    }
  }

  /** The first local file that is the one wanted, brought into the cache. */
  async #verified(
    wanted: CachedFile,
    local: readonly LocalFile[],
    request: FileRequest,
  ): Promise<TaskFile | undefined> {
    for (const file of local) {
      try {
        if (file.bytes !== wanted.bytes)
          throw new FileUnavailable('FileCorrupt', `it has ${file.bytes} bytes instead of ${wanted.bytes}`);
        return await this.#options.cache.add(wanted, localSource(file), request.signal);
      } catch (err) {
        if (!(err instanceof FileUnavailable) || err.reason !== 'FileCorrupt') throw err;
        const { path } = file;
        request.log('warn', `${path} is not the file ${wanted.id} that was uploaded, and is not used: ${err.message}`);
      }
    }
    return undefined;
  }

  async #download(wanted: CachedFile, { uid, signal, log }: FileRequest): Promise<TaskFile> {
    const { api, cache } = this.#options;
    if (api === undefined) throw new FileUnavailable('FileUnavailable', 'the agent knows no address of the API');
    const source: FileSource = {
      open: (from) =>
        api.file(uid, from, signal).catch((err: unknown) => {
          if (isUnknownFile(err)) throw new FileUnavailable('FileNotFound', `file not found for fileID: ${wanted.id}`);
          throw err;
        }),
    };
    const file = await cache.add(wanted, source, signal);
    log('info', `File ${wanted.name} was fetched (${wanted.bytes} bytes)`);
    return file;
  }

  /** The API says nothing, but the task itself says what the bytes must be. */
  async #byDigest(
    wanted: { id: string; sha256: string },
    local: readonly LocalFile[],
    answer: { silent: string; knowsNone: boolean },
    request: FileRequest,
  ): Promise<TaskFile> {
    const kept = await this.#options.cache.findByDigest(wanted.id, wanted.sha256, request.signal);
    if (kept !== undefined) return kept;
    for (const file of local) {
      const named = { ...wanted, bytes: file.bytes, name: safeFileName(basename(file.path), wanted.id) };
      const found = await this.#verified(named, [file], request);
      if (found !== undefined) return found;
    }
    throw this.#notFound(wanted.id, answer, []);
  }

  async #unverified(
    fileId: string,
    local: readonly LocalFile[],
    { silent, knowsNone }: { silent: string; knowsNone: boolean },
    { signal, log }: FileRequest,
  ): Promise<TaskFile> {
    const skipped: string[] = [];
    for (const file of local) {
      // Anybody on the host may put a file there; while the API is away nobody can tell whose it is.
      if (!knowsNone && file.path.startsWith(join(this.#temporaryFolder, fileId)) && !isTrusted(file.owner)) {
        skipped.push(`${file.path} was left aside, as it belongs to another user`);
        continue;
      }
      log('warn', `File ${file.path} is used without being verified: ${silent}`);
      return inPlace(fileId, file);
    }
    const kept = knowsNone ? undefined : await this.#options.cache.findById(fileId, signal);
    if (kept !== undefined) {
      log('warn', `File ${kept.name} is used from the agent's cache, as it was when it was fetched: ${silent}`);
      return kept;
    }
    throw this.#notFound(fileId, { silent, knowsNone }, skipped);
  }

  #notFound(
    fileId: string,
    { silent, knowsNone }: { silent: string; knowsNone: boolean },
    skipped: readonly string[],
  ): FileUnavailable {
    const places = [join(this.#options.workFolder, 'tmp', fileId), join(this.#temporaryFolder, fileId)];
    const searched = [...places.map((place) => `${place}[.zip|.sql|.sql.gz]`), "the agent's cache", 'the API'];
    return new FileUnavailable(
      knowsNone ? 'FileNotFound' : 'FileUnavailable',
      `file not found for fileID: ${fileId} (searched in: ${searched.join(', ')}); ${[silent, ...skipped].join('; ')}`,
    );
  }
}

const isUnknownFile = (err: unknown): boolean => err instanceof ApiError && err.code === 'FileNotFound';

const isTrusted = (owner: number): boolean => owner === 0 || owner === process.getuid?.();

const inPlace = (id: string, { path, bytes }: LocalFile): TaskFile => ({
  id,
  path,
  name: basename(path),
  bytes,
  release: () => undefined,
});

const localSource = ({ path, bytes }: LocalFile): FileSource => ({
  open: async (from) => {
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW).catch(
      (err: unknown) => {
        throw unusable(err);
      },
    );
    return { from, chunks: wholeOf(handle, from, bytes) };
  },
});

/** Nothing that goes wrong with a local file is a reason to try again: there are other places. */
async function* wholeOf(handle: FileHandle, from: number, bytes: number): AsyncGenerator<Buffer> {
  let done = from;
  try {
    for await (const chunk of handle.createReadStream({ start: from, highWaterMark: 1024 * 1024 })) {
      done += (chunk as Buffer).length;
      yield chunk as Buffer;
    }
  } catch (err) {
    throw unusable(err);
  }
  if (done < bytes) throw unusable(new Error('it has become shorter'));
}

const unusable = (err: unknown): FileUnavailable =>
  new FileUnavailable('FileCorrupt', (err as Error).message, { cause: err });
