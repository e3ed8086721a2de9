import { closeSync, writeSync } from 'node:fs';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { PositionLostError, SourceError } from '../../source.ts';
import type { FromThread, ThreadFailure, ThreadStart, ToThread } from './thread-messages.ts';

export interface ThreadListener {
  readonly onWaiting: (paths: number) => void;
  readonly onUnreadable: (path: string) => void;
  readonly onOverflow: () => void;
  /** Nothing is answered any more. */
  readonly onFailed: (err: Error) => void;
}

/** A number other than 0 in eight bytes, as eventfd(2) takes it. */
const WAKE = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
/** What a thread may hold: the names of some million files of one folder. Beyond it the thread ends, not the agent. */
const MAX_HEAP_MIB = 1_024;

/** A thread that has not ended by then hangs. */
const CLOSE_MS = 5_000;

type Request = ToThread extends infer T ? (T extends { readonly id: number } ? Omit<T, 'id'> : never) : never;

/** The main thread's end of a thread that watches a folder. */
export class ThreadConnection {
  readonly #worker: Worker;
  readonly #listener: ThreadListener;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #ready = Promise.withResolvers<undefined>();
  readonly #started = Promise.withResolvers<{ readonly indexId: string; readonly at: number }>();
  readonly #exited = Promise.withResolvers<undefined>();
  /** The thread's own files. It does not close them: their numbers could be given away while this end still writes. */
  #files: { readonly wakeFd: number; readonly fd: number } | undefined;
  #failure: Error | undefined;
  #lastId = 0;

  constructor(start: ThreadStart, listener: ThreadListener) {
    this.#listener = listener;
    // As this file is: .ts, or .js once it was built.
    const program = new URL(`./watch-thread${extname(import.meta.filename)}`, import.meta.url);
    this.#worker = new Worker(program, {
      workerData: start,
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MIB },
    });
    for (const { promise } of [this.#ready, this.#started]) promise.catch(() => {});
    this.#worker.on('message', (message: FromThread) => this.#receive(message));
    this.#worker.on('error', (err: Error) =>
      this.#fail(
        new SourceError('WatchFailed', `the thread that watches ${start.root} failed: ${err.message}`, {
          retryable: true,
          cause: err,
        }),
      ),
    );
    this.#worker.on('exit', () => {
      if (this.#files !== undefined) for (const fd of [this.#files.wakeFd, this.#files.fd]) closeSync(fd);
      this.#files = undefined;
      this.#fail(new SourceError('Closed', `${start.root} is not watched any more`, { retryable: true }));
      this.#exited.resolve(undefined);
    });
  }

  /** Resolves when all folders are watched, with the index and a number for the place where the stream begins. */
  get started(): Promise<{ readonly indexId: string; readonly at: number }> {
    return this.#started.promise;
  }

  /** Rejects with what ended the thread. */
  async request(request: Request): Promise<unknown> {
    await this.#ready.promise;
    if (this.#failure !== undefined) throw this.#failure;
    const id = (this.#lastId += 1);
    const answer = Promise.withResolvers<unknown>();
    this.#waiting.set(id, answer);
    this.post({ ...request, id });
    return answer.promise;
  }

  post(message: ToThread): void {
    if (this.#files === undefined) return;
    this.#worker.postMessage(message);
    writeSync(this.#files.wakeFd, WAKE);
  }

  /**
   * Resolves when the thread has ended and the index is free, or when it hangs in its file system: then it ends when that answers, and
   * until then the index is in use.
   */
  async close(): Promise<void> {
    void this.request({ kind: 'close' }).catch(() => undefined);
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, CLOSE_MS);
    await Promise.race([this.#exited.promise, over]);
    clearTimeout(timer);
    this.#worker.unref();
    // Whoever waits for an answer would do so for ever.
    this.#fail(new SourceError('WatchFailed', 'the thread that watches files hangs', { retryable: true }));
  }

  #receive(message: FromThread): void {
    switch (message.kind) {
      case 'ready':
        this.#files = message;
        return this.#ready.resolve(undefined);
      case 'started':
        return this.#started.resolve(message);
      case 'answer': {
        const waiting = this.#waiting.get(message.id);
        this.#waiting.delete(message.id);
        return waiting?.resolve(message.answer);
      }
      case 'waiting':
        return this.#listener.onWaiting(message.paths);
      case 'unreadable':
        return this.#listener.onUnreadable(message.path);
      case 'overflow':
        return this.#listener.onOverflow();
      case 'failed':
        return this.#fail(errorOf(message.failure));
    }
  }

  #fail(err: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = err;
    this.#ready.reject(err);
    this.#started.reject(err);
    for (const { reject } of this.#waiting.values()) reject(err);
    this.#waiting.clear();
    this.#listener.onFailed(err);
  }
}

function errorOf({ isPositionLost, reason, message, retryable }: ThreadFailure): Error {
  return isPositionLost ? new PositionLostError(message) : new SourceError(reason, message, { retryable });
}
