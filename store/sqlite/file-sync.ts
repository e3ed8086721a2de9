import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** A disk that is told to keep what was written once a second is not kept from other work. */
const INTERVAL_MS = 1000;

/** Has the disk keep what was written to a file, at most a second later, without holding up whoever wrote. */
export class FileSync {
  readonly #file: string;
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;
  #asked = false;

  constructor(file: string) {
    this.#file = file;
  }

  /** Something was written. */
  request(): void {
    this.#asked = true;
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#asked) {
      await sleep(INTERVAL_MS, undefined, { signal: this.#closing.signal, ref: false }).catch(() => undefined);
      this.#asked = false;
      // A failure shows at the next write, too.
      await syncFile(this.#file).catch(() => undefined);
    }
  }
}

async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    await handle.datasync();
  } finally {
    await handle.close();
  }
}
