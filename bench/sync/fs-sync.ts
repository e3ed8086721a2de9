import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PeakMemory } from '../peak-memory.ts';
import { CpuMeter } from '../process-usage.ts';
import type { Subject } from '../subject.ts';
import type { Measure } from '../workloads.ts';
import { paced } from './paced-writer.ts';
import { RunningSync, untilSink } from './running-sync.ts';
import { Sink } from './sink.ts';

const FOLDERS = 500;
const FILES_PER_FOLDER = 100;
const BATCH_SIZES = [100, 1000, 5000] as const;
const STREAM_BATCH = 100;

interface Place {
  readonly subject: Subject;
  readonly sink: Sink;
}

/** A folder to HTTP through one agent: a snapshot of 50,000 files, and new files at two rates (facts §1.13 has the original's figures). */
export async function measureFsSync(subject: Subject, scale: number): Promise<Measure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tiangong-bench-fs-'));
  const sink = await Sink.start();
  try {
    const place: Place = { subject, sink };
    const files = await makeFiles(folder, Math.max(10, Math.round(FOLDERS * scale)));
    const measures: Measure[] = [];
    for (const batchSize of BATCH_SIZES) measures.push(...(await measureSnapshot(place, folder, files, batchSize)));
    for (const [perSecond, seconds] of [
      [200, 20],
      [1000, 10],
    ] as const)
      measures.push(await measureStream(place, perSecond, Math.max(1, Math.round(seconds * Math.min(1, scale)))));
    return measures;
  } finally {
    await sink.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function makeFiles(folder: string, folders: number): Promise<number> {
  for (let i = 0; i < folders; i += 1) {
    const below = join(folder, `d${i}`);
    await mkdir(below);
    await Promise.all(
      Array.from({ length: FILES_PER_FOLDER }, (_, file) => writeFile(join(below, `f${file}`), 'twenty bytes of text')),
    );
  }
  return folders * FILES_PER_FOLDER;
}

async function measureSnapshot(
  { subject, sink }: Place,
  folder: string,
  files: number,
  batchSize: number,
): Promise<Measure[]> {
  await sink.reset();
  const memory = new PeakMemory(subject.pids);
  const cpu = new CpuMeter({ agent: subject.pids['agent'] ?? -1, consumer: sink.pid });
  const begun = Date.now();
  const sync = await RunningSync.start(subject, sink, { source: sourceOf(folder), batchSize });
  const stats = await untilSink(sink, ({ snapshotEnds }) => snapshotEnds > 0, 'the snapshot to end');
  const peaks = memory.end();
  const used = cpu.perPiece(stats.snapshotRows / 1000, 'load generator');
  await sync.remove();
  if (stats.snapshotRows < files) throw new Error(`${stats.snapshotRows} rows of ${files} files came`);
  const seconds = (stats.snapshotLast - stats.snapshotFirst) / 1000;
  const what = `snapshot of ${files.toLocaleString('en')} files, batch_size ${batchSize}`;
  return [
    {
      what: `${what}: rows/s after the first push (with start: rows/s)`,
      value: `${Math.round(stats.snapshotRows / seconds)} (${Math.round((stats.snapshotRows * 1000) / (stats.snapshotLast - begun))})`,
    },
    ...(batchSize === 1000
      ? [
          { what: `${what}: peak RSS, MB (before)`, value: peaks },
          { what: `${what}: CPU ms for 1,000 rows`, value: used },
        ]
      : []),
  ];
}

/** New small files, written and closed; the latency is from close() to the push that has them. */
async function measureStream({ subject, sink }: Place, perSecond: number, seconds: number): Promise<Measure> {
  const folder = await mkdtemp(join(tmpdir(), 'tiangong-bench-fs-'));
  const settings = { source: sourceOf(folder), batchSize: STREAM_BATCH, onPositionLost: 'SkipToLatest' } as const;
  try {
    await sink.reset();
    const sync = await RunningSync.start(subject, sink, settings);
    const closed = new Map<string, number>();
    const rate = await paced(perSecond * seconds, perSecond, async (i) => {
      const path = join(folder, `file-${i}`);
      await writeFile(path, 'twenty bytes of text');
      closed.set(path, performance.timeOrigin + performance.now());
    });
    const stats = await untilSink(sink, ({ messageRows }) => messageRows >= closed.size, 'all files to come');
    await sync.remove();
    const latencies = [...closed]
      .flatMap(([path, at]) => (stats.arrivals[path] === undefined ? [] : [stats.arrivals[path] - at]))
      .sort((a, b) => a - b);
    const part = (share: number): string =>
      (latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? NaN).toFixed(1);
    return {
      what: `stream of ${Math.round(rate).toLocaleString('en')} new files a second: ms from close() to the consumer, p50 / p99 / max; lost of ${closed.size}`,
      value: `${part(0.5)} / ${part(0.99)} / ${part(1)}; ${closed.size - latencies.length}`,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const sourceOf = (folder: string): Record<string, unknown> => ({
  ...{ driver: 'fs', uri: folder, credential: { user: 'fs-user', passwd: null } },
});
