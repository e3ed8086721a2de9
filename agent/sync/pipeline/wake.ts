/** Lets one waiter know that there is something new. A ring while nobody waits ends the next wait at once. */
export class Wake {
  #resolve: (() => void) | undefined;
  #rung = false;

  ring(): void {
    this.#rung = true;
    this.#resolve?.();
  }

  /** A promise of its own for each wait, so that nothing is left behind where several things are waited for. */
  wait(): Promise<void> {
    if (this.#rung) {
      this.#rung = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#resolve = () => {
        this.#resolve = undefined;
        this.#rung = false;
        resolve();
      };
    });
  }
}
