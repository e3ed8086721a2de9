import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WireRow } from '../row-key.ts';
import type { Random } from './random.ts';
import { WRITERS } from './writer-world.ts';
import type { WriterWorld } from './writer-world.ts';

const FILES_AT_FIRST = 100;
const NAMES = 60;
const MOVED_FOLDERS = 3;

/**
 * A folder for each writer, with files that grow by some bytes with every change, so that their size is their version; they are
 * deleted, moved, made again (longer than before), and folders are moved and deleted with all that is in them.
 */
export function filesWorld(): WriterWorld {
  const base = mkdtempSync(join(tmpdir(), 'tiangong-chaos-'));
  const root = join(base, 'watched');
  // On the same file system, so that a rename brings a whole file at once.
  const aside = join(base, 'aside');
  mkdirSync(aside);
  const writers = Array.from(
    { length: WRITERS },
    (_, writer) => new FileWriter(join(root, `w${writer}`), aside, writer),
  );
  for (const writer of writers) writer.begin();
  return {
    source: { driver: 'fs', uri: root, driver_params: {} },
    rowKeys: { keys: ['file_path'], version: 'size' },
    change: async (writer, random) => {
      writers[writer]?.change(random);
    },
    rows: async () => {
      const rows = new Map<string, string>();
      // The folder itself is one of the rows.
      rows.set(JSON.stringify([root, 'files', root]), shown({ file_path: root, is_dir: true }));
      for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
        const path = join(entry.parentPath, entry.name);
        const { size } = lstatSync(path);
        rows.set(JSON.stringify([root, 'files', path]), shown({ file_path: path, size, is_dir: entry.isDirectory() }));
      }
      return rows;
    },
    shown,
    close: async () => rmSync(base, { recursive: true, force: true }),
  };
}

/** The size of a folder is the file system's own business. */
const shown = ({ file_path: path, size, is_dir: isDir }: WireRow): string =>
  JSON.stringify([path, isDir, isDir === true ? 0 : size]);

class FileWriter {
  readonly #folder: string;
  readonly #aside: string;
  /** The highest size that each path ever had. */
  readonly #sizes = new Map<string, number>();
  #serial = 0;
  /** Moved folders never come back under an old name: what lies in them would seem to shrink. */
  #sub: string;
  /** Folders that were moved, oldest first. */
  readonly #moved: string[] = [];

  constructor(folder: string, aside: string, writer: number) {
    this.#folder = folder;
    this.#aside = join(aside, `w${writer}`);
    this.#sub = join(folder, 'sub-0');
  }

  begin(): void {
    mkdirSync(this.#sub, { recursive: true });
    for (let name = 0; name < FILES_AT_FIRST; name += 1) this.#make(join(this.#folder, `still-${name}`));
  }

  change(random: Random): void {
    const choice = random.next();
    if (choice < 0.02) return this.#moveFolder();
    if (choice < 0.03) return this.#deleteFolder();
    const parent = random.chance(0.3) ? this.#sub : this.#folder;
    const path = join(parent, `f${random.below(NAMES)}`);
    if (!existsSync(path)) return this.#make(path);
    if (choice < 0.2) return rmSync(path);
    if (choice < 0.3) return this.#move(path, join(parent, `f${random.below(NAMES)}`));
    const size = lstatSync(path).size + 1 + random.below(5);
    writeFileSync(path, 'x'.repeat(size - lstatSync(path).size), { flag: 'a' });
    this.#sizes.set(path, size);
  }

  /** Brings a whole file under its name at once. */
  #make(path: string): void {
    const size = (this.#sizes.get(path) ?? 0) + 1;
    writeFileSync(this.#aside, 'x'.repeat(size));
    renameSync(this.#aside, path);
    this.#sizes.set(path, size);
  }

  #move(from: string, to: string): void {
    const { size } = lstatSync(from);
    if (existsSync(to) || size <= (this.#sizes.get(to) ?? 0)) return;
    renameSync(from, to);
    this.#sizes.set(to, size);
  }

  #moveFolder(): void {
    const next = join(this.#folder, `sub-${(this.#serial += 1)}`);
    renameSync(this.#sub, next);
    for (const entry of readdirSync(next)) this.#sizes.set(join(next, entry), lstatSync(join(next, entry)).size);
    this.#moved.push(next);
    const oldest = this.#moved.length > MOVED_FOLDERS ? this.#moved.shift() : undefined;
    if (oldest !== undefined) rmSync(oldest, { recursive: true });
    this.#begin();
  }

  #deleteFolder(): void {
    rmSync(this.#sub, { recursive: true });
    this.#begin();
  }

  #begin(): void {
    this.#sub = join(this.#folder, `sub-${(this.#serial += 1)}`);
    mkdirSync(this.#sub);
  }
}
