/** A watcher that leaves more than this unread is cut off: it lists and watches afresh, as clients do. In characters. */
const MAX_UNREAD = 32 * 1024 * 1024;

/** Text that is produced as things happen and read as fast as the client takes it; bounded. */
export class EventStream {
  #chunks: string[] = [];
  #unread = 0;
  #ended = false;
  #wake: (() => void) | undefined;
  #onClose: (() => void) | undefined;
  #onTaken: (() => void) | undefined;
  #notified = false;

  /** `onClose` is called once, when either side ends the stream. */
  constructor(onClose: () => void) {
    this.#onClose = onClose;
  }

  /** Whether everything was said: `take` gives what is left. */
  get ended(): boolean {
    return this.#ended;
  }

  push(text: string): void {
    if (this.#ended) return;
    this.#chunks.push(text);
    this.#unread += text.length;
    if (this.#unread > MAX_UNREAD) {
      this.#chunks = [];
      this.end();
    } else this.#notify();
  }

  /** The producer's side: nothing more comes. What is unread can still be read. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#close();
    this.#notify();
  }

  /** The reader's side: nobody reads any more. */
  cancel(): void {
    this.#chunks = [];
    this.end();
  }

  /** Everything unread, as one text; empty when there is nothing. */
  take(): string {
    const [only = ''] = this.#chunks;
    const text = this.#chunks.length > 1 ? this.#chunks.join('') : only;
    this.#chunks = [];
    this.#unread = 0;
    this.#onTaken?.();
    return text;
  }

  /** Resolves when the reader took what was pushed, or the stream has ended: for producers that can wait. */
  async taken(): Promise<void> {
    if (this.#unread === 0 || this.#ended) return;
    await new Promise<void>((resolve) => (this.#onTaken = resolve));
    this.#onTaken = undefined;
  }

  /** Sets what is called when there is something to take, or the end; at once if there is already. */
  onReadable(wake: () => void): void {
    this.#wake = wake;
    if (this.#ended || this.#chunks.length > 0) this.#notify();
  }

  /** One call for all events of one commit: they are read together. */
  #notify(): void {
    if (this.#notified || this.#wake === undefined) return;
    this.#notified = true;
    queueMicrotask(() => {
      this.#notified = false;
      this.#wake?.();
    });
  }

  #close(): void {
    const onClose = this.#onClose;
    this.#onClose = undefined;
    onClose?.();
    this.#onTaken?.();
  }
}
