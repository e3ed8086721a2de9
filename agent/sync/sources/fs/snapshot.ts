import type { SnapshotChunk, SnapshotCursor, SnapshotReader } from '../../snapshot.ts';
import type { SourcePosition } from '../../stream-entry.ts';
import { FIELDS, rowAt, TABLE } from './file-row.ts';
import { absolutePath } from './file-version.ts';
import type { ThreadConnection } from './thread-connection.ts';
import type { FoundPaths } from './thread-messages.ts';

interface Question {
  readonly after: string | undefined;
  readonly count: number;
  readonly answer: Promise<FoundPaths>;
}

/**
 * Reads all paths below a folder, each folder before what is in it. The thread reads the next chunk while the caller sends this one;
 * what changes meanwhile is taken out by `sees`. A change is looked at when it is taken from the stream, so the mark of a chunk is
 * the number of the last change that was taken before it was read.
 */
export class FileSnapshot implements SnapshotReader {
  readonly #connection: ThreadConnection;
  readonly #root: string;
  readonly #onClose: () => Promise<void>;
  #id = 0;
  #estimatedRows: number | undefined;
  #ahead: Question | undefined;

  /** `onClose` is called once the thread has been told. */
  static async open(connection: ThreadConnection, root: string, onClose: () => Promise<void>): Promise<FileSnapshot> {
    const snapshot = new FileSnapshot(connection, root, onClose);
    const { snapshot: id, paths } = (await connection.request({ kind: 'openSnapshot' })) as OpenedSnapshot;
    snapshot.#id = id;
    snapshot.#estimatedRows = paths;
    return snapshot;
  }

  private constructor(connection: ThreadConnection, root: string, onClose: () => Promise<void>) {
    this.#connection = connection;
    this.#root = root;
    this.#onClose = onClose;
  }

  async next(after: SnapshotCursor | undefined, rows: number, signal: AbortSignal): Promise<SnapshotChunk | undefined> {
    signal.throwIfAborted();
    const path = typeof after?.['path'] === 'string' ? after['path'] : undefined;
    const ahead = this.#ahead;
    this.#ahead = undefined;
    const question = ahead?.after === path && ahead?.count === rows ? ahead : this.#ask(path, rows);
    const found = await question.answer;
    const last = found.paths.at(-1);
    if (last === undefined) return undefined;
    this.#ahead = this.#ask(last, rows);
    return this.#chunkOf(found, last);
  }

  async close(): Promise<void> {
    await this.#connection.request({ kind: 'closeSnapshot', snapshot: this.#id }).catch(() => undefined);
    await this.#onClose();
  }

  #ask(after: string | undefined, count: number): Question {
    const answer = this.#connection.request({ kind: 'readSnapshot', snapshot: this.#id, after, count });
    // An answer that nobody asks for again may fail: whoever asks next is told.
    answer.catch(() => {});
    return { after, count, answer: answer as Promise<FoundPaths> };
  }

  #chunkOf(found: FoundPaths, last: string): SnapshotChunk {
    const { seen } = found;
    return {
      event_schema: this.#root,
      table: TABLE,
      fields: FIELDS,
      rows: found.paths.map((_, at) => rowAt(this.#root, found, at)),
      keys: found.paths.map((path) => absolutePath(this.#root, path)),
      cursor: { path: last },
      progress: {
        tablesDone: 0,
        tablesTotal: 1,
        ...(this.#estimatedRows !== undefined && { estimatedRows: this.#estimatedRows }),
      },
      sees: (transaction) => typeof transaction === 'number' && transaction <= seen,
      isCoveredBy: ({ at }: SourcePosition) => typeof at === 'number' && at >= seen,
    };
  }
}

interface OpenedSnapshot {
  readonly snapshot: number;
  /** How many paths the consumer was told of; undefined where nothing is watched. */
  readonly paths: number | undefined;
}
