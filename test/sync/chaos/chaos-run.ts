import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { ConsumerProcess } from '../consumer-process.ts';
import type { Fault } from '../faults.ts';
import type { Random } from './random.ts';
import { WRITERS } from './writer-world.ts';
import type { WriterWorld } from './writer-world.ts';

/** A sync from a place that is written to, to a consumer. */
export interface ChaosSync {
  readonly name: string;
  readonly world: WriterWorld;
  readonly consumer: ConsumerProcess;
  /** The task's id on the wire. */
  readonly taskId: string;
}

/** Something that is killed with kill −9 and started again. */
export interface Victim {
  kill(): Promise<void>;
  start(): Promise<void> | void;
}

export interface ChaosOptions {
  readonly syncs: readonly ChaosSync[];
  readonly victims: readonly Victim[];
  readonly seconds: number;
  readonly random: Random;
}

export interface ChaosResult {
  readonly changes: number;
  readonly kills: number;
  readonly faults: number;
  readonly snapshotsAsked: number;
}

/** Between two changes of a writer, on average; all writers together make some hundred changes a second. */
const WRITER_PAUSE_MS = 20;
const KILL_EVERY_MS = [1500, 5000] as const;
const SNAPSHOT_EVERY_MS = [1000, 4000] as const;
const FAULT_EVERY_MS = [500, 3000] as const;

/** What a consumer may do to a push at any moment. None makes it lose what it acknowledged, or calls a snapshot obsolete. */
const FAULTS: readonly Fault[] = [
  { on: 'push', do: 503 },
  { on: 'push', do: 500, applied: true },
  { on: 'push', do: 204 },
  { on: 'push', do: 'reset' },
  { on: 'push', do: 'reset', applied: true },
  { on: 'push', do: 'delay', delayMs: 700 },
  { on: 'message', do: 419 },
  { on: 'heartbeat', do: 503 },
  { on: 'position', do: 'reset' },
];

/** Writes, kills, misbehaves and asks for snapshots, all at random and at once, until the time is over; then everything runs again. */
export async function runChaos({ syncs, victims, seconds, random }: ChaosOptions): Promise<ChaosResult> {
  const over = performance.now() + seconds * 1000;
  const isOver = (): boolean => performance.now() >= over;
  const result = { changes: 0, kills: 0, faults: 0, snapshotsAsked: 0 };
  const every = async (pause: readonly [number, number], act: () => Promise<void>): Promise<void> => {
    for (;;) {
      await sleep(pause[0] + random.below(pause[1] - pause[0]));
      if (isOver()) return;
      await act();
    }
  };
  const write = (world: WriterWorld, writer: number): Promise<void> =>
    every([0, 2 * WRITER_PAUSE_MS * syncs.length], async () => {
      await world.change(writer, random);
      result.changes += 1;
    });
  const kill = async (): Promise<void> => {
    const victim = random.pick(victims);
    await victim.kill();
    if (random.chance(0.3)) await sleep(random.below(1000));
    await victim.start();
    result.kills += 1;
  };
  const tell = async ({ consumer }: ChaosSync, fault: Fault | undefined): Promise<void> => {
    try {
      await consumer.control(fault === undefined ? { snapshotNeeded: 1 } : { faults: [fault] });
      result[fault === undefined ? 'snapshotsAsked' : 'faults'] += 1;
    } catch {
      // It may just be dead.
    }
  };
  await Promise.all([
    every(KILL_EVERY_MS, kill),
    ...syncs.flatMap((sync) => [
      ...Array.from({ length: WRITERS }, (_, writer) => write(sync.world, writer)),
      every(SNAPSHOT_EVERY_MS, () => tell(sync, undefined)),
      every(FAULT_EVERY_MS, () => tell(sync, random.pick(FAULTS))),
    ]),
  ]);
  await Promise.all(syncs.map(({ consumer }) => consumer.control({ clearFaults: true })));
  return result;
}

/** Waits until the consumer has what the source has, and nothing else, and checks that it never saw anything go back. */
export async function expectAgreement({ name, world, consumer, taskId }: ChaosSync, timeoutMs: number): Promise<void> {
  const violations = async (): Promise<readonly string[]> => (await consumer.state()).violations;
  expect(await violations(), name).toEqual([]);
  const wanted = await world.rows();
  const had = async (): Promise<ReadonlyMap<string, string>> =>
    new Map([...(await consumer.rows(taskId))].map(([key, row]) => [key, world.shown(row)]));
  await expect
    .poll(async () => differences(wanted, await had()), { timeout: timeoutMs, interval: 200, message: name })
    .toEqual([]);
  expect(await violations(), name).toEqual([]);
}

const MAX_DIFFERENCES = 5;

/** The first few differences, for a person to read. */
function differences(wanted: ReadonlyMap<string, string>, had: ReadonlyMap<string, string>): readonly string[] {
  const found: string[] = [];
  for (const [key, row] of wanted)
    if (had.get(key) !== row) found.push(`${key}: ${had.get(key) ?? 'missing'}, not ${row}`);
  for (const [key, row] of had) if (!wanted.has(key)) found.push(`${key}: ${row}, which is deleted`);
  if (found.length <= MAX_DIFFERENCES) return found;
  return [...found.slice(0, MAX_DIFFERENCES), `and ${found.length - MAX_DIFFERENCES} more of ${wanted.size} rows`];
}
