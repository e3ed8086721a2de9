/** Lets one at a time do something, in the order in which they ask. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  async take<R>(act: () => Promise<R>): Promise<R> {
    const mine = this.#last.then(act);
    this.#last = mine.catch(() => undefined);
    return await mine;
  }
}
