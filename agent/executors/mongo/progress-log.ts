import type { OutputSink } from '../executor.ts';

/** From this many operations on, not every one has a line of its own. */
const MANY = 1000;
const EVERY_MS = 1000;

/** The log of a sequence: a line for each operation, of a long sequence one a second, and all errors. */
export class ProgressLog {
  readonly #output: OutputSink;
  readonly #total: number;
  #count = 0;
  #toldAt = -Infinity;

  constructor(output: OutputSink, total: number) {
    this.#output = output;
    this.#total = total;
  }

  done(line: string): Promise<void> | undefined {
    this.#count += 1;
    if (this.#total <= MANY) return this.#output.log('info', line);
    const now = performance.now();
    if (now - this.#toldAt < EVERY_MS && this.#count < this.#total) return undefined;
    this.#toldAt = now;
    return this.#output.log('info', `${this.#count} of ${this.#total} operations done; the last: ${line}`);
  }

  failed(line: string): void {
    this.#count += 1;
    void this.#output.log('error', line);
  }
}
