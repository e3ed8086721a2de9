import type { Target } from '../../../connections/target.ts';
import { TaskFailure } from '../../../task-failure.ts';
import { ExecutionTimeout } from '../../database/deadline.ts';
import { maskSecrets } from '../../database/mask-secrets.ts';
import { Pools } from '../../database/pools.ts';
import { SessionPool } from '../../database/session-pool.ts';
import { TaskAborted } from '../../executor.ts';
import { isLoginRefused, networkText } from '../failure.ts';
import { isLost, isServerError } from './server-error.ts';
import { MysqlSession } from './session.ts';
import type { Flavour } from './session.ts';

type Again = (attempt: () => Promise<MysqlSession>) => Promise<MysqlSession>;

/** Lends the sessions of the pools of all targets. */
export class SessionLender {
  readonly #pools: Pools<SessionPool<MysqlSession>>;

  /** `flavour`: of servers that do not tell it themselves. */
  constructor(flavour?: Flavour) {
    const options = flavour === undefined ? {} : { flavour };
    this.#pools = new Pools({
      open: (target) =>
        new SessionPool(async () => {
          const session = await MysqlSession.connect(target, options);
          await session.rememberRole();
          return session;
        }),
      close: (pool) => pool.close(),
    });
  }

  close(): Promise<void> {
    return this.#pools.close();
  }

  /** Does the work with a session, which `again` may ask for several times. Rejects with `TaskFailure` when there is none, or it is lost while nothing is executed yet, else as the work. */
  async use<T>(
    target: Target,
    signal: AbortSignal,
    work: (session: MysqlSession) => Promise<T>,
    again: Again = (attempt) => attempt(),
  ): Promise<T> {
    const lease = this.#pools.lease(target);
    try {
      const session = await again(() => acquire(lease.pool, target, signal));
      try {
        return await work(session);
      } catch (err) {
        throw lossBeforeWork(err, target) ?? err;
      } finally {
        if (signal.aborted) await session.end();
        await lease.pool.release(session);
      }
    } finally {
      lease.release();
    }
  }
}

async function acquire(pool: SessionPool<MysqlSession>, target: Target, signal: AbortSignal): Promise<MysqlSession> {
  try {
    return await pool.acquire(signal);
  } catch (err) {
    if (err instanceof ExecutionTimeout) throw new TaskFailure('TimeoutExceeded', err.message);
    if (err instanceof TaskAborted) throw new TaskFailure('Aborted', err.message);
    const reason = isLoginRefused(err) ? 'AuthenticationFailed' : 'ConnectionFailed';
    throw new TaskFailure(
      reason,
      `connection failed: ${target.label}: ${maskSecrets(networkText(err), target.secrets)}`,
    );
  }
}

/** What the work itself has no statement to blame for: it asks the server a few things before its first one. */
function lossBeforeWork(err: unknown, { label, secrets }: Target): TaskFailure | undefined {
  const text = `${label}: ${maskSecrets(networkText(err), secrets)}`;
  if (isLost(err)) return new TaskFailure('ConnectionLost', `connection lost: ${text}`, { cause: err });
  return isServerError(err) ? new TaskFailure('ConnectionFailed', text, { cause: err }) : undefined;
}
