import { usageOf } from './process-usage.ts';

const INTERVAL_MS = 50;

/** The most memory that processes have had since it was made, looked at twenty times a second. */
export class PeakMemory {
  readonly #pids: Readonly<Record<string, number>>;
  readonly #before: Readonly<Record<string, number>>;
  readonly #peaks = new Map<string, number>();
  readonly #timer = setInterval(() => this.#look(), INTERVAL_MS);

  constructor(pids: Readonly<Record<string, number>>) {
    this.#pids = pids;
    this.#before = Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, usageOf(pid).rssMb]));
    this.#look();
  }

  /** `agent 120 (100), …`: the peak of each, and what it had in the beginning. */
  end(): string {
    this.#look();
    clearInterval(this.#timer);
    return [...this.#peaks]
      .map(([name, peak]) => `${name} ${peak.toFixed(0)} (${(this.#before[name] ?? 0).toFixed(0)})`)
      .join(', ');
  }

  #look(): void {
    for (const [name, pid] of Object.entries(this.#pids))
      this.#peaks.set(name, Math.max(this.#peaks.get(name) ?? 0, usageOf(pid).rssMb));
  }
}
