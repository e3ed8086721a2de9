import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Change } from './change-list.ts';
import { FileIndex } from './file-index.ts';
import { isSameVersion, readVersion } from './file-version.ts';
import type { FileVersion } from './file-version.ts';
import { FolderWalk } from './folder-walk.ts';
import type { FoundPath } from './folder-walk.ts';
import { FolderWatch } from './folder-watch.ts';
import { Inotify } from './inotify.ts';

/** Few names, so that files and folders take each other's places. */
const path = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));

type Step =
  | { readonly do: 'write' | 'delete' | 'makeFolder'; readonly path: string }
  | { readonly do: 'move'; readonly path: string; readonly to: string }
  /** The kernel's events are read. */
  | { readonly do: 'hear' }
  /** Changes are taken and sent. `lost`: the consumer has them, but nobody knows. */
  | { readonly do: 'send'; readonly count: number; readonly outcome: 'acknowledged' | 'lost' | 'refused' }
  | { readonly do: 'checkpoint' | 'overflow' | 'die' }
  | { readonly do: 'readChunk'; readonly count: number }
  | { readonly do: 'sendChunk' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constantFrom('write' as const, 'delete' as const, 'makeFolder' as const), path }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('move' as const), path, to: path }) },
  { weight: 3, arbitrary: fc.constant({ do: 'hear' as const }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      count: fc.integer({ min: 1, max: 4 }),
      outcome: fc.constantFrom('acknowledged' as const, 'acknowledged' as const, 'lost' as const, 'refused' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('checkpoint' as const, 'overflow' as const, 'die' as const) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('readChunk' as const), count: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 2, arbitrary: fc.constant({ do: 'sendChunk' as const }) },
);

/** Where a flush costs nothing, if there is such a place. */
const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** One folder, what watches it, and a consumer that is told of it, without threads: each step is done before the next. */
class World {
  readonly root = mkdtempSync(join(base, 'tiangong-watched-'));
  readonly #state = mkdtempSync(join(base, 'tiangong-index-'));
  readonly #maxDirtyPaths: number;
  readonly consumer = new Map<string, FileVersion>();
  #inotify = new Inotify();
  #index: FileIndex;
  #watch: FolderWatch;
  #lives = 0;
  #overflows = 0;
  #committed = -1;
  #checkpoint: number;
  #walk: FolderWalk;
  #cursor: string | undefined;
  /** Read and not sent. */
  #chunk: { readonly found: FoundPath[]; readonly seen: number } | undefined;
  /** What was taken since the chunk was read. */
  #touched = new Map<string, number>();
  #prefixes: { readonly prefix: string; readonly index: number }[] = [];

  constructor(maxDirtyPaths: number) {
    this.#maxDirtyPaths = maxDirtyPaths;
    this.#index = FileIndex.create(this.#file, this.root, statSync(this.root).ino, -1);
    this.#watch = this.#open(true);
    this.#walk = this.#newWalk();
    this.#start();
    this.#checkpoint = this.#watch.nextIndex();
    this.#committed = this.#checkpoint;
  }

  get overflows(): number {
    return this.#overflows;
  }

  get #file(): string {
    return join(this.#state, String(this.#lives), 'files.db');
  }

  do(step: Step): void {
    switch (step.do) {
      case 'write':
        return ignoreFailure(() => {
          mkdirSync(dirname(join(this.root, step.path)), { recursive: true });
          writeFileSync(join(this.root, step.path), 'x'.repeat(Math.floor(Math.random() * 1000)));
        });
      case 'delete':
        return rmSync(join(this.root, step.path), { recursive: true, force: true });
      case 'makeFolder':
        return ignoreFailure(() => mkdirSync(join(this.root, step.path), { recursive: true }));
      case 'move':
        return ignoreFailure(() => renameSync(join(this.root, step.path), join(this.root, step.to)));
      case 'hear':
        return this.#hear();
      case 'send':
        this.#send(step.count, step.outcome);
        return;
      case 'checkpoint':
        this.#checkpoint = this.#committed;
        return this.#watch.settle(this.#checkpoint);
      case 'overflow':
        return this.#watch.handle([{ wd: -1, mask: 0x4000, name: '' }]);
      case 'die':
        return this.#dieAndStart();
      case 'readChunk':
        return this.#readChunk(step.count);
      case 'sendChunk':
        return this.#sendChunk();
    }
  }

  /** More events than the kernel keeps. */
  flood(): void {
    const kept = Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8'));
    // Each file is created and closed.
    for (let at = 0; at < kept / 2 + 10; at += 1) writeFileSync(join(this.root, `flood-${at}`), '');
  }

  /** Until the consumer has been told of all. */
  settle(): void {
    this.#sendChunk();
    for (let quiet = 0; quiet < 3;) {
      this.#hear();
      quiet = this.#send(100, 'acknowledged') ? 0 : quiet + 1;
    }
  }

  /** What is there. */
  truth(): Map<string, FileVersion> {
    const paths = readdirSync(this.root, { recursive: true, encoding: 'utf8' });
    return new Map(paths.map((one) => [one, readVersion(this.root, one) as FileVersion]));
  }

  close(): void {
    for (const fd of [this.#inotify.fd, this.#inotify.wakeFd]) closeSync(fd);
    this.#index.close();
    for (const folder of [this.root, this.#state]) rmSync(folder, { recursive: true, force: true });
  }

  #open(isNew: boolean): FolderWatch {
    return new FolderWatch({
      root: this.root,
      rootIno: statSync(this.root).ino,
      index: this.#index,
      isNew,
      afterIndex: this.#committed,
      watcher: this.#inotify,
      isWanted: () => true,
      maxSyncDelayMs: 1000,
      maxDirtyPaths: this.#maxDirtyPaths,
      onUnreadable: () => {},
      onOverflow: () => (this.#overflows += 1),
    });
  }

  #newWalk(): FolderWalk {
    return new FolderWalk({ root: this.root, isWanted: () => true, onUnreadable: () => {} });
  }

  #start(): void {
    while (!this.#watch.isStarted) this.#watch.step(performance.now() + 5);
  }

  #hear(): void {
    for (let events = this.#inotify.read(); events.length > 0; events = this.#inotify.read())
      this.#watch.handle(events);
    do this.#watch.step(performance.now() + 5);
    while (this.#watch.isBusy);
  }

  #send(count: number, outcome: 'acknowledged' | 'lost' | 'refused'): boolean {
    const changes = this.#watch.take(count, this.#committed);
    for (const change of changes) this.#note(change);
    if (outcome !== 'refused') for (const change of changes) this.#tell(change);
    if (outcome === 'acknowledged') this.#committed = changes.at(-1)?.index ?? this.#committed;
    else this.#watch.rewind(this.#committed);
    return changes.length > 0;
  }

  #note({ path: changed, index, tree }: Change): void {
    this.#touched.set(changed, index);
    if (tree) this.#prefixes.push({ prefix: `${changed}/`, index });
  }

  #tell({ path: changed, version }: Change): void {
    if (version === undefined) this.consumer.delete(changed);
    else this.consumer.set(changed, version);
  }

  #readChunk(count: number): void {
    this.#sendChunk();
    const seen = this.#watch.lastIndex;
    const found = this.#walk.next(this.#cursor, count);
    this.#watch.noteSnapshot(found);
    this.#chunk = { found, seen };
    this.#cursor = found.at(-1)?.path;
  }

  #sendChunk(): void {
    const { found, seen } = this.#chunk ?? { found: [], seen: 0 };
    this.#chunk = undefined;
    for (const { path: one, version } of found) {
      const isStale =
        (this.#touched.get(one) ?? -1) > seen ||
        this.#prefixes.some(({ prefix, index }) => index > seen && one.startsWith(prefix));
      if (one !== '' && !isStale) this.consumer.set(one, version);
    }
  }

  /** As after kill −9: what was committed to the index is there, nothing else; the consumer has what it was sent. */
  #dieAndStart(): void {
    const before = dirname(this.#file);
    this.#lives += 1;
    cpSync(before, dirname(this.#file), { recursive: true });
    this.#index.close();
    for (const fd of [this.#inotify.fd, this.#inotify.wakeFd]) closeSync(fd);
    const id = this.#index.id;
    const position = { index: id, at: this.#checkpoint };
    this.#inotify = new Inotify();
    this.#index = FileIndex.open(this.#file, this.root, statSync(this.root).ino, position);
    this.#committed = Math.max(this.#committed, this.#watch.lastIndex);
    this.#watch = this.#open(false);
    this.#chunk = undefined;
    this.#walk = this.#newWalk();
    this.#start();
    this.#checkpoint = Math.max(this.#checkpoint, this.#index.told);
  }
}

function ignoreFailure(act: () => void): void {
  try {
    act();
  } catch {
    // A folder is where a file was wanted, or the other way round: nothing happens.
  }
}

function expectTold(steps: readonly Step[], maxDirtyPaths: number): void {
  const world = new World(maxDirtyPaths);
  try {
    for (const one of steps) world.do(one);
    world.settle();
    const truth = world.truth();
    expect([...world.consumer.keys()].sort()).toEqual([...truth.keys()].sort());
    for (const [one, version] of truth)
      expect(isSameVersion(world.consumer.get(one)!, version), `the version of ${one}`).toBe(true);
  } finally {
    world.close();
  }
}

const HEARD_AND_SENT = [
  { do: 'hear' },
  { do: 'send', count: 9, outcome: 'acknowledged' },
] as const satisfies readonly Step[];

describe('FolderWatch', () => {
  it('lets the consumer have what is there in the end, whatever happens, fails and dies on the way', () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 60, size: 'max' }), fc.constantFrom(3, 10_000), expectTold), {
      // Fewer on a busy machine.
      numRuns: 300,
      interruptAfterTimeLimit: 10_000,
    });
  });

  it('tells of what lay in a folder that was told to be gone before the process died', () => {
    const isTold: Step[] = [{ do: 'write', path: 'c/a' }, ...HEARD_AND_SENT];
    const folderIsGone: Step[] = [
      { do: 'delete', path: 'c' },
      { do: 'hear' },
      { do: 'send', count: 1, outcome: 'acknowledged' },
    ];
    expectTold([...isTold, ...folderIsGone, { do: 'checkpoint' }, { do: 'die' }], 10_000);
    const isInSnapshot: Step[] = [{ do: 'write', path: 'c/a' }, { do: 'readChunk', count: 9 }, { do: 'sendChunk' }];
    expectTold([...isInSnapshot, ...folderIsGone, { do: 'checkpoint' }, { do: 'die' }], 10_000);
  });

  it('finds all when the kernel has dropped events', () => {
    const world = new World(100);
    try {
      world.flood();
      world.do({ do: 'makeFolder', path: 'a/b' });
      world.do({ do: 'write', path: 'a/b/c' });
      world.settle();
      expect(world.overflows).toBe(1);
      expect([...world.consumer.keys()].sort()).toEqual([...world.truth().keys()].sort());
    } finally {
      world.close();
    }
  });

  it('does not take a path for gone that a snapshot has told of since', () => {
    const [write, remove]: Step[] = [
      { do: 'write', path: 'a' },
      { do: 'delete', path: 'a' },
    ];
    const comesBack: Step[] = [write!, ...HEARD_AND_SENT, remove!, ...HEARD_AND_SENT, write!];
    const isReadMeanwhile: Step[] = [{ do: 'readChunk', count: 9 }, { do: 'checkpoint' }, { do: 'sendChunk' }];
    expectTold([...comesBack, ...isReadMeanwhile, remove!], 10_000);
  });
});
