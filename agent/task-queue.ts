/** A task that waits on the agent. */
export interface QueuedTask {
  readonly uid: string;
  readonly epoch: number;
  readonly namespace: string;
  readonly name: string;
  /** The version of the object that says so; a start is conditional on it. */
  readonly resourceVersion: string;
  readonly priority: number;
  /** When the object was created, as the API server has it: to the second. */
  readonly createdAt: string;
  readonly idempotent: boolean;
}

/** By priority, higher first, then by age, then by name: names that the API makes grow with time. */
function goesBefore(a: QueuedTask, b: QueuedTask): boolean {
  if (a.priority !== b.priority) return a.priority > b.priority;
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt;
  return a.name < b.name;
}

/** The tasks that wait for a place on the agent, each once. A binary heap; what was replaced is skipped when it surfaces. */
export class TaskQueue {
  readonly #current = new Map<string, QueuedTask>();
  #heap: QueuedTask[] = [];

  get size(): number {
    return this.#current.size;
  }

  /** Adds a task, or replaces what is known of it. */
  put(task: QueuedTask): void {
    this.#current.set(task.uid, task);
    this.#heap.push(task);
    this.#rise(this.#heap.length - 1);
    if (this.#heap.length > 64 && this.#heap.length > 4 * this.#current.size) this.#rebuild();
  }

  remove(uid: string): void {
    this.#current.delete(uid);
  }

  /** Removes and returns the task whose turn it is. */
  take(): QueuedTask | undefined {
    for (let task = this.#pop(); task !== undefined; task = this.#pop()) {
      if (this.#current.get(task.uid) !== task) continue;
      this.#current.delete(task.uid);
      return task;
    }
    return undefined;
  }

  #pop(): QueuedTask | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (last !== undefined && this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#sink(0);
    }
    return first;
  }

  #rebuild(): void {
    this.#heap = [...this.#current.values()];
    for (let i = (this.#heap.length >> 1) - 1; i >= 0; i -= 1) this.#sink(i);
  }

  #rise(from: number): void {
    for (let i = from; i > 0;) {
      const parent = (i - 1) >> 1;
      if (!this.#swapIfBefore(i, parent)) return;
      i = parent;
    }
  }

  #sink(from: number): void {
    for (let i = from; ;) {
      const left = 2 * i + 1;
      const child = this.#isBefore(left + 1, left) ? left + 1 : left;
      if (!this.#swapIfBefore(child, i)) return;
      i = child;
    }
  }

  #isBefore(i: number, j: number): boolean {
    const a = this.#heap[i];
    const b = this.#heap[j];
    return a !== undefined && b !== undefined && goesBefore(a, b);
  }

  #swapIfBefore(i: number, j: number): boolean {
    const a = this.#heap[i];
    const b = this.#heap[j];
    if (a === undefined || b === undefined || !goesBefore(a, b)) return false;
    this.#heap[i] = b;
    this.#heap[j] = a;
    return true;
  }
}
