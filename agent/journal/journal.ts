import { open, readFile, rename } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { applyRecord, encodeRecord, recordsOf, replay } from './journal-record.ts';
import type { JournalEntry, JournalRecord, RunKey } from './journal-record.ts';

/** The journal is rewritten without what is closed once it is larger than this and mostly closed. */
const COMPACT_BYTES = 1024 * 1024;

/** The journal could not be written: nothing that depends on the record may happen. */
export class JournalError extends Error {
  override readonly name = 'JournalError';
}

/** The calls on the file that a full or failing disk makes fail. */
export type JournalFile = Pick<FileHandle, 'appendFile' | 'datasync' | 'truncate' | 'close'>;

interface Waiter {
  readonly durable: boolean;
  readonly resolve: () => void;
  readonly reject: (err: Error) => void;
}

/**
 * The agent's memory of its runs across crashes: an append-only file. Records that are given while one group is on its
 * way to the disk go there together, with one fsync.
 */
export class Journal {
  readonly #path: string;
  readonly #openFile: (path: string) => Promise<JournalFile>;
  readonly #entries: Map<RunKey, JournalEntry>;
  /** An earlier process' records were damaged, so some runs count as started that perhaps were not. */
  readonly damaged: boolean;
  #file: JournalFile | undefined;
  /** Bytes of the file that are known to be whole records. */
  #size = 0;
  #compactAt = COMPACT_BYTES;
  #pending: { text: string; records: JournalRecord[]; waiters: Waiter[] } = { text: '', records: [], waiters: [] };
  #flushing: Promise<void> | undefined;
  #closed = false;
  #healthy = true;

  private constructor(
    path: string,
    openFile: (path: string) => Promise<JournalFile>,
    entries: Map<RunKey, JournalEntry>,
    damaged: boolean,
  ) {
    this.#path = path;
    this.#openFile = openFile;
    this.#entries = entries;
    this.damaged = damaged;
  }

  /** Reads the journal of the folder, or begins one. Rejects with `JournalError` when it cannot be written. */
  static async open(
    folder: string,
    openFile: (path: string) => Promise<JournalFile> = (path) => open(path, 'a', 0o600),
  ): Promise<Journal> {
    const path = join(folder, 'journal');
    const text = await readFile(path, 'utf8').catch((err: unknown) => {
      if ((err as NodeJS.ErrnoException).code === 'ENOENT') return '';
      throw new JournalError(`cannot read the journal ${path}: ${(err as Error).message}`, { cause: err });
    });
    const { entries, damaged } = replay(text);
    const journal = new Journal(path, openFile, entries, damaged);
    // Also cuts off a torn last line, behind which a new record would be unreadable.
    await journal.#compact().catch((err: unknown) => {
      throw new JournalError(`cannot write the journal ${path}: ${messageOf(err)}`, { cause: err });
    });
    return journal;
  }

  /** Runs that are not closed. A view: it changes as records are appended. */
  get entries(): ReadonlyMap<RunKey, JournalEntry> {
    return this.#entries;
  }

  /** Whether the last write succeeded. */
  get healthy(): boolean {
    return this.#healthy;
  }

  /** Tries whether the journal can be written again; shows in `healthy`. Never rejects. */
  async probe(): Promise<void> {
    await this.#add(undefined, true).catch(() => undefined);
  }

  /** Resolves when the record is on disk; rejects with `JournalError` when it is not and will not be. */
  append(record: JournalRecord): Promise<void> {
    return this.#add(record, true);
  }

  /** Writes a record whose loss in a power failure does no harm: no fsync of its own, and errors are not told. */
  note(record: JournalRecord): void {
    this.#add(record, false).catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#flushing;
    await this.#file?.close();
    this.#file = undefined;
  }

  #add(record: JournalRecord | undefined, durable: boolean): Promise<void> {
    if (this.#closed) return Promise.reject(new JournalError('the journal is closed'));
    return new Promise((resolve, reject) => {
      if (record !== undefined) {
        this.#pending.text += encodeRecord(record);
        this.#pending.records.push(record);
      }
      this.#pending.waiters.push({ durable, resolve, reject });
      this.#flushing ??= this.#flush();
    });
  }

  async #flush(): Promise<void> {
    // One turn of the loop, so that runs which are at the same point share the group.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.#pending.waiters.length > 0) {
      const { text, records, waiters } = this.#pending;
      this.#pending = { text: '', records: [], waiters: [] };
      try {
        if (this.#size > this.#compactAt || this.#file === undefined) await this.#compact();
        await this.#write(
          text,
          waiters.some(({ durable }) => durable),
        );
        for (const record of records) applyRecord(this.#entries, record);
        this.#healthy = true;
        for (const { resolve } of waiters) resolve();
      } catch (err) {
        this.#healthy = false;
        const failure = new JournalError(`the agent's journal cannot be written: ${messageOf(err)}`, { cause: err });
        for (const { reject } of waiters) reject(failure);
      }
    }
    this.#flushing = undefined;
  }

  async #write(text: string, durable: boolean): Promise<void> {
    const file = this.#file;
    if (file === undefined) throw new Error('the file is not open');
    try {
      await file.appendFile(text);
      if (durable) await file.datasync();
      this.#size += Buffer.byteLength(text);
    } catch (err) {
      // A part may be in the file, and after a failed fsync nobody knows what is: begin a new one next time.
      this.#file = undefined;
      await file.truncate(this.#size).catch(() => undefined);
      await file.close().catch(() => undefined);
      throw err;
    }
  }

  /** Replaces the file by one that holds only what is open. A crash leaves either the old or the new one. */
  async #compact(): Promise<void> {
    const text = [...this.#entries.values()].flatMap(recordsOf).map(encodeRecord).join('');
    const fresh = `${this.#path}.new`;
    const handle = await open(fresh, 'w', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(fresh, this.#path);
    const folder = await open(dirname(this.#path), 'r');
    await folder.sync().finally(() => folder.close());
    await this.#file?.close();
    this.#file = undefined;
    this.#file = await this.#openFile(this.#path);
    this.#size = Buffer.byteLength(text);
    this.#compactAt = Math.max(COMPACT_BYTES, 4 * this.#size);
  }
}

const messageOf = (err: unknown): string => (err instanceof Error ? err.message : String(err));
