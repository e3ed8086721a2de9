import { sleep } from '../../../kube/backoff.ts';
import type { SyncLogBatch, SyncLogLine } from '../../tiangong-api.ts';

export interface LogShipperOptions {
  /** Names this process: the API drops lines of it that it has already. */
  readonly sender: string;
  /** Sends a batch; rejects when the API did not take it. */
  send(batch: SyncLogBatch, signal: AbortSignal): Promise<void>;
  /** How long to wait for more lines before a batch goes; one second unless set. */
  readonly delayMs?: number;
  /** How long to wait after a batch that could not be sent; five seconds unless set. */
  readonly retryMs?: number;
}

/** How many lines wait for the API at most; the oldest give way. */
const MAX_WAITING = 5000;
const MAX_BATCH = 500;
/** In characters; longer texts are cut. */
const MAX_MESSAGE = 4096;
const LAST_TRY_MS = 2000;

/**
 * Takes lines about syncs to the API, where people read them. They are kept in memory only: what a crash takes is in the
 * agent's own log.
 */
export class LogShipper {
  readonly #options: LogShipperOptions;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #waiting: SyncLogLine[] = [];
  #last = 0;
  #dropped = 0;
  #wake = Promise.withResolvers<void>();

  constructor(options: LogShipperOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  add({ msg, ...line }: Omit<SyncLogLine, 'n'>): void {
    this.#last += 1;
    const text = msg.length > MAX_MESSAGE ? `${msg.slice(0, MAX_MESSAGE)}…` : msg;
    this.#waiting.push({ n: this.#last, ...line, msg: text.toWellFormed() });
    if (this.#waiting.length > MAX_WAITING) {
      this.#waiting.shift();
      this.#dropped += 1;
    }
    this.#wake.resolve();
  }

  /** Tries once more to send what waits. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#wake.resolve();
    await this.#running;
    await this.#sendSome(AbortSignal.timeout(LAST_TRY_MS)).catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { delayMs = 1000, retryMs = 5000 } = this.#options;
    const closing = this.#closing.signal;
    while (!closing.aborted) {
      await this.#wake.promise;
      this.#wake = Promise.withResolvers<void>();
      await sleep(delayMs, closing);
      while (this.#waiting.length > 0 && !closing.aborted)
        await this.#sendSome(closing).catch(() => sleep(retryMs, closing));
    }
  }

  async #sendSome(signal: AbortSignal): Promise<void> {
    const lines = this.#waiting.slice(0, MAX_BATCH);
    const [first, last] = [lines[0], lines.at(-1)];
    const taken = lines.length;
    if (first === undefined || last === undefined) return;
    const dropped = this.#dropped;
    // It takes the number of a line that was dropped.
    if (dropped > 0) lines.unshift({ ...first, n: first.n - 1, level: 'WARNING', msg: droppedText(dropped) });
    await this.#options.send({ sender: this.#options.sender, lines }, signal);
    const left = this.#waiting.filter(({ n }) => n > last.n);
    // What gave way while it was being sent is there after all.
    this.#dropped -= dropped + taken - (this.#waiting.length - left.length);
    this.#waiting = left;
  }
}

const droppedText = (count: number): string =>
  `${String(count)} lines are missing here, since the API could not be reached; they are in the agent's own log`;
