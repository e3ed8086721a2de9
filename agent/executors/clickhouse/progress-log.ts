import type { OutputSink } from '../executor.ts';
import type { QueryProgress } from './session.ts';

const EVERY_MS = 1_000;
/** From then on statements that went well have no line of their own. */
const MAX_LINES = 1_000;

/** The clock of one statement. */
export interface StatementClock {
  progress(progress: QueryProgress): void;
  note(level: 'info' | 'warn', message: string): void;
  succeeded(affected: number | undefined): void;
}

/** Tells in the task's log how statements go: a line for each, and at most one a second on the way. */
export class ProgressLog {
  readonly #output: OutputSink;
  #toldAt = performance.now();
  #untold = false;

  constructor(output: OutputSink) {
    this.#output = output;
  }

  statement(number: number): StatementClock {
    const start = performance.now();
    const seconds = (): string => `${((performance.now() - start) / 1000).toFixed(3)} s`;
    return {
      progress: (progress) => {
        if (this.#isDue()) void this.#output.log('info', `Statement ${number}: ${describe(progress)}, ${seconds()}`);
      },
      note: (level, message) => void this.#output.log(level, `Statement ${number}: ${message}`),
      succeeded: (affected) => {
        this.#untold = number > MAX_LINES && !this.#isDue();
        if (this.#untold) return;
        void this.#output.log(
          'info',
          number > MAX_LINES
            ? `${number} statements executed`
            : `Statement ${number}: SUCCESS (Affected rows: ${affected ?? 'unknown'}) in ${seconds()}`,
        );
      },
    };
  }

  /** `text` has the statement's number. */
  failed(text: string): void {
    void this.#output.log('error', ...text.split('\n'));
  }

  finish(executed: number): void {
    if (this.#untold) void this.#output.log('info', `${executed} statements executed`);
  }

  #isDue(): boolean {
    const now = performance.now();
    if (now - this.#toldAt < EVERY_MS) return false;
    this.#toldAt = now;
    return true;
  }
}

function describe({ rows, bytes, totalRows }: QueryProgress): string {
  const share = totalRows > 0 ? ` (${Math.min(100, Math.floor((rows / totalRows) * 100))} %)` : '';
  return `${rows} rows, ${(bytes / 1024 / 1024).toFixed(1)} MiB${share}`;
}
