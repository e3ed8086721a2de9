import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../testing/temporary-folder.ts';
import { FolderWalk } from './folder-walk.ts';

const name = fc.constantFrom('a', 'b', 'a-', 'a.b', 'A', '天', '👍', '￿', '0');
const tree = fc.uniqueArray(
  fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/')),
  {
    maxLength: 12,
  },
);

function make(paths: readonly string[]): string {
  const root = temporaryFolder();
  for (const path of paths) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    // A longer path may have made it a folder.
    if (!readdirSync(dirname(join(root, path))).includes(path.split('/').at(-1) ?? ''))
      try {
        writeFileSync(join(root, path), '');
      } catch {
        // A folder above is a file.
      }
  }
  return root;
}

const newWalk = (root: string, isWanted: (name: string) => boolean = () => true): FolderWalk =>
  new FolderWalk({ root, isWanted, onUnreadable: () => {} });

/** By a walk for each chunk when `anew`, as after a restart. */
function walk(root: string, count: number, anew: boolean): string[] {
  const paths: string[] = [];
  let walker = newWalk(root);
  for (let after: string | undefined; ;) {
    const found = walker.next(after, count);
    expect(found.length).toBeLessThanOrEqual(count);
    after = found.at(-1)?.path;
    if (after === undefined) return paths;
    paths.push(...found.map(({ path }) => path));
    if (anew) walker = newWalk(root);
  }
}

describe('FolderWalk', () => {
  it('finds the root and all below it once, in one order, in chunks of any size, also anew behind each', () => {
    fc.assert(
      fc.property(tree, fc.integer({ min: 1, max: 5 }), (paths, count) => {
        const root = make(paths.filter((path) => !paths.some((other) => path.startsWith(`${other}/`))));
        const expected = ['', ...readdirSync(root, { recursive: true, encoding: 'utf8' })].sort();
        const found = walk(root, count, false);
        expect(found.toSorted()).toEqual(expected);
        expect(walk(root, count, true)).toEqual(found);
        expect(walk(root, 1000, false)).toEqual(found);
      }),
      { numRuns: 50 },
    );
  });

  it('goes on behind a path that is gone, with the folders above it', () => {
    const root = make(['a/b/c', 'a/d', 'e']);
    rmSync(join(root, 'a', 'b'), { recursive: true });
    expect(
      newWalk(root)
        .next('a/b/c', 9)
        .map(({ path }) => path),
    ).toEqual(['a/d', 'e']);
    rmSync(join(root, 'a'), { recursive: true });
    expect(
      newWalk(root)
        .next('a/b/c', 9)
        .map(({ path }) => path),
    ).toEqual(['e']);
  });

  it('reads again when the same cursor is asked for again', () => {
    const root = make(['a', 'b']);
    const walker = newWalk(root);
    expect(walker.next(undefined, 2)).toHaveLength(2);
    writeFileSync(join(root, 'c'), 'new');
    expect(
      walker
        .next(undefined, 9)
        .map(({ path, version }) => [path, version.size])
        .slice(1),
    ).toEqual([
      ['a', 0],
      ['b', 0],
      ['c', 3],
    ]);
  });

  it('leaves out files of names that are not wanted, and no folders', () => {
    const root = make(['x/a.csv', 'x/b.txt', 'c.txt']);
    const walker = newWalk(root, (one) => one.endsWith('.csv'));
    expect(walker.next(undefined, 9).map(({ path }) => path)).toEqual(['', 'x', 'x/a.csv']);
  });
});
