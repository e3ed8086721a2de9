/** Counts how many of something each agent has. */
export class AgentCounts {
  readonly #counts = new Map<string, number>();
  readonly #agents = new Map<string, string>();

  of(agent: string): number {
    return this.#counts.get(agent) ?? 0;
  }

  /** Which agent has the thing of this key from now on; undefined: none. */
  set(key: string, agent: string | undefined): void {
    const before = this.#agents.get(key);
    if (before === agent) return;
    if (before !== undefined) this.#add(before, -1);
    if (agent === undefined) this.#agents.delete(key);
    else {
      this.#agents.set(key, agent);
      this.#add(agent, 1);
    }
  }

  #add(agent: string, change: number): void {
    const count = this.of(agent) + change;
    if (count === 0) this.#counts.delete(agent);
    else this.#counts.set(agent, count);
  }
}
