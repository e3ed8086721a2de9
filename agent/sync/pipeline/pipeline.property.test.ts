import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CallFate } from './testing/memory-consumer.ts';
import { MemoryConsumer } from './testing/memory-consumer.ts';
import { MemoryDatabase } from './testing/memory-database.ts';
import { PipelineWorld } from './testing/pipeline-world.ts';

/** PROPERTY_RUNS=5000 PATIENCE=3000 for a long search: a failure then shrinks in minutes. */
const LIMIT = { timeout: 600_000 };
const PATIENCE = Number(process.env['PATIENCE'] ?? 20_000);

const SIMPLE = ['report', 'report', 'ask', 'ask', 'settle', 'settle', 'supersede', 'back up', 'put back'] as const;

/** What happens while a pipeline runs. */
type Step =
  | { readonly do: 'write'; readonly ids: readonly string[]; readonly isDelete: boolean }
  | { readonly do: 'restart'; readonly written: boolean }
  | { readonly do: (typeof SIMPLE)[number] };

const id = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
const write = fc.record({
  do: fc.constant('write' as const),
  ids: fc.uniqueArray(id, { minLength: 1, maxLength: 5 }),
  isDelete: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: write },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), written: fc.boolean() }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constantFrom(...SIMPLE) }) },
);
const fates = fc.array(
  fc.oneof({ weight: 6, arbitrary: fc.constant<CallFate>('fine') }, fc.constantFrom<CallFate>('before', 'after')),
  {
    maxLength: 12,
  },
);

/** Runs a sync while the database changes, everything in the order that the scheduler draws. Resolves to what was wrong. */
async function race(scheduler: fc.Scheduler, steps: readonly Step[], planned: readonly CallFate[]): Promise<string[]> {
  const turn = async (what: string): Promise<void> => {
    await scheduler.schedule(Promise.resolve(), what);
  };
  const source = new MemoryDatabase('sets', turn);
  source.commit('a', 'b', 'c', 'd', 'e');
  const pusher = new MemoryConsumer({ turn, fates: planned });
  const world = new PipelineWorld({
    source,
    pusher,
    pusherConfig: { batchSize: 2, maxRetries: 20 },
    beforeWrite: () => turn('written'),
  });
  const settled = async (): Promise<void> => {
    // By this an idle sync finds out that its session is over.
    source.commit('a');
    source.showAll();
    const wanted = { state: 'Succeeded', rows: source.rows() };
    await expect
      .poll(() => ({ state: world.report.snapshot?.state, rows: pusher.rows() }), { interval: 1, timeout: PATIENCE })
      .toEqual(wanted);
  };
  let putBack = pusher.backup();
  const play = async (): Promise<void> => {
    world.start();
    for (const next of steps) {
      await turn(next.do);
      if (next.do === 'report') world.write();
      else if (next.do === 'ask') pusher.core.control({ snapshotNeeded: 1 });
      else if (next.do === 'supersede') pusher.supersede();
      else if (next.do === 'back up') putBack = pusher.backup();
      else if (next.do === 'put back') putBack();
      else if (next.do === 'restart') await world.restart(next.written);
      else if (next.do === 'settle') await settled();
      else if (next.do === 'write') {
        const show = source.begin(next.ids.map((one) => ({ id: one, isDelete: next.isDelete })));
        void turn('visible').then(show);
      }
    }
    await settled();
  };
  try {
    await scheduler.waitFor(play());
    return [...pusher.core.sink.violations];
  } finally {
    const closing = world.close();
    await scheduler.waitFor(closing);
  }
}

describe('A snapshot beside messages', () => {
  it(
    'ends with what the source has, and never takes a row back, whatever happens in whatever order',
    LIMIT,
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.scheduler(),
          fc.array(step, { minLength: 1, maxLength: 25 }),
          fates,
          async (scheduler, steps, planned) => {
            expect(await race(scheduler, steps, planned)).toEqual([]);
          },
        ),
        { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 200) },
      );
    },
  );

  // A transaction is in the log, and its message sent, before reads see it.
  it.each([
    ['sets', []],
    ['positions', ['snapshot insert of ["memory","t","a"] at index 200 has version 1 after 2']],
  ] as const)('takes a row back when its marks are positions of the log: %s', async (marks, violations) => {
    let show: (() => void) | undefined;
    const pusher = new MemoryConsumer();
    const source = new MemoryDatabase(marks, async (what) => {
      if (what !== 'open') return;
      show = source.begin([{ id: 'a' }]);
      await expect.poll(() => pusher.rows()).toEqual(new Map([['a', 2]]));
    });
    source.commit('a');
    const world = new PipelineWorld({ source, pusher });
    world.start();
    await expect.poll(() => world.report.snapshot?.state).toBe('Succeeded');
    show?.();
    await world.close();
    expect(pusher.core.sink.violations).toEqual(violations);
  });
});
