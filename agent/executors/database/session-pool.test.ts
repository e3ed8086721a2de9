import { describe, expect, it } from 'vitest';
import { SessionPool } from './session-pool.ts';
import type { PooledSession } from './session-pool.ts';

class Session implements PooledSession {
  openedAt = performance.now();
  transaction = 'none';
  broken: Error | undefined;
  readonly executed: string[] = [];
  ended = false;
  /** What the next check meets. */
  failure: Error | undefined;

  async execute(text: string): Promise<void> {
    this.executed.push(text);
    if (this.failure !== undefined) throw this.failure;
  }

  forget(): Promise<void> {
    return this.execute('FORGET');
  }

  async end(): Promise<void> {
    this.ended = true;
  }
}

const never = new AbortController().signal;
const open = async (): Promise<Session> => new Session();

describe('SessionPool', () => {
  it('gives a session again, clean and checked', async () => {
    const pool = new SessionPool(open);
    const first = await pool.acquire(never);
    await pool.release(first);
    expect(await pool.acquire(never)).toBe(first);
    expect(first.executed).toEqual(['FORGET', 'SELECT 1']);
  });

  it.each([
    ['broken', (session: Session) => (session.broken = new Error('gone'))],
    ['in a transaction', (session: Session) => (session.transaction = 'open')],
    ['too old', (session: Session) => (session.openedAt -= 3_600_001)],
    ['not to be cleaned', (session: Session) => (session.failure = new Error('refused'))],
  ])('closes a session that is %s when it is released', async (_, spoil) => {
    const pool = new SessionPool(open);
    const session = await pool.acquire(never);
    spoil(session);
    await pool.release(session);
    expect([session.ended, pool.size, pool.idle]).toEqual([true, 0, 0]);
  });

  it.each([
    ['does not answer', (session: Session) => (session.failure = new Error('silence'))],
    ['broke while it was idle', (session: Session) => (session.broken = new Error('gone'))],
    ['became too old', (session: Session) => (session.openedAt -= 3_600_001)],
  ])('replaces an idle session that %s', async (_, spoil) => {
    const pool = new SessionPool(open);
    const first = await pool.acquire(never);
    await pool.release(first);
    spoil(first);
    expect(await pool.acquire(never)).not.toBe(first);
    expect([first.ended, pool.size]).toEqual([true, 1]);
  });

  it('keeps five of ten', async () => {
    const pool = new SessionPool(open);
    const sessions = await Promise.all(Array.from({ length: 10 }, () => pool.acquire(never)));
    await Promise.all(sessions.map((session) => pool.release(session)));
    expect([pool.size, pool.idle]).toEqual([5, 5]);
  });

  it('lets the eleventh wait for its turn', async () => {
    const pool = new SessionPool(open);
    const sessions = await Promise.all(Array.from({ length: 10 }, () => pool.acquire(never)));
    const eleventh = pool.acquire(never);
    await pool.release(sessions[3]!);
    expect(await eleventh).toBe(sessions[3]);
    expect(pool.size).toBe(10);
  });

  it('gives the turn of one that was aborted to the next', async () => {
    const pool = new SessionPool(open, { maxOpen: 1 });
    const session = await pool.acquire(never);
    const controller = new AbortController();
    const aborted = pool.acquire(controller.signal);
    const next = pool.acquire(never);
    controller.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    await pool.release(session);
    expect(await next).toBe(session);
  });

  it('does not lose a place when a session cannot be opened', async () => {
    let opened = 0;
    const pool = new SessionPool(
      async () => {
        opened += 1;
        if (opened === 1) throw new Error('refused');
        return new Session();
      },
      { maxOpen: 1 },
    );
    const first = pool.acquire(never);
    const second = pool.acquire(never);
    await expect(first).rejects.toThrow('refused');
    expect(await second).toBeInstanceOf(Session);
  });

  it('keeps a session that is opened too late for whoever asked', async () => {
    const opened = Promise.withResolvers<Session>();
    const pool = new SessionPool(() => opened.promise, { maxOpen: 1 });
    const controller = new AbortController();
    const late = pool.acquire(controller.signal);
    controller.abort(new Error('enough'));
    await expect(late).rejects.toThrow('enough');
    opened.resolve(new Session());
    expect(await pool.acquire(never)).toBe(await opened.promise);
  });

  it('closes idle sessions at once and others when they come back', async () => {
    const pool = new SessionPool(open);
    const [used, idle] = await Promise.all([pool.acquire(never), pool.acquire(never)]);
    await pool.release(idle);
    await pool.close();
    expect([idle.ended, used.ended]).toEqual([true, false]);
    await pool.release(used);
    expect([used.ended, pool.size]).toEqual([true, 0]);
    await expect(pool.acquire(never)).rejects.toThrow('stopping');
  });
});
