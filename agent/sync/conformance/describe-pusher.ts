import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Credential } from '../../executors/executor.ts';
import type { PushBatch, Pusher, PusherConfig, PusherDriver, PushSession } from '../pusher.ts';
import type { SyncEvent } from '../sync-event.ts';

/** A kind of pusher with a consumer to push to. */
export interface PusherUnderTest {
  readonly endpoint: string;
  readonly credential?: Credential;
}

export const TASK = 'agent-1:t1';
const logger = pino({ level: 'silent' });
/** A signal that nobody aborts. */
export const never = (): AbortSignal => new AbortController().signal;

/** An update of one row. */
export const updateOf = (index: number, row: Record<string, unknown> = { id: index }): SyncEvent => ({
  event_type: 'update',
  fields: Object.keys(row),
  rows: [row],
  index,
  event_schema: 'shop',
  table: 'orders',
});

export const messages = (...events: readonly SyncEvent[]): PushBatch => ({
  sourceType: 'message',
  events,
  isSnapshotEnd: false,
});

export const configOf = (
  driver: string,
  more: Partial<PusherConfig> & { readonly endpoint: string },
): PusherConfig => ({
  id: 'p1',
  driver,
  credential: undefined,
  driverParams: {},
  batchSize: 100,
  maxRetries: 10,
  retryDelayMs: 5000,
  ...more,
});

/** Opens a pusher until the test has finished. */
export function openPusher(
  driver: PusherDriver,
  { endpoint, credential }: PusherUnderTest,
  more: Partial<PusherConfig> = {},
): Pusher {
  const pusher = driver.open(configOf(driver.name, { endpoint, credential, ...more }), { logger });
  onTestFinished(() => pusher.close());
  return pusher;
}

/** What every pusher does, whatever it pushes to. `make` is called for each test. */
export function describePusher(driver: PusherDriver, make: () => Promise<PusherUnderTest>): void {
  const open = (under: PusherUnderTest): Pusher => openPusher(driver, under);
  const openSession = async (under: PusherUnderTest): Promise<PushSession> => open(under).openSession(TASK, never());

  describe(`a pusher of the driver ${driver.name}`, () => {
    it('has a wizard whose checks are actions of pushers', () => {
      const ids = driver.wizard.steps.map(({ step_id: id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      for (const { schema, validations } of driver.wizard.steps) {
        expect(schema['type']).toBe('object');
        for (const name of validations) expect(Object.keys(driver.actions)).toContain(name);
      }
      const references = JSON.stringify(driver.wizard.steps).match(/#\/components\/schemas\/\w+/g) ?? [];
      for (const reference of references)
        expect(Object.keys(driver.wizard.components.schemas)).toContain(reference.split('/').at(-1));
    });

    it('knows of no index first, and then of the highest message', async () => {
      const session = await openSession(await make());
      expect(session.id).not.toBe('');
      expect(session.heartbeatIntervalMs).toBeGreaterThan(0);
      expect(session.isLeader).toBe(true);
      expect(await session.committedIndex(never())).toBe(-1);
      await session.push(messages(updateOf(5), updateOf(Number.MAX_SAFE_INTEGER - 1)), never());
      expect(await session.committedIndex(never())).toBe(Number.MAX_SAFE_INTEGER - 1);
    });

    it('moves no index by rows of a snapshot or by its end', async () => {
      const session = await openSession(await make());
      await session.push(messages(updateOf(5)), never());
      await session.push({ ...messages(updateOf(9)), sourceType: 'snapshot' }, never());
      await session.push({ events: [], sourceType: 'snapshot', isSnapshotEnd: true }, never());
      expect(await session.committedIndex(never())).toBe(5);
    });

    it('says what fields its consumer needs', async () => {
      const { properties } = await open(await make()).neededFields(never());
      for (const { type } of Object.values(properties)) expect(typeof type).toBe('string');
    });

    it('beats and is closed', async () => {
      const session = await openSession(await make());
      await session.heartbeat(never());
      await session.close(never());
    });

    it('gives the reason of a signal that is aborted already', async () => {
      const under = await make();
      const session = await openSession(under);
      const signal = AbortSignal.abort(new Error('stopped'));
      await expect(open(under).openSession(TASK, signal)).rejects.toThrow('stopped');
      await expect(session.push(messages(updateOf(1)), signal)).rejects.toThrow('stopped');
      await expect(session.heartbeat(signal)).rejects.toThrow('stopped');
    });
  });
}
