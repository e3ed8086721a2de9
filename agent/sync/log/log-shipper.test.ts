import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { SyncLogBatch } from '../../tiangong-api.ts';
import { LogShipper } from './log-shipper.ts';
import { syncLogger } from './sync-logger.ts';

/** An API that can be away, and that knows lines by their numbers. */
class Receiver {
  readonly batches: SyncLogBatch[] = [];
  isAway = false;

  readonly send = async (batch: SyncLogBatch): Promise<void> => {
    await Promise.resolve();
    if (this.isAway) throw new Error('away');
    this.batches.push(batch);
  };

  get lines(): readonly SyncLogBatch['lines'][number][] {
    return this.batches.flatMap(({ lines }) => lines);
  }
}

const shipperTo = (receiver: Receiver): LogShipper =>
  new LogShipper({ sender: 's1', send: receiver.send, delayMs: 1, retryMs: 1 });

const line = (msg: string): Parameters<LogShipper['add']>[0] => ({
  ts: '2026-01-02T03:04:05.678Z',
  level: 'INFO',
  source: 'fustor_agent.sync.t1',
  msg,
});

describe('LogShipper', () => {
  it('sends lines in order, each once', async () => {
    const receiver = new Receiver();
    const shipper = shipperTo(receiver);
    for (let i = 1; i <= 1200; i += 1) shipper.add(line(`line ${i}`));
    await expect.poll(() => receiver.lines.length).toBe(1200);
    shipper.add(line('last'));
    await shipper.close();
    expect(receiver.lines.map(({ n }) => n)).toEqual(Array.from({ length: 1201 }, (_, index) => index + 1));
    expect(receiver.lines.at(-1)).toEqual({ n: 1201, ...line('last') });
    expect(receiver.batches.every(({ lines, sender }) => lines.length <= 500 && sender === 's1')).toBe(true);
  });

  it('keeps lines while the API is away, and says how many had to give way', async () => {
    const receiver = new Receiver();
    receiver.isAway = true;
    const shipper = shipperTo(receiver);
    for (let i = 1; i <= 5010; i += 1) shipper.add(line(`line ${i}`));
    receiver.isAway = false;
    await expect.poll(() => receiver.lines.length).toBe(5001);
    await shipper.close();
    expect(receiver.lines[0]).toMatchObject({
      n: 10,
      level: 'WARNING',
      msg: expect.stringMatching(/^10 lines/) as string,
    });
    expect(receiver.lines[1]).toMatchObject({ n: 11, msg: 'line 11' });
    expect(receiver.lines.at(-1)).toMatchObject({ n: 5010 });
  });

  it('does not miss lines that gave way while they were being sent', async () => {
    const receiver = new Receiver();
    const sent = Promise.withResolvers<undefined>();
    const begun = Promise.withResolvers<undefined>();
    const send = async (batch: SyncLogBatch): Promise<void> => {
      begun.resolve(undefined);
      await sent.promise;
      await receiver.send(batch);
    };
    const shipper = new LogShipper({ sender: 's1', send, delayMs: 1, retryMs: 1 });
    for (let i = 1; i <= 500; i += 1) shipper.add(line(`line ${i}`));
    await begun.promise;
    for (let i = 501; i <= 5100; i += 1) shipper.add(line(`line ${i}`));
    sent.resolve(undefined);
    await expect.poll(() => receiver.lines.length).toBeGreaterThanOrEqual(5100);
    await shipper.close();
    expect(receiver.lines.map(({ msg }) => msg)).toEqual(Array.from({ length: 5100 }, (_, at) => `line ${at + 1}`));
  });

  it('sends what waits when it is closed, and cuts long texts', async () => {
    const receiver = new Receiver();
    const shipper = new LogShipper({ sender: 's1', send: receiver.send, delayMs: 100_000 });
    shipper.add(line('x'.repeat(10_000)));
    await shipper.close();
    expect(receiver.lines).toHaveLength(1);
    expect(receiver.lines[0]?.msg).toHaveLength(4097);
  });
});

describe('syncLogger', () => {
  it('writes to the agent’s log and to the shipper, with who speaks and what failed', () => {
    const own: Record<string, unknown>[] = [];
    const logger = pino({ level: 'info' }, { write: (text: string) => void own.push(JSON.parse(text) as never) });
    const shipped: unknown[] = [];
    const both = syncLogger(logger.child({ agent: 'a1' }), { add: (added) => void shipped.push(added) });
    const child = both.child({ component: 'fustor_agent.sync.t1' });
    child.warn({ err: new Error('no route') }, 'push 7 failed');
    child.debug('not wanted');
    both.info('plain');
    expect(shipped).toMatchObject([
      { level: 'WARNING', source: 'fustor_agent.sync.t1', msg: 'push 7 failed: no route' },
      { level: 'INFO', source: 'fustor_agent', msg: 'plain' },
    ]);
    expect(own).toMatchObject([
      { level: 40, agent: 'a1', component: 'fustor_agent.sync.t1', msg: 'push 7 failed' },
      { level: 30, agent: 'a1', msg: 'plain' },
    ]);
  });
});
