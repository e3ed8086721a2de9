/** What a consumer is asked for. `message` and `snapshot` are the two kinds of pushes. */
export type CallKind = 'session' | 'position' | 'heartbeat' | 'message' | 'snapshot' | 'close' | 'document';

/** What a consumer does with a call instead of what it should. */
export interface Fault {
  /** Which calls: one kind, both kinds of pushes, or all calls. */
  readonly on: CallKind | 'push' | 'any';
  /** An answer with this status; `silence` never answers; `reset` ends the connection with RST; `delay` is late and then right. */
  readonly do: number | 'silence' | 'reset' | 'delay';
  /** How many calls; 1 unless set. */
  readonly times?: number;
  /** The work is done all the same, and only the answer is lost or bad. A 2xx always does the work. */
  readonly applied?: boolean;
  /** The answer's body; by default `{"detail": …}`, of a 204 nothing. */
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** For `delay`. */
  readonly delayMs?: number;
}

/** The faults that are still to come, in the order in which they were asked for. */
export class Faults {
  #waiting: { readonly fault: Fault; left: number }[] = [];

  add(faults: readonly Fault[]): void {
    for (const fault of faults) this.#waiting.push({ fault, left: fault.times ?? 1 });
  }

  clear(): void {
    this.#waiting = [];
  }

  get left(): number {
    return this.#waiting.reduce((sum, { left }) => sum + left, 0);
  }

  /** The first fault that is meant for a call of this kind; it is used up by that. */
  take(kind: CallKind): Fault | undefined {
    const found = this.#waiting.find(({ fault }) => isMeantFor(fault, kind));
    if (found === undefined) return undefined;
    found.left -= 1;
    if (found.left <= 0) this.#waiting = this.#waiting.filter((each) => each !== found);
    return found.fault;
  }
}

function isMeantFor({ on }: Fault, kind: CallKind): boolean {
  if (on === 'any') return kind !== 'document';
  return on === 'push' ? kind === 'message' || kind === 'snapshot' : on === kind;
}
