import { randomUUID } from 'node:crypto';

export interface Session {
  readonly id: string;
  readonly taskId: string;
  seenAt: number;
  /** Pushes that are not answered. */
  inFlight: number;
  /** The highest index of a message that it brought. */
  lastIndex: number;
}

/** Why a call of a session is refused. */
export type SessionRefusal = 'superseded' | 'expired' | 'unknown';

/** The sessions of a consumer: one for each task, the newest. They are lost with the process. */
export class Sessions {
  readonly #byTask = new Map<string, Session>();
  /** Ids that a newer session has taken the place of. */
  readonly #superseded = new Set<string>();
  timeoutSeconds: number;

  constructor(timeoutSeconds: number) {
    this.timeoutSeconds = timeoutSeconds;
  }

  open(taskId: string): Session {
    const older = this.#byTask.get(taskId);
    if (older !== undefined) this.#superseded.add(older.id);
    const session: Session = {
      id: `sess-${randomUUID()}`,
      taskId,
      seenAt: performance.now(),
      inFlight: 0,
      lastIndex: -1,
    };
    this.#byTask.set(taskId, session);
    return session;
  }

  /** The session of a call, which keeps it alive; or why there is none. */
  use(id: string): Session | SessionRefusal {
    if (this.#superseded.has(id)) return 'superseded';
    for (const session of this.#byTask.values()) {
      if (session.id !== id) continue;
      const now = performance.now();
      if (this.#isExpired(session)) return 'expired';
      session.seenAt = now;
      return session;
    }
    return 'unknown';
  }

  close(id: string): void {
    for (const [taskId, session] of this.#byTask) if (session.id === id) this.#byTask.delete(taskId);
  }

  /** Those that are neither closed nor expired, oldest first. */
  active(): readonly Session[] {
    return [...this.#byTask.values()].filter((session) => !this.#isExpired(session));
  }

  #isExpired(session: Session): boolean {
    return performance.now() - session.seenAt > this.timeoutSeconds * 1000;
  }
}
