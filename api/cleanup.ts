import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { DeployTask } from '../kube/types/deploytask.ts';
import { ROLLBACK_FILE_TYPE } from '../store/files.ts';
import type { FileRecord } from '../store/files.ts';
import type { Store } from '../store/store.ts';
import type { Configs } from './configs/configs.ts';
import { isFieldsBlob } from './configs/discovered-fields.ts';
import { ApiError } from './errors.ts';
import type { FileUses } from './files/file-uses.ts';
import type { ApiSettings } from './settings.ts';
import { parseBlobOwner } from './tasks/command-blob.ts';
import type { TaskName } from './tasks/task-id.ts';
import type { TaskReader } from './tasks/task-reader.ts';
import type { TaskSecrets } from './tasks/task-secrets.ts';

export interface CleanupParts {
  readonly reader: TaskReader;
  readonly secrets: TaskSecrets;
  readonly configs: Configs;
  readonly store: Store;
  readonly uses: FileUses;
  readonly settings: ApiSettings;
  readonly logger: Logger;
}

const FILES_PAGE = 1000;

/** An informer that has heard nothing for this long may have missed tasks. */
const FRESH_MS = 90_000;

/**
 * Removes what no task refers to any more, and bytes that are no file. Looks at everything each time, so it does not matter what happened while it
 * was not running; what is without a task must stay so for the grace before it goes.
 */
export class Cleanup {
  readonly #parts: CleanupParts;
  /** Since when each uid or blob has been without a task, by performance.now(). */
  #orphans = new Map<string, number>();

  constructor(parts: CleanupParts) {
    this.#parts = parts;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { store, settings, logger } = this.#parts;
    while (!signal.aborted) {
      // No task decides about files: what goes is what failed uploads and deletions left.
      await store.files
        .sweep()
        .catch((err: unknown) => logger.warn({ err }, 'removing bytes of files failed; trying again later'));
      await sleep(settings.cleanupIntervalMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.runOnce();
      } catch (err) {
        logger.warn({ err }, 'cleaning up failed; trying again later');
      }
    }
  }

  async runOnce(): Promise<void> {
    const { reader, secrets, configs, store, settings } = this.#parts;
    if (!reader.hasSynced || performance.now() - reader.lastContactAt > FRESH_MS) return;
    await this.#removeOrphans();
    const find = async (name: TaskName): Promise<DeployTask | undefined> => (await reader.getFresh(name))?.task;
    await secrets.settle({ find, known: (name) => reader.peek(name) }, new Date());
    await configs.settleSecrets(new Date());
    await this.#removeRollbackFiles();
    await store.idempotencyKeys.forget(Date.now() - settings.idempotencyKeyMs);
  }

  /** Nobody has uploaded them, so nobody would delete them. */
  async #removeRollbackFiles(): Promise<void> {
    const { reader, store, uses, settings } = this.#parts;
    const due: FileRecord[] = [];
    for (let offset = 0, total = 1; offset < total; offset += FILES_PAGE) {
      const page = await store.files.list({ limit: FILES_PAGE, offset });
      total = page.total;
      for (const record of page.records)
        if (record.contentType === ROLLBACK_FILE_TYPE && Date.now() - record.createdAt >= settings.cleanupGraceMs)
          due.push(record);
    }
    for (const { id, createdAt } of due) {
      if (reader.unfinishedWithFile(id) !== undefined) continue;
      await uses.delete(id, createdAt).catch((err: unknown) => {
        if (!(err instanceof ApiError) || err.status >= 500) throw err;
      });
    }
  }

  async #removeOrphans(): Promise<void> {
    const { reader, store } = this.#parts;
    const seen = new Map<string, number>();
    for await (const { uid } of store.streams.tasks())
      if (!reader.hasUid(uid) && this.#isDue(`stream ${uid}`, seen)) await store.streams.delete(uid);
    for await (const { id, owner } of store.blobs.list()) {
      if (isFieldsBlob(id)) continue;
      const name = parseBlobOwner(owner);
      if (reader.peek(name) !== undefined || !this.#isDue(`blob ${id}`, seen)) continue;
      if ((await reader.getFresh(name)) === undefined) await store.blobs.delete(id);
    }
    await this.#removeFields(seen);
    this.#orphans = seen;
  }

  /** Fields of sources that are gone, or that have others now. */
  async #removeFields(seen: Map<string, number>): Promise<void> {
    const { configs, store } = this.#parts;
    const directory = configs.sources.directory;
    if (!directory.hasSynced || performance.now() - directory.lastContactAt > FRESH_MS) return;
    const named = new Set(directory.list().map(({ status }) => status?.discovered?.ref));
    for await (const { id } of store.blobs.list())
      if (isFieldsBlob(id) && !named.has(id) && this.#isDue(`blob ${id}`, seen)) await store.blobs.delete(id);
  }

  #isDue(key: string, seen: Map<string, number>): boolean {
    const now = performance.now();
    const since = this.#orphans.get(key) ?? now;
    seen.set(key, since);
    return now - since >= this.#parts.settings.cleanupGraceMs;
  }
}
