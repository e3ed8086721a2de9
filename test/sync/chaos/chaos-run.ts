import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { ConsumerProcess } from '../consumer-process.ts';
import type { Random } from './random.ts';
import { WRITERS } from './writer-world.ts';
import type { WriterWorld } from './writer-world.ts';

/** Something that is killed with kill −9 and started again. */
export interface Victim {
  readonly name: string;
  kill(): Promise<void>;
  start(): Promise<void> | void;
}

export interface ChaosOptions {
  readonly world: WriterWorld;
  readonly consumer: ConsumerProcess;
  /** The task's id on the wire. */
  readonly taskId: string;
  readonly victims: readonly Victim[];
  readonly seconds: number;
  readonly random: Random;
}

export interface ChaosResult {
  readonly changes: number;
  readonly kills: number;
  readonly snapshotsAsked: number;
}

/** A writer's pause between two changes; eight of them make some hundred changes a second. */
const WRITER_PAUSE_MS = 20;
const KILL_EVERY_MS = [1500, 5000] as const;
const SNAPSHOT_EVERY_MS = [1000, 4000] as const;

/** Writes, kills and asks for snapshots, all at random and at once, until the time is over; then everything runs again. */
export async function runChaos({ world, consumer, victims, seconds, random }: ChaosOptions): Promise<ChaosResult> {
  const over = performance.now() + seconds * 1000;
  const isOver = (): boolean => performance.now() >= over;
  let [changes, kills, snapshotsAsked] = [0, 0, 0];
  const write = async (writer: number): Promise<void> => {
    while (!isOver()) {
      await world.change(writer, random);
      changes += 1;
      await sleep(random.below(2 * WRITER_PAUSE_MS));
    }
  };
  const kill = async (): Promise<void> => {
    for (;;) {
      await sleep(between(random, KILL_EVERY_MS));
      if (isOver()) return;
      const victim = random.pick(victims);
      await victim.kill();
      if (random.chance(0.3)) await sleep(random.below(1000));
      await victim.start();
      kills += 1;
    }
  };
  const askForSnapshots = async (): Promise<void> => {
    for (;;) {
      await sleep(between(random, SNAPSHOT_EVERY_MS));
      if (isOver()) return;
      // It may just be dead.
      await consumer.control({ snapshotNeeded: 1 }).then(
        () => (snapshotsAsked += 1),
        () => undefined,
      );
    }
  };
  await Promise.all([...Array.from({ length: WRITERS }, (_, writer) => write(writer)), kill(), askForSnapshots()]);
  return { changes, kills, snapshotsAsked };
}

/** Waits until the consumer has what the source has, and nothing else, and checks that it never saw anything go back. */
export async function expectAgreement(
  { world, consumer, taskId }: Pick<ChaosOptions, 'world' | 'consumer' | 'taskId'>,
  timeoutMs: number,
): Promise<void> {
  const violations = async (): Promise<readonly string[]> => (await consumer.state()).violations;
  expect(await violations()).toEqual([]);
  const wanted = await world.rows();
  await expect
    .poll(async () => differences(wanted, await shownRows(world, consumer, taskId)), {
      timeout: timeoutMs,
      interval: 200,
    })
    .toEqual([]);
  expect(await violations()).toEqual([]);
}

async function shownRows(world: WriterWorld, consumer: ConsumerProcess, taskId: string): Promise<Map<string, string>> {
  const rows = await consumer.rows(taskId);
  return new Map([...rows].map(([key, row]) => [key, world.shown(row)]));
}

const MAX_DIFFERENCES = 5;

/** The first few differences, for a person to read. */
function differences(wanted: ReadonlyMap<string, string>, had: ReadonlyMap<string, string>): readonly string[] {
  const found: string[] = [];
  for (const [key, row] of wanted)
    if (had.get(key) !== row) found.push(`${key}: ${had.get(key) ?? 'missing'}, not ${row}`);
  for (const [key, row] of had) if (!wanted.has(key)) found.push(`${key}: ${row}, which is deleted`);
  return found.length <= MAX_DIFFERENCES
    ? found
    : [...found.slice(0, MAX_DIFFERENCES), `and ${found.length - MAX_DIFFERENCES} more of ${wanted.size} rows`];
}

function between(random: Random, [from, to]: readonly [number, number]): number {
  return from + random.below(to - from);
}
