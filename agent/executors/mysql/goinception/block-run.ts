import { setTimeout as delay } from 'node:timers/promises';
import { abortable } from '../../database/deadline.ts';
import { InceptionConnection, InceptionLost } from './goinception-connection.ts';
import type { InceptionProcess } from './goinception-connection.ts';
import type { InceptionRow } from './result-row.ts';

export interface BlockRunOptions {
  readonly address: { readonly host: string; readonly port: number };
  /** Where the text goes, to know its process again. */
  readonly target: { readonly host: string; readonly port: number };
  /** Option comment, magic words and statements. */
  readonly text: string;
  readonly signal: AbortSignal;
  /** How long goInception may take to answer after it was asked to end. */
  readonly graceMs: number;
  /** It has its connection and sends the text now. */
  readonly sending: (connectionId: number) => void;
  /** How far it is, when that has changed: at most once a second. */
  readonly progress: (process: InceptionProcess) => void;
}

/** How goInception ended with a text. */
export type BlockEnd =
  /** It answered, perhaps after it was asked to end. */
  | { readonly kind: 'answered'; readonly rows: readonly InceptionRow[] }
  /** Nothing was executed: it was not reached, or refused the text as a whole. */
  | { readonly kind: 'refused'; readonly error: Error; readonly sent: boolean }
  /** It has the text and gave no answer. */
  | { readonly kind: 'lost'; readonly error: Error; readonly last: InceptionProcess | undefined };

const POLL_MS = 1000;
const KILL_AGAIN_MS = 2000;
/** How long a lost text may still be looked for. */
const FAREWELL_MS = 4000;

/**
 * Sends one text and waits for the answer. goInception goes on with a text when its client goes away, so it is told to
 * end it (`kill` on another connection) when the signal aborts and when the connection is lost; it does so after the
 * statement that it is executing.
 */
export async function runBlock(options: BlockRunOptions): Promise<BlockEnd> {
  const { address, signal } = options;
  let main: InceptionConnection;
  try {
    signal.throwIfAborted();
    const connecting = InceptionConnection.connect(address);
    main = await abortable(connecting, signal).catch((err: unknown) => {
      connecting.then((late) => late.destroy()).catch(() => undefined);
      throw err;
    });
  } catch (err) {
    return { kind: 'refused', error: err as Error, sent: false };
  }
  const side = new SideConnection(address);
  const ended = new AbortController();
  const watch: { last: InceptionProcess | undefined } = { last: undefined };
  const stop = (): void => {
    void endAfterGrace(options, main, side, ended.signal);
  };
  try {
    if (signal.aborted) return { kind: 'refused', error: signal.reason as Error, sent: false };
    options.sending(main.id);
    signal.addEventListener('abort', stop, { once: true });
    void follow(options, main.id, side, watch, ended.signal);
    return { kind: 'answered', rows: await main.audit(options.text) };
  } catch (err) {
    const error = err as Error;
    // An error instead of an answer comes from before the execution, if that was not seen; a wrong answer tells nothing.
    const begun = watch.last?.state === 'EXECUTING' || watch.last?.state === 'BACKUP';
    if ('sqlState' in error && !begun) return { kind: 'refused', error, sent: true };
    if (error instanceof InceptionLost && !signal.aborted) await killLost(options, main.id, side);
    return { kind: 'lost', error: signal.aborted ? (signal.reason as Error) : error, last: watch.last };
  } finally {
    ended.abort();
    signal.removeEventListener('abort', stop);
    main.destroy();
    side.close();
  }
}

/** A second connection, opened when it is needed and again when it broke. */
class SideConnection {
  readonly #address: BlockRunOptions['address'];
  #connection: Promise<InceptionConnection> | undefined;
  #closed = false;

  constructor(address: BlockRunOptions['address']) {
    this.#address = address;
  }

  async use<T>(work: (connection: InceptionConnection) => Promise<T>): Promise<T> {
    if (this.#closed) throw new InceptionLost('the connection was closed');
    this.#connection ??= InceptionConnection.connect(this.#address);
    const mine = this.#connection;
    try {
      return await work(await mine);
    } catch (err) {
      if (this.#connection === mine) this.#connection = undefined;
      void mine.then((connection) => connection.destroy()).catch(() => undefined);
      throw err;
    }
  }

  close(): void {
    this.#closed = true;
    this.#connection?.then((connection) => connection.destroy()).catch(() => undefined);
  }
}

/** Tells how far it is; what cannot be asked now may be the next time. */
async function follow(
  { progress }: BlockRunOptions,
  id: number,
  side: SideConnection,
  watch: { last: InceptionProcess | undefined },
  ended: AbortSignal,
): Promise<void> {
  for (;;) {
    await pause(POLL_MS, ended);
    if (ended.aborted) return;
    const found = await side.use((connection) => connection.processes()).catch(() => []);
    const mine = found.find((process) => process.id === id);
    if (mine === undefined || ended.aborted) continue;
    const changed = mine.state !== watch.last?.state || mine.percent !== watch.last.percent;
    watch.last = mine;
    if (changed) progress(mine);
  }
}

async function endAfterGrace(
  { graceMs }: BlockRunOptions,
  main: InceptionConnection,
  side: SideConnection,
  ended: AbortSignal,
): Promise<void> {
  const until = performance.now() + graceMs;
  while (!ended.aborted && performance.now() < until) {
    const killing = side
      .use((connection) => connection.kill(main.id))
      .then(
        () => true,
        () => false,
      );
    const killed = await Promise.race([killing, pause(until - performance.now(), ended).then(() => false)]);
    await pause(killed ? until - performance.now() : Math.min(KILL_AGAIN_MS, until - performance.now()), ended);
  }
  if (!ended.aborted) main.destroy();
}

/** The number may by now be another's, if goInception was started anew. */
async function killLost({ target }: BlockRunOptions, id: number, side: SideConnection): Promise<void> {
  const work = side.use(async (connection) => {
    const found = await connection.processes();
    const mine = found.find((process) => process.id === id);
    const isOurs = mine?.destPort === target.port && mine.destHost.replace(/^\[|\]$/g, '') === target.host;
    if (isOurs) await connection.kill(id);
  });
  await Promise.race([work.catch(() => undefined), delay(FAREWELL_MS, undefined, { ref: false })]);
}

async function pause(ms: number, ended: AbortSignal): Promise<void> {
  await delay(Math.max(0, ms), undefined, { signal: ended }).catch(() => undefined);
}
