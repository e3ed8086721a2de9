import { describe, expect, it } from 'vitest';
import type { TestConsumer } from '../../../test/sync/consumer.ts';
import type { Fault } from '../../../test/sync/faults.ts';
import type { Credential } from '../../executors/executor.ts';
import type { ActionResult } from '../driver-action.ts';
import { PusherError } from '../pusher.ts';
import type { PusherDriver, PushSession } from '../pusher.ts';
import { TASK, messages, never, openPusher, updateOf } from './describe-pusher.ts';
import type { PusherUnderTest } from './describe-pusher.ts';

/** A kind of pusher that pushes over a network, with a consumer that wants `credential`. */
export interface RemotePusherUnderTest extends PusherUnderTest {
  readonly consumer: TestConsumer;
  readonly wrong: Credential;
  /** What may not be seen in errors: the secrets of both credentials, that of `credential` first. */
  readonly secrets: readonly [string, ...string[]];
  /** Whether the consumer refuses a second session, instead of letting it take the place of the first. */
  readonly refusesSecond: boolean;
}

/** The error that a call rejects with. */
async function failureOf(call: Promise<unknown>): Promise<PusherError> {
  const err = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(err).toBeInstanceOf(PusherError);
  return err as PusherError;
}

/** What every pusher does that pushes to a consumer over a network. `make` is called for each test. */
export function describeRemotePusher(driver: PusherDriver, make: () => Promise<RemotePusherUnderTest>): void {
  const openSession = async (under: PusherUnderTest): Promise<PushSession> =>
    openPusher(driver, under).openSession(TASK, never());

  describe(`a pusher of the driver ${driver.name} over a network`, () => {
    it('has actions that tell a right login from a wrong one, and a server from none', async () => {
      const under = await make();
      const { consumer } = under;
      const act = (
        name: 'test_connection' | 'check_privileges',
        more: Partial<PusherUnderTest> = {},
      ): Promise<ActionResult> => {
        const { endpoint, credential } = { ...under, ...more };
        const action = driver.actions[name];
        if (action === undefined) throw new Error(`${driver.name} has no ${name}`);
        return action({ endpoint, credential, adminCreds: undefined, driverParams: {} }, never());
      };
      expect((await act('test_connection')).success).toBe(true);
      expect((await act('check_privileges')).success).toBe(true);
      const refused = await act('check_privileges', { credential: under.wrong });
      expect(refused.success).toBe(false);
      await consumer.close();
      const gone = await act('test_connection');
      expect(gone.success).toBe(false);
      for (const secret of under.secrets) expect(refused.message + gone.message).not.toContain(secret);
      expect((await act('test_connection', { endpoint: '' })).success).toBe(false);
    });

    it.each([
      [401, 'AuthenticationFailed', false],
      [403, 'AuthenticationFailed', false],
      [400, 'ConsumerRefused', true],
      [419, 'SessionObsolete', false],
      [429, 'ConsumerUnavailable', true],
      [500, 'ConsumerUnavailable', true],
      [503, 'ConsumerUnavailable', true],
      [307, 'ConfigurationInvalid', false],
    ] as const)('makes of HTTP %i %s, after one try', async (status, reason, retryable) => {
      const under = await make();
      const { consumer } = under;
      const session = await openSession(under);
      // Whatever the consumer says of the login is not passed on.
      const body = JSON.stringify({ detail: `no, ${under.secrets[0]}` });
      const headers = { location: `${consumer.url}/batch?${under.secrets[0]}` };
      consumer.control({ faults: [{ on: 'push', do: status, body, headers }] });
      const calls = consumer.calls.length;
      const err = await failureOf(session.push(messages(updateOf(1)), never()));
      expect(err).toMatchObject({ reason, retryable, status });
      expect(consumer.calls.length).toBe(calls + 1);
      for (const secret of under.secrets) expect(err.message).not.toContain(secret);
      expect(consumer.position()).toBe(-1);
      await session.push(messages(updateOf(1)), never());
      expect(consumer.position()).toBe(1);
    });

    it('tells a refused login from a consumer that is not there', async () => {
      const under = await make();
      const { consumer } = under;
      const refused = await failureOf(
        openPusher(driver, under, { credential: under.wrong }).openSession(TASK, never()),
      );
      expect(refused).toMatchObject({ reason: 'AuthenticationFailed', retryable: false });
      const session = await openSession(under);
      await consumer.close();
      for (const err of [
        await failureOf(openPusher(driver, under).openSession(TASK, never())),
        await failureOf(session.push(messages(updateOf(1)), never())),
        await failureOf(session.heartbeat(never())),
      ])
        expect(err).toMatchObject({ reason: 'ConnectionFailed', retryable: true, status: undefined });
    });

    it('says that the connection broke, and pushes again over another', async () => {
      const under = await make();
      const { consumer } = under;
      const session = await openSession(under);
      const fault: Fault = { on: 'push', do: 'reset', applied: true };
      consumer.control({ faults: [fault] });
      const err = await failureOf(session.push(messages(updateOf(1)), never()));
      expect(err).toMatchObject({ reason: 'ConnectionFailed', retryable: true });
      await session.push(messages(updateOf(1), updateOf(2)), never());
      expect(consumer.position()).toBe(2);
      expect(consumer.violations).toEqual([]);
    });

    it('beats while a push is not answered, and gives the push up when it is stopped', async () => {
      const under = await make();
      const { consumer } = under;
      const session = await openSession(under);
      consumer.control({ faults: [{ on: 'push', do: 'silence' }] });
      const stop = new AbortController();
      const push = session.push(messages(updateOf(1)), stop.signal);
      const ended = expect(push).rejects.toThrow('stopped');
      await expect.poll(() => consumer.core.faults.left).toBe(0);
      await session.heartbeat(never());
      stop.abort(new Error('stopped'));
      await ended;
      expect(consumer.counts.heartbeats).toBe(1);
    });

    it('does not wait for a silent consumer for ever', async () => {
      const under = await make();
      const { consumer } = under;
      const session = await openSession(under);
      consumer.control({ faults: [{ on: 'heartbeat', do: 'silence' }] });
      expect(await failureOf(session.heartbeat(never()))).toMatchObject({ reason: 'Timeout', retryable: true });
    });

    it('is superseded by the session of another', async () => {
      const under = await make();
      const { consumer } = under;
      const first = await openSession(under);
      if (under.refusesSecond) consumer.core.sessions.close(first.id);
      const second = await openSession(under);
      expect(await failureOf(first.push(messages(updateOf(1)), never()))).toMatchObject({ reason: 'SessionObsolete' });
      expect(await failureOf(first.heartbeat(never()))).toMatchObject({ reason: 'SessionObsolete' });
      await second.push(messages(updateOf(1)), never());
      expect(consumer.position()).toBe(1);
    });

    it('refuses configurations that cannot be before it connects', async () => {
      const under = await make();
      const { consumer } = under;
      const { host } = new URL(under.endpoint);
      for (const more of [
        { endpoint: 'no address' },
        { endpoint: 'ftp://127.0.0.1/' },
        { endpoint: under.endpoint.replace('//', '//user:secret-of-a-url@') },
        { credential: { data: { key: 'two\nlines' }, allowedHosts: undefined } },
        { credential: { data: { key: 'k' }, allowedHosts: ['elsewhere.example'] } },
        { driverParams: { ca: 1 } },
        { driverParams: { verify_ssl: 'no' } },
      ]) {
        const err = await failureOf(Promise.resolve().then(() => openPusher(driver, under, more)));
        expect(err).toMatchObject({ reason: 'ConfigurationInvalid', retryable: false });
        expect(err.message).not.toMatch(/secret-of-a-url|two/);
      }
      openPusher(driver, under, { credential: { data: { key: 'k' }, allowedHosts: [host] } });
      expect(consumer.calls).toEqual([]);
    });
  });
}
