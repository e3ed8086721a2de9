import type { ChangeListener, Informer } from '../kube/informer.ts';
import type { KubeObject } from '../kube/object.ts';

/** Lets requests wait for what an informer will see. */
export class ChangeWaiter<T extends KubeObject> {
  readonly #informer: Informer<T>;
  readonly #waiting = new Map<string, Set<(object: T | undefined) => void>>();

  constructor(informer: Informer<T>) {
    this.#informer = informer;
    informer.onChange((key, object) => {
      for (const listener of this.#waiting.get(key) ?? []) listener(object);
    });
  }

  /**
   * Resolves with true once `holds` does, of the object as it is now or as it changes (undefined: it has been
   * deleted); with false after `timeoutMs` or when the signal aborts. An object not seen yet is not asked about.
   */
  until(
    key: string,
    holds: (object: T | undefined) => boolean,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const now = this.#informer.get(key);
    if (now !== undefined && holds(now)) return Promise.resolve(true);
    if (signal?.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const end = (result: boolean): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', giveUp);
        unsubscribe();
        resolve(result);
      };
      const giveUp = (): void => end(false);
      const timer = setTimeout(giveUp, timeoutMs);
      signal?.addEventListener('abort', giveUp);
      const unsubscribe = this.#subscribe(key, (object) => {
        if (holds(object)) end(true);
      });
    });
  }

  /** Calls `listener` on every change of one object. Returns the unsubscribe function. */
  onChange(key: string, listener: () => void): () => void {
    return this.#subscribe(key, listener);
  }

  /** Calls `listener` on every change of any object. Returns the unsubscribe function. */
  onAnyChange(listener: ChangeListener<T>): () => void {
    return this.#informer.onChange(listener);
  }

  #subscribe(key: string, listener: (object: T | undefined) => void): () => void {
    const listeners = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#waiting.get(key) === listeners) this.#waiting.delete(key);
    };
  }
}
