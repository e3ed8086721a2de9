import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { SourceError } from '../source.ts';
import { LogBuses } from './log-buses.ts';
import { ArrayLog, CONFIG, indexOf } from './testing/array-log.ts';
import { LogReader } from './testing/log-reader.ts';

const { signal } = new AbortController();

/** What one subscriber does: where it begins, and then step by step. */
interface Plan {
  /** Behind how many items its checkpoint is; undefined: from now. */
  readonly from: number | undefined;
  /** How many more its consumer has already. */
  readonly ahead: number;
  readonly steps: readonly ('commit' | 'rewind' | 'part' | 'stall')[];
  readonly rows: number;
}

const HISTORY = 20;

const plan: fc.Arbitrary<Plan> = fc.record({
  from: fc.option(fc.integer({ min: 0, max: HISTORY / 2 }), { nil: undefined }),
  ahead: fc.nat(3),
  steps: fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constant('commit' as const) },
      { weight: 2, arbitrary: fc.constantFrom('rewind' as const, 'part' as const, 'stall' as const) },
    ),
    { maxLength: 30 },
  ),
  rows: fc.integer({ min: 1, max: 8 }),
});

const world = fc.record({
  /** Sizes of transactions; 0 is one of a table that nobody wants. */
  history: fc.array(fc.nat(4), { minLength: HISTORY, maxLength: HISTORY }),
  future: fc.array(fc.nat(6), { minLength: 5, maxLength: 60 }),
  capacity: fc.integer({ min: 1, max: 12 }),
  chunk: fc.integer({ min: 1, max: 9 }),
  failures: fc.array(fc.nat(120), { maxLength: 6 }),
  turns: fc.array(fc.nat(4), { maxLength: 5 }),
  plans: fc.array(plan, { minLength: 1, maxLength: 4 }),
});

/** The first reader commits on its old bus what fills its new one. */
const MOVED_INTO_A_FULL_BUS = {
  history: [0, 4, 4, 2, 1, 0, 1, 1, 0, 3, 0, 0, 3, 3, 2, 2, 2, 2, 2, 0],
  future: [3, 2, 0, 1, 6, 6, 4],
  capacity: 2,
  chunk: 8,
  failures: [],
  turns: [],
  plans: [
    {
      from: 9,
      ahead: 3,
      rows: 3,
      steps: ['commit', 'commit', 'commit', 'part', 'commit', 'stall', 'rewind', 'commit'],
    },
    { from: undefined, ahead: 1, rows: 5, steps: ['rewind', 'commit', 'commit', 'rewind', 'commit', 'stall'] },
    { from: 0, ahead: 0, rows: 4, steps: ['commit', 'commit', 'commit', 'commit'] },
    { from: 9, ahead: 1, rows: 5, steps: [] },
  ] satisfies Plan[],
};

function addTransaction(log: ArrayLog, size: number): void {
  log.add(...(size === 0 ? [undefined] : Array.from({ length: size }, () => 'a')));
}

/** Follows its plan, then reads to the end of the log. */
async function follow(reader: LogReader, { steps, rows }: Plan, log: ArrayLog): Promise<void> {
  for (const step of steps) {
    const entries = await reader.read(rows, 5);
    if (step === 'rewind') reader.subscription.rewind();
    else if (step === 'part') {
      reader.commit(entries.slice(0, Math.ceil(entries.length / 2)));
      reader.subscription.rewind();
    } else {
      if (step === 'stall') for (let turn = 0; turn < 20; turn += 1) await nextTurn();
      reader.commit(entries);
    }
  }
  const last = log.items.findLastIndex(({ table }) => table !== undefined);
  const deadline = performance.now() + 20_000;
  while ((reader.entries.at(-1)?.index ?? -1) < indexOf(last)) {
    if (performance.now() > deadline) throw new Error(`stuck at ${String(reader.items.at(-1))} of ${String(last)}`);
    reader.commit(await reader.read(rows, 50));
  }
}

describe('LogBuses', () => {
  it('brings each subscriber every event behind its beginning, once and in order, whatever the others do', async () => {
    await fc.assert(
      fc.asyncProperty(world, async ({ history, future, capacity, chunk, failures, turns, plans }) => {
        const log = new ArrayLog();
        log.chunk = chunk;
        log.turns = turns;
        for (const size of history) addTransaction(log, size);
        const ends = [0, ...log.items.flatMap(({ end }, at) => (end ? [at + 1] : []))];
        for (const at of failures) log.failures.set(at, new SourceError('Gone', 'gone', { retryable: true }));
        const buses = new LogBuses(log, pino({ level: 'silent' }));
        const config = { ...CONFIG, maxQueueSize: capacity, maxRetries: 100, retryDelayMs: 0 };
        const start = log.items.length;
        const readers = await Promise.all(
          plans.map(async ({ from, ahead }) => {
            const at = from === undefined ? undefined : (ends[from] ?? 0);
            const checkpoint = at === undefined ? undefined : log.checkpointAt(at);
            const afterIndex =
              checkpoint === undefined ? -1 : Math.max(checkpoint.index, indexOf((at ?? 0) + ahead - 1));
            const options = { subscriber: 's', checkpoint, afterIndex, wanted: undefined };
            const expected = at ?? start;
            return { reader: new LogReader(await buses.subscribe(options, config, signal)), expected };
          }),
        );
        for (const size of future) addTransaction(log, size);
        addTransaction(log, 1);
        await Promise.all(readers.map(({ reader }, i) => follow(reader, plans[i]!, log)));
        for (const { reader, expected } of readers) {
          // A bus that is shared may be somewhat behind when a reader begins `from now`.
          const from = expected === start ? Math.min(start, reader.items[0] ?? start) : expected;
          const all = log.items.flatMap(({ table }, at) => (table !== undefined && at >= from ? [at] : []));
          expect(reader.items).toEqual(all);
          const indexes = reader.entries.map(({ index }) => index);
          expect(indexes).toEqual([...new Set(indexes)].sort((a, b) => a - b));
        }
        for (const { subscription } of readers.map(({ reader }) => reader)) await subscription.close();
        expect([buses.infos, log.openStreams]).toEqual([[], 0]);
      }),
      { numRuns: 150, examples: [[MOVED_INTO_A_FULL_BUS]] },
    );
  }, 600_000);
});
