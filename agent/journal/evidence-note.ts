/** A statement may take microseconds: what is written more often than this nobody needs. */
const INTERVAL_MS = 200;

/** Passes on the newest of many texts, the first at once and then one every 200 ms at most. */
export class EvidenceNote {
  readonly #write: (text: string) => void;
  #written: string | undefined;
  #newest: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  set(text: string): void {
    this.#newest = text;
    if (this.#timer === undefined) this.#pass();
  }

  /** Passes nothing on any more. */
  end(): void {
    this.#newest = this.#written;
    clearTimeout(this.#timer);
  }

  #pass(): void {
    this.#timer = undefined;
    if (this.#newest === undefined || this.#newest === this.#written) return;
    this.#written = this.#newest;
    this.#write(this.#newest);
    this.#timer = setTimeout(() => this.#pass(), INTERVAL_MS);
    this.#timer.unref();
  }
}
