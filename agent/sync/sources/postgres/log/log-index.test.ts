import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromPosition, LogIndex, toPosition } from './log-index.ts';
import { formatLsn, parseLsn } from './lsn.ts';

/** Transactions as a log has them: how many bytes before each commit, and how many events in it. */
const transactions = fc.array(
  fc.record({
    bytes: fc.integer({ min: 64, max: 4096 }),
    events: fc.integer({ min: 0, max: 500 }),
    /** Positions without an event before it, and whether somebody waits for them. */
    between: fc.array(fc.boolean(), { maxLength: 3 }),
  }),
  { maxLength: 40 },
);

interface Given {
  readonly events: readonly number[];
  readonly all: readonly number[];
}

function giveAll(index: LogIndex, log: readonly { bytes: number; events: number; between: boolean[] }[]): Given {
  const events: number[] = [];
  const all: number[] = [];
  let lsn = 1000;
  for (const { bytes, events: count, between } of log) {
    for (const isAwaited of between) {
      const index_ = index.between(lsn, isAwaited);
      if (index_ !== undefined) all.push(index_);
    }
    lsn += bytes;
    for (let event = 0; event < count; event += 1) {
      const given = event === 0 ? index.first(lsn) : index.next();
      events.push(given);
      all.push(given);
    }
    lsn += 48;
  }
  return { events, all };
}

describe('LogIndex', () => {
  it('grows strictly, whatever positions come between', () => {
    fc.assert(
      fc.property(transactions, (log) => {
        const { all } = giveAll(new LogIndex({ base: 0, event: -1 }, -1), log);
        expect(all.every((one, at) => at === 0 || one > (all[at - 1] ?? Infinity))).toBe(true);
      }),
    );
  });

  it('gives events the same indexes whether positions came between or not', () => {
    fc.assert(
      fc.property(transactions, fc.integer({ min: 0, max: 2 ** 40 }), (log, base) => {
        const quiet = log.map((one) => ({ ...one, between: [] }));
        const start = { base, event: base };
        expect(giveAll(new LogIndex(start, base), log).events).toEqual(
          giveAll(new LogIndex(start, base), quiet).events,
        );
      }),
    );
  });

  it('is the place of the commit in the log where that is farther than the last', () => {
    const index = new LogIndex({ base: 0, event: -1 }, -1);
    expect([index.first(5000), index.next(), index.next(), index.first(6000)]).toEqual([5000, 5001, 5002, 6000]);
    expect(index.between(6100, false)).toBe(6099);
    expect(index.first(6100)).toBe(6100);
  });

  it('has room for a position that somebody waits for also while it is ahead of the log', () => {
    const index = new LogIndex({ base: 0, event: 9000 }, 9000);
    expect([index.between(100, false), index.between(100, true), index.between(200, true)]).toEqual([
      ...[undefined, 9001, 9002],
    ]);
    expect(index.first(300)).toBe(9064);
  });

  it('refuses what no double tells apart', () => {
    expect(() => new LogIndex({ base: 2 ** 53, event: -1 }, -1).first(1)).toThrow(RangeError);
  });
});

describe('a position', () => {
  it('comes back as it was', () => {
    const places = fc.record({
      lsn: fc.maxSafeNat(),
      event: fc.integer({ min: -1 }),
      base: fc.maxSafeNat(),
      system: fc.string(),
      timeline: fc.nat(),
    });
    fc.assert(
      fc.property(places, (place) => {
        expect(fromPosition(toPosition(place))).toEqual(place);
      }),
    );
  });

  it('is none of this source when something is missing or no place', () => {
    const good = { lsn: '0/10', event: 1, base: 0, system: '7', timeline: 1 };
    expect(fromPosition(good)).toBeDefined();
    for (const bad of [
      { file: 'mysql-bin.1', pos: 4 },
      { ...good, lsn: '10' },
      { ...good, event: '1' },
      { ...good, timeline: null },
      {},
    ])
      expect(fromPosition(bad)).toBeUndefined();
  });

  it('is written as PostgreSQL does', () => {
    expect([formatLsn(0), formatLsn(0x16_b374d848), parseLsn('16/B374D848')]).toEqual([
      '0/0',
      '16/B374D848',
      0x16_b374d848,
    ]);
  });
});
