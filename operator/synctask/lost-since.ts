import type { Presence } from '../deploytask/world.ts';

/** Remembers since when agents have been lost, by the operator's own monotonic clock. */
export class LostSince {
  readonly #since = new Map<string, number>();
  readonly #presence: (agent: string) => Presence;
  readonly #clock: () => number;

  /** `clock`: the monotonic time in milliseconds. */
  constructor(presence: (agent: string) => Presence, clock: () => number = () => performance.now()) {
    this.#presence = presence;
    this.#clock = clock;
  }

  /** Looks at an agent again; call it whenever its presence may have changed. */
  observe(agent: string): void {
    if (!this.#presence(agent).lost) this.#since.delete(agent);
    else if (!this.#since.has(agent)) this.#since.set(agent, this.#clock());
  }

  /** For how long the agent has been known to be lost; 0 while it is not. */
  forMs(agent: string): number {
    this.observe(agent);
    const since = this.#since.get(agent);
    return since === undefined ? 0 : this.#clock() - since;
  }
}
