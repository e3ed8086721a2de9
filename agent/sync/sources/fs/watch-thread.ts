import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { PositionLostError, SourceError } from '../../source.ts';
import { changesOf, foundPathsOf } from './change-list.ts';
import { FileIndex } from './file-index.ts';
import { compilePattern } from './file-pattern.ts';
import { FolderWalk } from './folder-walk.ts';
import { FolderWatch, inodeOfRoot } from './folder-watch.ts';
import { Inotify } from './inotify.ts';
import type { FromThread, ThreadFailure, ThreadStart, ToThread, WatchStart } from './thread-messages.ts';

/** How long it sleeps at most: a process that exits without closing the thread waits for it that long. */
const SLEEP_MS = 500;
/** How long it works before it looks at events and commands again. */
const SLICE_MS = 5;
/** How many buffers of events it takes at once: more than the kernel keeps, unless more come meanwhile. */
const MAX_READS = 4;
/** How often it tells how many paths wait. */
const TELL_MS = 1_000;
/** Of how many paths that may not be read it tells, once of each. */
const MAX_UNREADABLE = 100;

/**
 * All work on one folder, in a thread of its own that does one thing after the other and blocks: so its reads have an order, and
 * a file system that hangs holds up nothing else.
 */
class WatchThread {
  readonly #port: MessagePort;
  readonly #start: ThreadStart;
  readonly #isWanted: (name: string) => boolean;
  readonly #inotify = new Inotify();
  readonly #snapshots = new Map<number, FolderWalk>();
  #index: FileIndex | undefined;
  #watch: FolderWatch | undefined;
  readonly #unreadable = new Set<string>();
  #isToldStarted = false;
  #take: { readonly id: number; readonly count: number; readonly committed: number } | undefined;
  #closedBy: number | undefined;
  #told = { waiting: 0, at: 0 };

  constructor(port: MessagePort, start: ThreadStart) {
    this.#port = port;
    this.#start = start;
    this.#isWanted = compilePattern(start.filePattern);
  }

  run(): void {
    this.#tell({ kind: 'ready', wakeFd: this.#inotify.wakeFd, fd: this.#inotify.fd });
    try {
      if (this.#start.watch !== undefined) this.#watch = this.#openWatch(this.#start.watch);
      while (this.#closedBy === undefined) this.#turn();
      this.#index?.close();
    } catch (err) {
      this.#tell({ kind: 'failed', failure: failureOf(err) });
      this.#closeQuietly();
    }
    if (this.#closedBy !== undefined) this.#answer(this.#closedBy, undefined);
    this.#port.close();
  }

  #turn(): void {
    const watch = this.#watch;
    const sleepMs = Math.min(SLEEP_MS, watch?.nextDue ?? SLEEP_MS);
    this.#inotify.wait(watch?.isBusy === true ? 0 : sleepMs);
    for (let reads = 0; reads < MAX_READS; reads += 1) {
      const events = this.#inotify.read();
      watch?.handle(events);
      if (events.length === 0) break;
    }
    this.#takeCommands();
    if (watch === undefined) return;
    this.#answerTake(watch);
    watch.step(performance.now() + SLICE_MS);
    this.#tellStarted(watch);
    this.#answerTake(watch);
    this.#tellWaiting(watch);
  }

  #openWatch(start: WatchStart): FolderWatch {
    const { root, maxSyncDelayMs, maxDirtyPaths } = this.#start;
    const rootIno = inodeOfRoot(root);
    const { indexFile, position, afterIndex } = start;
    this.#index =
      position === undefined
        ? FileIndex.create(indexFile, root, rootIno, afterIndex)
        : FileIndex.open(indexFile, root, rootIno, position);
    return new FolderWatch({
      ...{ root, rootIno, maxSyncDelayMs, maxDirtyPaths },
      index: this.#index,
      isNew: position === undefined,
      afterIndex: Math.max(afterIndex, position?.at ?? -1),
      watcher: this.#inotify,
      isWanted: this.#isWanted,
      onUnreadable: (path) => this.#tellUnreadable(path),
      onOverflow: () => this.#tell({ kind: 'overflow' }),
    });
  }

  #takeCommands(): void {
    for (let got = receiveMessageOnPort(this.#port); got !== undefined; got = receiveMessageOnPort(this.#port))
      this.#obey(got.message as ToThread);
  }

  #obey(command: ToThread): void {
    switch (command.kind) {
      case 'take':
        this.#take = command;
        return;
      case 'rewind':
        this.#watch?.rewind(command.committed);
        if (this.#take !== undefined) this.#answer(this.#take.id, changesOf([]));
        this.#take = undefined;
        return;
      case 'settle':
        this.#watch?.settle(command.at);
        return this.#answer(command.id, undefined);
      case 'openSnapshot':
        return this.#openSnapshot(command.id);
      case 'readSnapshot':
        return this.#readSnapshot(command);
      case 'closeSnapshot':
        this.#snapshots.delete(command.snapshot);
        return this.#answer(command.id, undefined);
      case 'close':
        this.#closedBy = command.id;
    }
  }

  #openSnapshot(id: number): void {
    const onUnreadable = (path: string): void => this.#tellUnreadable(path);
    this.#snapshots.set(id, new FolderWalk({ root: this.#start.root, isWanted: this.#isWanted, onUnreadable }));
    this.#answer(id, { snapshot: id, paths: this.#index?.size });
  }

  #readSnapshot(command: ToThread & { kind: 'readSnapshot' }): void {
    inodeOfRoot(this.#start.root);
    const seen = this.#watch?.lastIndex ?? -1;
    const found = this.#snapshots.get(command.snapshot)?.next(command.after, command.count) ?? [];
    this.#watch?.noteSnapshot(found);
    this.#answer(command.id, foundPathsOf(found, seen));
  }

  #tellStarted(watch: FolderWatch): void {
    if (this.#isToldStarted || !watch.isStarted) return;
    this.#isToldStarted = true;
    this.#tell({ kind: 'started', indexId: this.#index?.id ?? '', at: watch.nextIndex() });
  }

  #answerTake(watch: FolderWatch): void {
    const take = this.#take;
    if (take === undefined || !this.#isToldStarted || watch.waiting === 0) return;
    const changes = watch.take(take.count, take.committed);
    if (changes.length === 0) return;
    this.#take = undefined;
    this.#answer(take.id, changesOf(changes));
  }

  #tellWaiting({ waiting }: FolderWatch): void {
    const now = performance.now();
    if (waiting === this.#told.waiting || now - this.#told.at < TELL_MS) return;
    this.#told = { waiting, at: now };
    this.#tell({ kind: 'waiting', paths: waiting });
  }

  #tellUnreadable(path: string): void {
    if (this.#unreadable.size >= MAX_UNREADABLE || this.#unreadable.has(path)) return;
    this.#unreadable.add(path);
    this.#tell({ kind: 'unreadable', path });
  }

  #closeQuietly(): void {
    try {
      this.#index?.close();
    } catch {
      // The failure that ended the thread was told; the index is as it was committed.
    }
  }

  #answer(id: number, answer: unknown): void {
    this.#tell({ kind: 'answer', id, answer });
  }

  #tell(message: FromThread): void {
    this.#port.postMessage(message);
  }
}

function failureOf(err: unknown): ThreadFailure {
  const message = err instanceof Error ? err.message : String(err);
  if (err instanceof SourceError)
    return { isPositionLost: false, reason: err.reason, message, retryable: err.retryable };
  const isPositionLost = err instanceof PositionLostError;
  // What a file system or the disk of the index says, such as EIO or no space.
  return { isPositionLost, reason: 'ReadFailed', message, retryable: true };
}

if (parentPort === null) throw new Error('watch-thread.ts runs as a worker thread');
new WatchThread(parentPort, workerData as ThreadStart).run();
