import { EventEmitter } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KeyedLock } from '../keyed-lock.ts';
import { parseLogLines } from '../log-chunk.ts';
import type { LogLine } from '../log-chunk.ts';
import { StoreError } from '../store-error.ts';
import { STREAM_NAMES } from '../task-streams.ts';
import type { Chunk, StoredTask, StreamId, StreamState, TaskStreams } from '../task-streams.ts';
import { asStoreFull } from './capacity.ts';
import type { Capacity } from './capacity.ts';
import type { Database } from './database.ts';
import { syncDirectory, writeDurably } from './durable-file.ts';

interface Row extends Record<string, unknown> {
  next: number;
  bytes: number;
  complete: number;
  last_line: number;
  last_mark: number;
}

/** A log's index has an entry for every so many bytes: what a read after an id scans in vain at most, plus one chunk. */
const MARK_EVERY_BYTES = 64 * 1024;

const READ_BYTES = 64 * 1024;
const NOTHING: Row = { next: 0, bytes: 0, complete: 0, last_line: 0, last_mark: 0 };

const SELECT =
  'SELECT next, bytes, complete, last_line, last_mark FROM stream WHERE uid = ? AND epoch = ? AND name = ?';
const UPSERT = `INSERT INTO stream (uid, epoch, name, next, bytes, complete, last_line, last_mark, created_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET next = excluded.next, bytes = excluded.bytes, complete = excluded.complete,
    last_line = excluded.last_line, last_mark = excluded.last_mark`;

/**
 * One file a stream, with the chunks one after another. The SQLite row says how much of it counts: a chunk is written
 * and fsynced first, then recorded, so what a crash tears off is never part of the stream.
 */
export class SqliteTaskStreams implements TaskStreams {
  readonly #db: Database;
  readonly #folder: string;
  readonly #capacity: Capacity;
  readonly #lock = new KeyedLock();
  readonly #appended = new EventEmitter().setMaxListeners(0);

  constructor(db: Database, folder: string, capacity: Capacity) {
    this.#db = db;
    this.#folder = folder;
    this.#capacity = capacity;
  }

  state(id: StreamId): Promise<StreamState> {
    return Promise.resolve(toState(this.#row(id)));
  }

  append(id: StreamId, n: number, chunk: Chunk): Promise<StreamState> {
    checkName(id);
    return this.#lock.run(id.uid, () => this.#append(id, n, chunk));
  }

  async *read(id: StreamId, start = 0): AsyncGenerator<Uint8Array> {
    const { bytes } = this.#row(id);
    if (start >= bytes) return;
    const file = createReadStream(this.#file(id), { start, end: bytes - 1, highWaterMark: READ_BYTES });
    let left = bytes - start;
    for await (const part of file as AsyncIterable<Buffer>) {
      left -= part.length;
      yield part;
    }
    if (left > 0) throw new Error(`the file of ${id.uid}/${id.epoch}/${id.name} is ${left} bytes short`);
  }

  async *lines(id: StreamId, after: number): AsyncGenerator<readonly LogLine[]> {
    const mark = this.#db
      .prepare(
        'SELECT offset FROM mark WHERE uid = ? AND epoch = ? AND after_line <= ? ORDER BY after_line DESC LIMIT 1',
      )
      .get(id.uid, id.epoch, after) as { offset: number } | undefined;
    let rest: Uint8Array[] = [];
    for await (const part of this.read(id, mark?.offset ?? 0)) {
      const end = part.lastIndexOf(0x0a) + 1;
      if (end > 0) {
        const text = Buffer.concat([...rest, part.subarray(0, end)]).toString();
        rest = [];
        const lines = parseLogLines(text);
        const known = lines.findIndex((line) => line.id > after);
        if (known >= 0) yield known === 0 ? lines : lines.slice(known);
      }
      if (end < part.length) rest.push(part.subarray(end));
    }
  }

  onAppend(uid: string, listener: () => void): () => void {
    this.#appended.on(uid, listener);
    return () => void this.#appended.off(uid, listener);
  }

  async *tasks(): AsyncGenerator<StoredTask> {
    const page = this.#db.prepare(
      'SELECT uid, min(created_at) AS createdAt FROM stream WHERE uid > ? GROUP BY uid ORDER BY uid LIMIT 1000',
    );
    for (let last = ''; ;) {
      const tasks = page.all(last) as unknown as StoredTask[];
      yield* tasks;
      const end = tasks.at(-1);
      if (end === undefined) return;
      last = end.uid;
    }
  }

  delete(uid: string): Promise<void> {
    return this.#lock.run(uid, async () => {
      const { bytes } = this.#db
        .prepare('SELECT coalesce(sum(bytes), 0) AS bytes FROM stream WHERE uid = ?')
        .get(uid) as {
        bytes: number;
      };
      await this.#db.write(() => {
        this.#db.prepare('DELETE FROM mark WHERE uid = ?').run(uid);
        this.#db.prepare('DELETE FROM stream WHERE uid = ?').run(uid);
      });
      this.#capacity.release(bytes);
      if (isUid(uid)) await rm(join(this.#folder, uid), { recursive: true, force: true });
    });
  }

  /** Resolves when no append or deletion is under way. */
  idle(): Promise<void> {
    return this.#lock.idle();
  }

  async #append(id: StreamId, n: number, chunk: Chunk): Promise<StreamState> {
    const row = this.#row(id);
    if (n < row.next) return toState(row);
    if (n > row.next)
      throw new StoreError('ChunkOutOfOrder', `chunk ${row.next} comes next, not ${n}`, { next: row.next });
    if (row.complete !== 0)
      throw new StoreError('StreamComplete', `the stream ended with chunk ${row.next - 1}`, { next: row.next });
    if (chunk.lines !== undefined && chunk.lines.first <= row.last_line)
      throw new StoreError('ChunkInvalid', `line ${chunk.lines.first} came after line ${row.last_line}`);

    this.#capacity.reserve(chunk.bytes.length);
    try {
      if (chunk.bytes.length > 0) await this.#write(id, row.bytes, chunk.bytes);
      const state = await this.#db.write(() => this.#record(id, row, chunk));
      this.#appended.emit(id.uid);
      return state;
    } catch (err) {
      this.#capacity.release(chunk.bytes.length);
      throw asStoreFull(err);
    }
  }

  async #write(id: StreamId, offset: number, bytes: Uint8Array): Promise<void> {
    const file = this.#file(id);
    if (offset > 0) return writeDurably(file, offset, bytes);
    const folder = join(this.#folder, id.uid);
    if ((await mkdir(folder, { recursive: true })) !== undefined) await syncDirectory(this.#folder);
    await writeDurably(file, 0, bytes);
    await syncDirectory(folder);
  }

  #record(id: StreamId, row: Row, chunk: Chunk): StreamState {
    const { uid, epoch, name } = id;
    const next: Row = {
      next: row.next + 1,
      bytes: row.bytes + chunk.bytes.length,
      complete: chunk.final ? 1 : 0,
      last_line: chunk.lines?.last ?? row.last_line,
      last_mark: row.last_mark,
    };
    if (chunk.lines !== undefined && row.bytes >= row.last_mark + MARK_EVERY_BYTES) {
      this.#db.prepare('INSERT INTO mark VALUES (?, ?, ?, ?)').run(uid, epoch, row.last_line, row.bytes);
      next.last_mark = row.bytes;
    }
    this.#db
      .prepare(UPSERT)
      .run(uid, epoch, name, next.next, next.bytes, next.complete, next.last_line, next.last_mark, Date.now());
    return toState(next);
  }

  #row(id: StreamId): Row {
    return (this.#db.prepare(SELECT).get(id.uid, id.epoch, id.name) as Row | undefined) ?? NOTHING;
  }

  #file(id: StreamId): string {
    return streamFile(this.#folder, id);
  }
}

function streamFile(folder: string, id: StreamId): string {
  return join(folder, id.uid, `${id.epoch}.${id.name}`);
}

/** Cuts back what a crash tore: bytes beyond those recorded, and folders of tasks that have no stream. */
export async function recoverStreams(db: Database, folder: string, entries: readonly string[]): Promise<void> {
  const known = new Set<string>();
  const streams = db.prepare('SELECT uid, epoch, name, bytes, complete FROM stream').iterate();
  for (const stream of streams as Iterable<unknown> as Iterable<StreamId & { bytes: number; complete: number }>) {
    known.add(stream.uid);
    if (stream.complete !== 0 || stream.bytes === 0) continue;
    const file = await open(streamFile(folder, stream), 'r+');
    try {
      if ((await file.stat()).size > stream.bytes) await file.truncate(stream.bytes);
    } finally {
      await file.close();
    }
  }
  for (const entry of entries) if (!known.has(entry)) await rm(join(folder, entry), { recursive: true, force: true });
}

const isUid = (uid: string): boolean => /^[0-9A-Za-z-]{1,64}$/.test(uid);

function checkName({ uid, epoch, name }: StreamId): void {
  if (!isUid(uid) || !Number.isSafeInteger(epoch) || epoch < 1 || !STREAM_NAMES.includes(name))
    throw new StoreError('InvalidName', 'not the uid, epoch and stream of a task');
}

function toState(row: Row): StreamState {
  return { next: row.next, bytes: row.bytes, complete: row.complete !== 0, lastLine: row.last_line };
}
