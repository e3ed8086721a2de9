import type { DeployTask } from '../../kube/types/deploytask.ts';
import type { FileRecord, Files } from '../../store/files.ts';
import { KeyedLock } from '../../store/keyed-lock.ts';
import { ApiError } from '../errors.ts';
import { formatTaskId } from '../tasks/task-id.ts';
import type { TaskReader } from '../tasks/task-reader.ts';

/** The informer sees a new task within milliseconds; after this long something is wrong with it, and it is not waited for. */
const SEEN_MS = 10_000;

/** Sees that no file is deleted that a task needs which has not ended, or which is just being created. */
export class FileUses {
  readonly #files: Files;
  readonly #reader: TaskReader;
  readonly #homeNamespace: string;
  readonly #lock = new KeyedLock();
  /** How many creates under way name each file. */
  readonly #creating = new Map<string, number>();

  constructor(files: Files, reader: TaskReader, homeNamespace: string) {
    this.#files = files;
    this.#reader = reader;
    this.#homeNamespace = homeNamespace;
  }

  async get(id: string): Promise<FileRecord> {
    const record = await this.#files.get(id);
    if (record === undefined) throw new ApiError('FileNotFound');
    return record;
  }

  /** Creates a task that names the file; rejects with the manual's `file not found` when there is none. */
  async create(id: string, create: (file: FileRecord) => Promise<DeployTask>): Promise<DeployTask> {
    const file = await this.#lock.run(id, async () => {
      const found = await this.get(id);
      this.#creating.set(id, (this.#creating.get(id) ?? 0) + 1);
      return found;
    });
    try {
      const task = await create(file);
      const { namespace = '', name } = task.metadata;
      void this.#reader.untilSeen({ namespace, name }, SEEN_MS).then(() => this.#release(id));
      return task;
    } catch (err) {
      this.#release(id);
      throw err;
    }
  }

  /** Rejects with `FileInUse` while a task that has not ended names the file. `createdAt`: as `Files.delete` has it. */
  delete(id: string, createdAt?: number): Promise<void> {
    return this.#lock.run(id, async () => {
      await this.get(id);
      if (!this.#reader.hasSynced) throw new ApiError('NotReady', undefined, { headers: { 'Retry-After': '1' } });
      const task = this.#reader.unfinishedWithFile(id);
      if (task !== undefined) {
        const { namespace = '', name } = task.metadata;
        const taskId = formatTaskId({ namespace, name }, this.#homeNamespace);
        throw new ApiError('FileInUse', `the file is used by task ${taskId}, which has not ended`);
      }
      if (this.#creating.has(id)) throw new ApiError('FileInUse', 'the file is used by a task that is being created');
      if (!(await this.#files.delete(id, createdAt))) throw new ApiError('FileNotFound');
    });
  }

  #release(id: string): void {
    const left = (this.#creating.get(id) ?? 1) - 1;
    if (left > 0) this.#creating.set(id, left);
    else this.#creating.delete(id);
  }
}
