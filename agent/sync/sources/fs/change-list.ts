import type { Changes, FoundPaths } from './thread-messages.ts';
import type { FoundPath } from './folder-walk.ts';
import type { FileVersion } from './file-version.ts';

/** One change as it is collected. */
export interface Change {
  readonly path: string;
  readonly index: number;
  readonly since: number;
  /** Undefined: it is gone. */
  readonly version: FileVersion | undefined;
  /** It was a folder, with all below it. */
  readonly tree: boolean;
}

export function changesOf(list: readonly Change[]): Changes {
  const column = (of: (change: Change) => number): Float64Array => Float64Array.from(list, of);
  return {
    paths: list.map(({ path }) => path),
    sizes: column(({ version }) => version?.size ?? 0),
    mtimes: column(({ version }) => version?.mtimeMs ?? 0),
    ctimes: column(({ version }) => version?.ctimeMs ?? 0),
    isDir: Uint8Array.from(list, ({ version }) => Number(version?.isDir ?? false)),
    isGone: Uint8Array.from(list, ({ version }) => Number(version === undefined)),
    isTree: Uint8Array.from(list, ({ tree }) => Number(tree)),
    indexes: column(({ index }) => index),
    since: column(({ since }) => since),
  };
}

export function foundPathsOf(list: readonly FoundPath[], seen: number): FoundPaths {
  const column = (of: (version: FileVersion) => number): Float64Array =>
    Float64Array.from(list, ({ version }) => of(version));
  return {
    seen,
    paths: list.map(({ path }) => path),
    sizes: column(({ size }) => size),
    mtimes: column(({ mtimeMs }) => mtimeMs),
    ctimes: column(({ ctimeMs }) => ctimeMs),
    isDir: Uint8Array.from(list, ({ version }) => Number(version.isDir)),
  };
}
