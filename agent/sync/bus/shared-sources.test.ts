import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { BusInfo, BusState, EventBus, Subscription } from '../event-bus.ts';
import type { Source } from '../source.ts';
import { SharedSources } from './shared-sources.ts';
import { ArrayLog, CONFIG } from './testing/array-log.ts';

const OPTIONS = { subscriber: 's', checkpoint: undefined, afterIndex: -1, wanted: undefined };
const { signal } = new AbortController();

/** A source with a bus of its own, which does nothing. */
class OwnBusSource implements Source {
  state: BusState = 'PRODUCING';
  opened = 0;
  closedBuses = 0;
  closed = 0;
  /** Held back until it is resolved. */
  closing: Promise<void> = Promise.resolve();

  openBus(): EventBus {
    this.opened += 1;
    const info = (): BusInfo => ({ id: `bus-${String(this.opened)}`, state: this.state }) as BusInfo;
    return {
      get info() {
        return info();
      },
      subscribe: () => Promise.resolve({} as Subscription),
      close: () => {
        this.closedBuses += 1;
        return Promise.resolve();
      },
    };
  }

  openSnapshot(): Promise<never> {
    return Promise.reject(new Error('no rows'));
  }

  async close(): Promise<void> {
    await this.closing;
    this.closed += 1;
  }
}

const sources = (): SharedSources => new SharedSources(pino({ level: 'silent' }));

describe('SharedSources', () => {
  it('opens a source once for all of a signature, and closes it with the last', async () => {
    const shared = sources();
    const log = new ArrayLog();
    const one = await shared.hold('x', CONFIG, () => log);
    const two = await shared.hold('x', CONFIG, () => new ArrayLog());
    const other = await shared.hold('y', CONFIG, () => new ArrayLog());
    expect(two.source).toBe(log);
    expect(other.source).not.toBe(log);
    const subscription = await one.subscribe(OPTIONS, signal);
    expect(shared.buses.map(({ source_name }) => source_name)).toEqual(['orders']);
    await subscription.close();
    await one.release();
    await one.release();
    expect(log.closed).toBe(false);
    await two.release();
    expect(log.closed).toBe(true);
    await other.release();
    expect(shared.buses).toEqual([]);
  });

  it('shares the bus that a source has of its own, and replaces it when it failed', async () => {
    const shared = sources();
    const source = new OwnBusSource();
    const hold = await shared.hold('x', CONFIG, () => source);
    await hold.subscribe(OPTIONS, signal);
    await hold.subscribe(OPTIONS, signal);
    expect(source.opened).toBe(1);
    source.state = 'ERROR';
    await hold.subscribe(OPTIONS, signal);
    expect([source.opened, source.closedBuses]).toEqual([2, 1]);
    expect(shared.buses.map(({ id }) => id)).toEqual(['bus-2']);
    await hold.release();
    expect([source.closedBuses, source.closed]).toEqual([2, 1]);
  });

  it('does not open a source while another of its signature is being closed', async () => {
    const shared = sources();
    const first = new OwnBusSource();
    const closing = Promise.withResolvers<void>();
    first.closing = closing.promise;
    const released = (await shared.hold('x', CONFIG, () => first)).release();
    const second = new OwnBusSource();
    const held = shared.hold('x', CONFIG, () => {
      expect(first.closed).toBe(1);
      return second;
    });
    closing.resolve();
    await released;
    expect((await held).source).toBe(second);
  });

  it('holds nothing of a source that cannot be opened', async () => {
    const shared = sources();
    const refused = shared.hold('x', CONFIG, () => {
      throw new Error('bad uri');
    });
    await expect(refused).rejects.toThrow('bad uri');
    expect((await shared.hold('x', CONFIG, () => new ArrayLog())).source).toBeInstanceOf(ArrayLog);
  });
});
