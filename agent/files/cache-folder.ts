import { chmod, mkdir, open, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One kept file, as the folder has it. */
export interface KeptFile {
  readonly sha256: string;
  readonly bytes: number;
  /** The names that the file was uploaded by, by file id. */
  readonly names: ReadonlyMap<string, string>;
  readonly usedAt: number;
}

/** The beginning of a file. */
export interface KeptPart {
  readonly sha256: string;
  readonly bytes: number;
  readonly usedAt: number;
}

/**
 * The cache on disk: `<sha256>` is a whole file, `<sha256>.part` the beginning of one, `<sha256>.json` says by which ids
 * it is known and, by its own time, when it was last used. Whatever was going on when a process was killed leaves one of
 * these states.
 */
export class CacheFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Lists what there is and removes what belongs to nothing. */
  async recover(): Promise<{ files: KeptFile[]; parts: KeptPart[] }> {
    await mkdir(this.path, { recursive: true, mode: 0o700 });
    const names = await readdir(this.path);
    const files: KeptFile[] = [];
    const parts: KeptPart[] = [];
    for (const name of names) {
      const [, sha256 = '', suffix] = /^([0-9a-f]{64})(\.part|\.json|\.new)?$/.exec(name) ?? [];
      if (sha256 === '') continue;
      if (suffix === undefined) files.push(await this.#keptFile(sha256));
      else if (suffix === '.part') parts.push({ sha256, ...(await this.#sizeAndTime(name)) });
      else if (suffix === '.new' || !names.includes(sha256)) await rm(join(this.path, name), { force: true });
    }
    return { files, parts };
  }

  pathOf(sha256: string): string {
    return join(this.path, sha256);
  }

  partOf(sha256: string): string {
    return join(this.path, `${sha256}.part`);
  }

  /** Makes a part that is complete and on the disk the file. */
  async keep(sha256: string): Promise<void> {
    await rename(this.partOf(sha256), this.pathOf(sha256));
    await chmod(this.pathOf(sha256), 0o400);
    await using folder = await open(this.path);
    await folder.sync();
  }

  /** A crash of the host may lose it: then the file is known by its digest only. */
  async describe(sha256: string, names: ReadonlyMap<string, string>): Promise<void> {
    const fresh = join(this.path, `${sha256}.new`);
    await writeFile(fresh, JSON.stringify({ names: Object.fromEntries(names) }), { mode: 0o600 });
    await rename(fresh, this.#descriptionOf(sha256));
  }

  async touch(sha256: string, time: number): Promise<void> {
    await utimes(this.#descriptionOf(sha256), time / 1000, time / 1000);
  }

  async remove(sha256: string): Promise<void> {
    // The file last: what a crash leaves of it is known by its digest.
    for (const path of [this.#descriptionOf(sha256), this.pathOf(sha256)]) await rm(path, { force: true });
  }

  async removePart(sha256: string): Promise<void> {
    await rm(this.partOf(sha256), { force: true });
  }

  #descriptionOf(sha256: string): string {
    return join(this.path, `${sha256}.json`);
  }

  async #keptFile(sha256: string): Promise<KeptFile> {
    const { bytes, usedAt } = await this.#sizeAndTime(sha256);
    const described = await stat(this.#descriptionOf(sha256)).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0,
    );
    return { sha256, bytes, names: await this.#names(sha256), usedAt: Math.max(usedAt, described) };
  }

  async #names(sha256: string): Promise<Map<string, string>> {
    try {
      const { names } = JSON.parse(await readFile(this.#descriptionOf(sha256), 'utf8')) as { names: object };
      return new Map(Object.entries(names).filter((pair): pair is [string, string] => typeof pair[1] === 'string'));
    } catch {
      return new Map();
    }
  }

  async #sizeAndTime(name: string): Promise<{ bytes: number; usedAt: number }> {
    const { size, mtimeMs } = await stat(join(this.path, name));
    return { bytes: size, usedAt: mtimeMs };
  }
}
