import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

/** A layer as an image holds it. */
export interface LayerArchive {
  /** The compressed archive. */
  readonly file: string;
  readonly bytes: number;
  /** `sha256:…` of the compressed archive. */
  readonly digest: string;
  /** `sha256:…` of the archive before it was compressed. */
  readonly diffId: string;
}

/** Options of GNU tar with which the same files give the same bytes. */
export const REPRODUCIBLE = [
  ...['--sort=name', '--mtime=@0', '--numeric-owner', '--owner=0', '--group=0', '--format=posix'],
  '--pax-option=delete=atime,delete=ctime',
];

const KEPT_MS = 14 * 24 * 3600_000;

/**
 * Packs a folder. Compressed archives are kept in `cache` by what they hold: compressing the lowest layer takes seconds,
 * and it is the same for weeks.
 */
export async function archiveLayer(folder: string, cache: string): Promise<LayerArchive> {
  mkdirSync(cache, { recursive: true });
  const tar = join(cache, `${process.pid}.tar`);
  try {
    execFileSync('tar', [...REPRODUCIBLE, '-C', folder, '-cf', tar, '.']);
    const diffId = await digestOf(tar);
    const file = join(cache, `${diffId.slice('sha256:'.length)}.tar.gz`);
    if (!existsSync(file)) {
      const unfinished = `${tar}.gz`;
      await pipeline(createReadStream(tar), createGzip({ level: 6 }), createWriteStream(unfinished));
      renameSync(unfinished, file);
    }
    utimesSync(file, new Date(), new Date());
    return { file, bytes: statSync(file).size, digest: await digestOf(file), diffId };
  } finally {
    rmSync(tar, { force: true });
  }
}

/** Removes what has not been used for two weeks from a cache of layers. */
export function tidyLayerCache(cache: string): void {
  for (const name of readdirSync(cache)) {
    const file = join(cache, name);
    const used = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
    if (used < Date.now() - KEPT_MS) rmSync(file, { force: true });
  }
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return `sha256:${hash.digest('hex')}`;
}
