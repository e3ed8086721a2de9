import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ConsumerProcess } from './consumer-process.ts';
import { TestConsumer } from './consumer.ts';
import type { ListenOptions } from './consumer.ts';
import type { WireEvent } from './envelope.ts';

const TASK = 'uid-1:t1';

async function start(options: ListenOptions = {}): Promise<TestConsumer> {
  const consumer = await TestConsumer.listen(options);
  onTestFinished(() => consumer.close());
  return consumer;
}

interface Reply {
  readonly status: number;
  readonly body: { readonly session_id: string; readonly [name: string]: unknown };
}

async function call(method: string, url: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> {
  const answer = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? {} : JSON.parse(text) };
}

async function openSession(url: string, task = TASK): Promise<string> {
  return (await call('POST', `${url}/events/session`, { task_id: task })).body.session_id;
}

const event = (index: number, row: Record<string, unknown>, type: WireEvent['event_type'] = 'update'): WireEvent => ({
  event_type: type,
  fields: Object.keys(row),
  rows: [row],
  index,
  event_schema: 'shop',
  table: 'orders',
});

function push(
  url: string,
  session: string,
  events: readonly WireEvent[],
  more: Record<string, unknown> = {},
): Promise<Reply> {
  return call('POST', `${url}/batch`, {
    session_id: session,
    agent_id: 'uid-1',
    task_id: TASK,
    source_type: 'message',
    is_snapshot_end: false,
    snapshot_sync_suggested: false,
    events,
    ...more,
  });
}

const KEY = JSON.stringify(['shop', 'orders', 1]);

describe('TestConsumer', () => {
  it('applies messages once, by their index', async () => {
    const consumer = await start();
    const { url } = consumer;
    const session = await openSession(url);
    expect((await call('GET', `${url}/events/position?session_id=${session}`)).status).toBe(404);
    await push(url, session, [event(5, { id: 1, version: 1 }), event(6, { id: 1, version: 2 })]);
    await push(url, session, [event(5, { id: 1, version: 1 })]);
    expect(consumer.rows().get(KEY)).toEqual({ id: 1, version: 2 });
    expect((await call('GET', `${url}/checkpoint?session_id=${session}`)).body).toEqual({ index: 6 });
    expect(consumer.violations).toEqual([]);
  });

  it('does not move its position by rows of a snapshot or by the initial trigger', async () => {
    const consumer = await start();
    const session = await openSession(consumer.url);
    await push(consumer.url, session, [{ ...event(-1, {}), rows: [], fields: [], table: 'initial_trigger' }]);
    await push(consumer.url, session, [event(9, { id: 1, version: 1 })], { source_type: 'snapshot' });
    await push(consumer.url, session, [], { source_type: 'snapshot', is_snapshot_end: true });
    expect(consumer.position()).toBe(-1);
    expect(consumer.rows().size).toBe(1);
    expect(consumer.counts).toMatchObject({ initialTriggers: 1, messageEvents: 0, snapshotRows: 1, snapshotEnds: 1 });
  });

  it('notes a version that goes back and a deleted row that comes back', async () => {
    const consumer = await start();
    const session = await openSession(consumer.url);
    await push(consumer.url, session, [event(1, { id: 1, version: 3 })]);
    await push(consumer.url, session, [event(1, { id: 1, version: 2 })], { source_type: 'snapshot' });
    await push(consumer.url, session, [event(2, { id: 1, version: 3 }, 'delete')]);
    expect(consumer.rows().size).toBe(0);
    await push(consumer.url, session, [event(2, { id: 1, version: 3 })], { source_type: 'snapshot' });
    expect(consumer.violations).toEqual([
      expect.stringContaining('has version 2 after 3'),
      expect.stringContaining('has version 3 after 3 (deleted)'),
    ]);
  });

  it('refuses a superseded session with 419', async () => {
    const consumer = await start();
    const first = await openSession(consumer.url);
    const second = await openSession(consumer.url);
    expect((await push(consumer.url, first, [event(1, { id: 1 })])).status).toBe(419);
    expect((await call('POST', `${consumer.url}/events/heartbeat`, {}, { 'session-id': first })).status).toBe(419);
    expect((await push(consumer.url, second, [event(1, { id: 1 })])).status).toBe(200);
  });

  it('asks for a snapshot when it is told to', async () => {
    const consumer = await start();
    const session = await openSession(consumer.url);
    consumer.control({ snapshotNeeded: 1 });
    const snapshot = { source_type: 'snapshot' };
    expect((await push(consumer.url, session, [event(1, { id: 1 })], snapshot)).body).toEqual({
      snapshot_needed: false,
    });
    expect((await push(consumer.url, session, [event(2, { id: 1 })])).body).toEqual({ snapshot_needed: true });
    expect((await push(consumer.url, session, [event(3, { id: 1 })])).body).toEqual({ snapshot_needed: false });
  });

  it('misbehaves as often as it is told to, with the work done or not', async () => {
    const consumer = await start();
    const session = await openSession(consumer.url);
    await call('POST', `${consumer.url}/control`, {
      faults: [
        { on: 'push', do: 503, times: 2 },
        { on: 'message', do: 'reset', applied: true },
        { on: 'message', do: 204 },
      ],
    });
    const send = (index: number): Promise<Reply> => push(consumer.url, session, [event(index, { id: 1 })]);
    expect((await send(1)).status).toBe(503);
    expect((await send(1)).status).toBe(503);
    expect(consumer.position()).toBe(-1);
    await expect(send(1)).rejects.toThrow();
    expect(consumer.position()).toBe(1);
    expect((await send(2)).status).toBe(204);
    expect((await send(3)).status).toBe(200);
    expect(consumer.position()).toBe(3);
  });

  it('notes pushes that are malformed or come two at once', async () => {
    const consumer = await start();
    const session = await openSession(consumer.url);
    expect((await push(consumer.url, session, [event(2 ** 53, { id: 1 })])).status).toBe(422);
    consumer.control({ faults: [{ on: 'push', do: 'delay', delayMs: 2000 }] });
    const late = push(consumer.url, session, [event(1, { id: 1 })]);
    await expect.poll(() => consumer.core.faults.left).toBe(0);
    await push(consumer.url, session, [event(2, { id: 1 })]);
    await late;
    expect(consumer.violations).toEqual([
      `the index ${2 ** 53} is no safe integer`,
      expect.stringContaining('two pushes at once'),
    ]);
  });

  it('wants its login with every call', async () => {
    const consumer = await start({ auth: { apiKey: 'k' } });
    const body = { task_id: TASK };
    expect((await call('POST', `${consumer.url}/events/session`, body)).status).toBe(401);
    expect((await call('POST', `${consumer.url}/events/session`, body, { 'x-api-key': 'k' })).status).toBe(200);
    const basic = await start({ auth: { user: 'u', passwd: 'p' } });
    const authorization = `Basic ${Buffer.from('u:p').toString('base64')}`;
    expect((await call('POST', `${basic.url}/events/session`, body, { authorization })).status).toBe(200);
  });

  it('is fusion under another path: one session, 204 for pushes', async () => {
    const consumer = await start();
    const base = consumer.fusionEndpoint;
    const { body } = await call('POST', `${base}/sessions/`, { task_id: TASK });
    expect((await call('POST', `${base}/sessions/`, { task_id: TASK })).status).toBe(409);
    const envelope = { agent_id: 'a', task_id: TASK, source_type: 'message' };
    const flags = { is_snapshot_end: false, snapshot_sync_suggested: false };
    const pushed = { session_id: body.session_id, ...envelope, ...flags, events: [event(4, { id: 1 })] };
    expect((await call('POST', `${base}/events/`, pushed)).status).toBe(204);
    expect(consumer.position()).toBe(4);
    await call('DELETE', `${base}/sessions/`, undefined, { 'session-id': body.session_id });
    expect((await call('POST', `${base}/sessions/`, { task_id: TASK })).status).toBe(200);
  });
});

describe('ConsumerProcess', () => {
  it('has after kill -9 what it acknowledged', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tiangong-consumer-'));
    const consumer = new ConsumerProcess({ file: join(folder, 'sink') });
    onTestFinished(async () => {
      await consumer.kill();
      rmSync(folder, { recursive: true });
    });
    await consumer.start();
    const { url } = consumer.addresses;
    const session = await openSession(url);
    await push(url, session, [event(7, { id: 1, version: 2 }), event(8, { id: 2, version: 1 })]);
    await push(url, session, [event(9, { id: 2, version: 1 }, 'delete')]);
    await consumer.kill();
    await consumer.start();
    expect(consumer.addresses.url).toBe(url);
    expect(await consumer.rows(TASK)).toEqual(new Map([[KEY, { id: 1, version: 2 }]]));
    expect((await consumer.state()).tasks[TASK]?.position).toBe(9);
    expect((await push(url, session, [event(10, { id: 1 })])).status).toBe(419);
    const next = await openSession(url);
    await push(url, next, [event(8, { id: 2, version: 1 })], { source_type: 'snapshot' });
    expect((await consumer.state()).violations).toEqual([expect.stringContaining('(deleted)')]);
  });
});
