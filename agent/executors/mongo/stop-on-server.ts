import type { ClientSession, MongoClient } from 'mongodb';

/** How long the server may take to answer that it stops. */
const ASK_MS = 3_000;
export interface Stoppable {
  readonly client: MongoClient;
  readonly session: ClientSession;
  readonly comment: string;
  /** Whether the server heeds killSessions. */
  readonly stopsOnRequest: boolean;
  /** How long what was asked to stop may go on before its connection is closed, in milliseconds. */
  readonly graceMs: number;
}

/**
 * Does work that a signal can stop: the server is asked to end what the session executes, which it may do to its own
 * without further rights; what does not end then loses its connection. Settles when `work` does, at most `graceMs` and about
 * three seconds after the abort.
 */
export async function stoppable<T>(
  work: (giveUp: AbortSignal) => Promise<T>,
  signal: AbortSignal,
  on: Stoppable,
): Promise<T> {
  signal.throwIfAborted();
  const giveUp = new AbortController();
  let asked = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    const close = (): void => giveUp.abort(signal.reason);
    if (!on.stopsOnRequest) {
      close();
      return;
    }
    timer = setTimeout(close, on.graceMs);
    asked = askToStop(on);
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await work(giveUp.signal);
  } finally {
    signal.removeEventListener('abort', stop);
    clearTimeout(timer);
    await asked;
  }
}

async function askToStop({ client, session, comment }: Stoppable): Promise<void> {
  const admin = client.db('admin');
  const options = { signal: AbortSignal.timeout(ASK_MS) };
  try {
    await admin.command({ killSessions: [session.id] }, options);
  } catch {
    // Servers that only speak the protocol may know no killSessions; a user's own operations are always his to end.
    const filter = { currentOp: 1, $ownOps: true, 'command.comment': comment };
    const found = await admin.command(filter, options).catch(() => ({ inprog: [] }));
    const operations = (found['inprog'] ?? []) as readonly { readonly opid?: unknown }[];
    await Promise.all(operations.map(({ opid: op }) => admin.command({ killOp: 1, op }, options).catch(() => {})));
  }
}
