import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TestConsumer } from '../../../../test/sync/consumer.ts';
import type { ListenOptions } from '../../../../test/sync/consumer.ts';
import { configOf, describePusher, messages, updateOf } from '../../conformance/describe-pusher.ts';
import { describeRemotePusher } from '../../conformance/describe-remote-pusher.ts';
import type { RemotePusherUnderTest } from '../../conformance/describe-remote-pusher.ts';
import type { Pusher, PusherConfig } from '../../pusher.ts';
import { fusionPaths } from './fusion-paths.ts';
import { fusionPusher } from './index.ts';

const signal = new AbortController().signal;
const key = (value: string) => ({ data: { key: value }, allowedHosts: undefined });

async function listen(options: ListenOptions = {}): Promise<TestConsumer> {
  const consumer = await TestConsumer.listen(options);
  onTestFinished(() => consumer.close());
  return consumer;
}

function open(consumer: TestConsumer, more: Partial<PusherConfig> = {}): Pusher {
  const config = configOf('fusion', { endpoint: consumer.url, ...more });
  const pusher = fusionPusher.open(config, { logger: pino({ level: 'silent' }) });
  onTestFinished(() => pusher.close());
  return pusher;
}

async function underTest(): Promise<RemotePusherUnderTest> {
  const consumer = await listen({ auth: { apiKey: 'the-right-key' } });
  return {
    endpoint: consumer.fusionEndpoint,
    credential: key('the-right-key'),
    consumer,
    wrong: key('the-wrong-key'),
    secrets: ['the-right-key', 'the-wrong-key'],
    refusesSecond: true,
  };
}

describePusher(fusionPusher, underTest);
describeRemotePusher(fusionPusher, underTest);

describe('FusionPusher', () => {
  it('is refused beside an active session, and let in when that has closed', async () => {
    const consumer = await listen();
    const first = await open(consumer).openSession('a:t1', signal);
    const conflict = { reason: 'SessionConflict', retryable: true, status: 409 };
    await expect(open(consumer).openSession('b:t2', signal)).rejects.toMatchObject(conflict);
    await first.close(signal);
    await first.close(signal);
    await open(consumer).openSession('b:t2', signal);
  });

  it('follows until its heartbeat says that it leads', async () => {
    const consumer = await listen({ roles: true });
    const leader = await open(consumer).openSession('a:t1', signal);
    const follower = await open(consumer).openSession('b:t2', signal);
    expect([leader.isLeader, follower.isLeader]).toEqual([true, false]);
    await leader.close(signal);
    await follower.heartbeat(signal);
    expect(follower.isLeader).toBe(true);
  });

  it('takes a heartbeat that is not found for the end of its session', async () => {
    const consumer = await listen();
    const session = await open(consumer).openSession('a:t1', signal);
    consumer.control({ faults: [{ on: 'heartbeat', do: 404 }] });
    await expect(session.heartbeat(signal)).rejects.toMatchObject({ reason: 'SessionObsolete', retryable: false });
  });

  it('says that a push failed, which the original did not', async () => {
    const consumer = await listen();
    const session = await open(consumer).openSession('a:t1', signal);
    consumer.control({ faults: [{ on: 'push', do: 500 }] });
    await expect(session.push(messages(updateOf(1)), signal)).rejects.toMatchObject({ reason: 'ConsumerUnavailable' });
    expect(await session.push(messages(updateOf(1)), signal)).toEqual({ snapshotNeeded: false });
    expect(consumer.position()).toBe(1);
  });

  it.each([
    ['http://f:8003', {}, 'http://f:8003/ingestor-api/v1/events/'],
    ['http://f:8003/', { api_prefix: '/api/v1/ingest' }, 'http://f:8003/api/v1/ingest/events/'],
    ['http://f/api/v1/ingest/', {}, 'http://f/api/v1/ingest/events/'],
    ['http://f/proxy', {}, 'http://f/proxy/ingestor-api/v1/events/'],
  ])('finds the calls of %s with %o', (endpoint, driverParams, events) => {
    expect(fusionPaths(new URL(endpoint), driverParams).events.href).toBe(events);
  });

  it('refuses a prefix that is no path', () => {
    for (const prefix of ['//elsewhere/', 'x', '/a?b', 1])
      expect(() => fusionPaths(new URL('http://f'), { api_prefix: prefix })).toThrow('api_prefix');
  });
});
