import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TestConsumer } from '../../../../test/sync/consumer.ts';
import type { ListenOptions } from '../../../../test/sync/consumer.ts';
import { createCertificate } from '../../../../test/certificate.ts';
import { configOf, describePusher, messages, updateOf } from '../../conformance/describe-pusher.ts';
import { describeRemotePusher } from '../../conformance/describe-remote-pusher.ts';
import type { RemotePusherUnderTest } from '../../conformance/describe-remote-pusher.ts';
import type { Pusher, PusherConfig } from '../../pusher.ts';
import { openapiPusher } from './index.ts';

const TASK = 'agent-1:t1';
const signal = new AbortController().signal;
const key = (value: string) => ({ data: { user: 'u', key: value }, allowedHosts: undefined });

async function listen(options: ListenOptions = {}): Promise<TestConsumer> {
  const consumer = await TestConsumer.listen(options);
  onTestFinished(() => consumer.close());
  return consumer;
}

function open(consumer: TestConsumer, more: Partial<PusherConfig> = {}): Pusher {
  const config = configOf('openapi', { endpoint: consumer.endpoint, ...more });
  const pusher = openapiPusher.open(config, { logger: pino({ level: 'silent' }) });
  onTestFinished(() => pusher.close());
  return pusher;
}

async function underTest(): Promise<RemotePusherUnderTest> {
  const consumer = await listen({ auth: { apiKey: 'the-right-key' } });
  return {
    endpoint: consumer.endpoint,
    credential: key('the-right-key'),
    consumer,
    wrong: key('the-wrong-key'),
    secrets: ['the-right-key', 'the-wrong-key'],
    refusesSecond: false,
  };
}

describePusher(openapiPusher, underTest);
describeRemotePusher(openapiPusher, underTest);

describe('OpenapiPusher', () => {
  it('sends the envelope of both readings and every header', async () => {
    const consumer = await listen();
    const session = await open(consumer, { credential: key('K') }).openSession(TASK, signal);
    await session.committedIndex(signal);
    await session.heartbeat(signal);
    await session.push(messages(updateOf(7, { id: 1, name: '纸' })), signal);
    const login = { 'x-api-key': 'K', authorization: 'Bearer K' };
    const [, opened, position, heartbeat, push] = consumer.calls;
    expect(opened).toMatchObject({ url: '/ingest/open', headers: { ...login, 'content-type': 'application/json' } });
    expect(position).toMatchObject({ method: 'GET', headers: login });
    expect(position?.url).toBe(`/ingest/checkpoint?session_id=${session.id}&agent_id=agent-1&task_id=agent-1%3At1`);
    expect(heartbeat).toMatchObject({ url: '/ingest/alive', headers: { ...login, 'session-id': session.id } });
    expect(push).toMatchObject({ url: '/ingest/events', headers: { ...login, 'content-type': 'application/json' } });
    expect(consumer.pushes[0]?.envelope).toEqual({
      session_id: session.id,
      agent_id: 'agent-1',
      task_id: TASK,
      source_type: 'message',
      is_snapshot_end: false,
      snapshot_sync_suggested: false,
      events: [updateOf(7, { id: 1, name: '纸' })],
    });
    expect(consumer.violations).toEqual([]);
  });

  it('names a task whose id no header may have', async () => {
    const consumer = await listen();
    const session = await open(consumer).openSession('agent-1:订单 同步', signal);
    await session.committedIndex(signal);
    await session.heartbeat(signal);
    await session.push(messages(updateOf(7)), signal);
    expect(consumer.pushes[0]?.envelope).toMatchObject({ task_id: 'agent-1:订单 同步' });
    expect(consumer.calls.at(-1)?.headers['task-id']).toBe('agent-1:%E8%AE%A2%E5%8D%95%20%E5%90%8C%E6%AD%A5');
  });

  it('logs in by user and password', async () => {
    const consumer = await listen({ auth: { user: 'u', passwd: 'päss:word' } });
    const credential = { data: { user: 'u', passwd: 'päss:word' }, allowedHosts: undefined };
    const session = await open(consumer, { credential }).openSession(TASK, signal);
    await session.push(messages(updateOf(1)), signal);
    expect(consumer.position()).toBe(1);
    expect(consumer.calls.every(({ headers }) => headers['x-api-key'] === undefined)).toBe(true);
  });

  it('tells what the consumer asks for, and takes no JSON for no wish', async () => {
    const consumer = await listen();
    const session = await open(consumer).openSession(TASK, signal);
    consumer.control({ snapshotNeeded: 1, faults: [{ on: 'push', do: 204 }] });
    expect(await session.push(messages(updateOf(1)), signal)).toEqual({ snapshotNeeded: false });
    expect(await session.push(messages(updateOf(2)), signal)).toEqual({ snapshotNeeded: false });
    consumer.control({ snapshotNeeded: 1, faults: [{ on: 'push', do: 200, body: '<p>snapshot_needed' }] });
    expect(await session.push(messages(updateOf(3)), signal)).toEqual({ snapshotNeeded: false });
    consumer.control({ snapshotNeeded: 1 });
    expect(await session.push(messages(updateOf(4)), signal)).toEqual({ snapshotNeeded: true });
  });

  it('ends its calls on a consumer by https whose certificate it knows, and on no other', async () => {
    const tls = await createCertificate();
    const consumer = await listen({ tls });
    const refused = open(consumer).openSession(TASK, signal);
    await expect(refused).rejects.toMatchObject({ reason: 'ConnectionFailed' });
    for (const driverParams of [{ ca: tls.cert }, { verify_ssl: false }]) {
      const session = await open(consumer, { driverParams }).openSession(TASK, signal);
      await session.heartbeat(signal);
    }
  });

  it('goes nowhere else with its login, whatever the description says', async () => {
    const other = await listen();
    const consumer = await listen({
      document: { servers: [{ url: `${other.url}/` }], paths: { '/events/session': { post: {} } } },
    });
    const login = { credential: key('K') };
    const refused = { reason: 'ConfigurationInvalid', retryable: false };
    await expect(open(consumer, login).openSession(TASK, signal)).rejects.toMatchObject(refused);
    expect(other.calls).toEqual([]);
    const allowedHosts = [new URL(other.url).host, new URL(consumer.url).host];
    const allowed = open(consumer, { credential: { ...login.credential, allowedHosts } });
    expect((await allowed.openSession(TASK, signal)).id).not.toBe('');
  });

  it('pushes without a session where the consumer has none', async () => {
    const consumer = await listen({ document: { paths: { '/events/push': { post: {} } } } });
    consumer.control({ faults: [{ on: 'session', do: 404 }] });
    const session = await open(consumer).openSession(TASK, signal);
    await session.heartbeat(signal);
    expect(consumer.counts).toMatchObject({ sessions: 0, heartbeats: 0 });
    const named = await listen();
    named.control({ faults: [{ on: 'session', do: 404 }] });
    await expect(open(named).openSession(TASK, signal)).rejects.toMatchObject({ reason: 'ConsumerRefused' });
  });

  it.each([
    ['17', 17],
    ['{"index": 17}', 17],
    ['0', -1],
    ['null', -1],
    ['{"index": null}', -1],
    ['-1', -1],
  ])('reads the position %s', async (body, index) => {
    const consumer = await listen();
    const session = await open(consumer).openSession(TASK, signal);
    consumer.control({ faults: [{ on: 'position', do: 200, body }] });
    expect(await session.committedIndex(signal)).toBe(index);
  });

  it.each(['<p>', '"17"', '1.5', '9007199254740993', '{}', '-2'])('refuses the position %s', async (body) => {
    const consumer = await listen();
    const session = await open(consumer).openSession(TASK, signal);
    consumer.control({ faults: [{ on: 'position', do: 200, body }] });
    await expect(session.committedIndex(signal)).rejects.toMatchObject({ reason: 'AnswerInvalid' });
  });

  it('does not tell what it got for a position: a consumer may answer with the login that it was shown', async () => {
    const consumer = await listen();
    const session = await open(consumer, { credential: key('key-of-the-test') }).openSession(TASK, signal);
    consumer.control({ faults: [{ on: 'position', do: 200, body: '{"x-api-key": "key-of-the-test"}' }] });
    const err = (await session.committedIndex(signal).catch((reason: unknown) => reason)) as Error;
    expect(err.message).toContain('is no index');
    expect(err.message).not.toContain('key-of-the-test');
  });

  it('knows a conflict of sessions, and answers that are no session', async () => {
    const consumer = await listen();
    consumer.control({ faults: [{ on: 'session', do: 409 }] });
    const conflict = { reason: 'SessionConflict', retryable: true };
    await expect(open(consumer).openSession(TASK, signal)).rejects.toMatchObject(conflict);
    for (const body of ['{}', 'sess-1', '{"session_id": ""}']) {
      consumer.control({ faults: [{ on: 'session', do: 200, body }] });
      await expect(open(consumer).openSession(TASK, signal)).rejects.toMatchObject({ reason: 'AnswerInvalid' });
    }
    const body = '{"session_id": 7, "suggested_heartbeat_interval_seconds": 30, "session_timeout_seconds": 4}';
    consumer.control({ faults: [{ on: 'session', do: 201, body }] });
    const session = await open(consumer).openSession(TASK, signal);
    expect(session).toMatchObject({ id: '7', heartbeatIntervalMs: 2000, timeoutMs: 4000 });
  });

  it('refuses an endpoint that is no OpenAPI document', async () => {
    const consumer = await listen();
    for (const body of ['<html>', '[]', '{"openapi": "3.1.0"}']) {
      consumer.control({ faults: [{ on: 'document', do: 200, body }] });
      await expect(open(consumer).neededFields(signal)).rejects.toMatchObject({ reason: 'AnswerInvalid' });
    }
  });

  it('stops reading an answer that does not end', async () => {
    const consumer = await listen();
    const session = await open(consumer).openSession(TASK, signal);
    consumer.control({ faults: [{ on: 'push', do: 200, body: 'x'.repeat(2 * 1024 * 1024) }] });
    await expect(session.push(messages(updateOf(1)), signal)).rejects.toMatchObject({ reason: 'AnswerInvalid' });
  });
});
