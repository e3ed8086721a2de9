import { createConnection, createPool } from 'mysql2/promise';
import type { Connection, Pool } from 'mysql2/promise';
import { HOST, isOpen, SERVICES } from '../../test/services/known-services.ts';
import { runScript } from '../../test/services/script.ts';
import { PeakMemory } from '../peak-memory.ts';
import { CpuMeter } from '../process-usage.ts';
import type { Subject } from '../subject.ts';
import type { Measure } from '../workloads.ts';
import { paced } from './paced-writer.ts';
import { RunningSync, untilSink } from './running-sync.ts';
import type { SinkStats } from './sink-process.ts';
import { Sink } from './sink.ts';

const DATABASE = 'tiangong_bench_sync';
const ROWS = 1_000_000;
const ROWS_PER_TRANSACTION = 100;
const TRANSACTIONS_PER_SECOND = 100;
const STREAM_SECONDS = 20;
const BATCH_SIZES = [100, 500, 1000, 5000] as const;
const STREAM_BATCH = 1000;

interface Place {
  readonly subject: Subject;
  readonly sink: Sink;
  readonly source: Readonly<Record<string, unknown>>;
  readonly writers: Pool;
}

/** MySQL to HTTP through one agent: a snapshot of a table, and a stream of changes, alone and beside a snapshot. */
export async function measureMysqlSync(subject: Subject, scale: number): Promise<Measure[]> {
  const { port, user, password } = SERVICES.mysql;
  const started = !(await isOpen(port)) && (await runScript('mysql', 'start', port)).startsWith('started');
  const admin = await createConnection({ host: HOST, port, user, password, multipleStatements: true });
  const writers = createPool({ host: HOST, port, user, password, database: DATABASE, connectionLimit: 4 });
  const sink = await Sink.start();
  const rows = Math.max(1000, Math.round(ROWS * scale));
  const source = {
    ...{ driver: 'mysql', uri: `${HOST}:${String(port)}`, credential: { user, passwd: password } },
    driver_params: { databases: [DATABASE] },
  };
  try {
    await makeTables(admin, rows);
    const place: Place = { subject, sink, source, writers };
    const measures: Measure[] = [];
    for (const batchSize of BATCH_SIZES) measures.push(...(await measureSnapshot(place, rows, batchSize)));
    return [
      ...measures,
      ...(await measureStream(place, rows, scale, false)),
      ...(await measureStream(place, rows, scale, true)),
    ];
  } finally {
    await sink.stop();
    await writers.end();
    await admin.query(`DROP DATABASE IF EXISTS ${DATABASE}`);
    await admin.end();
    if (started) await runScript('mysql', 'stop', port);
  }
}

async function makeTables(admin: Connection, rows: number): Promise<void> {
  const columns =
    'id BIGINT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(64), amount DECIMAL(12,2), changed DATETIME(6), note VARCHAR(255)';
  await admin.query(`DROP DATABASE IF EXISTS ${DATABASE}; CREATE DATABASE ${DATABASE}; USE ${DATABASE}`);
  await admin.query(`CREATE TABLE big (${columns})`);
  await admin.query('CREATE TABLE live (id BIGINT PRIMARY KEY, written BIGINT, note VARCHAR(64))');
  const digits =
    '(SELECT 0 d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)';
  const tables = Array.from({ length: 6 }, (_, i) => `${digits} d${i}`).join(', ');
  const values = `CONCAT('name ', d0.d, d1.d, d2.d), d3.d * 1000.25 + d4.d, NOW(6), REPEAT('x', 80)`;
  await admin.query(`INSERT INTO big (name, amount, changed, note) SELECT ${values} FROM ${tables} LIMIT ${rows}`);
}

async function measureSnapshot(place: Place, rows: number, batchSize: number): Promise<Measure[]> {
  const { subject, sink, source } = place;
  await sink.reset();
  const memory = new PeakMemory(subject.pids);
  const cpu = new CpuMeter({ agent: subject.pids['agent'] ?? -1, consumer: sink.pid });
  const begun = Date.now();
  const sync = await RunningSync.start(subject, sink, { source, batchSize });
  const stats = await untilSink(sink, ({ snapshotEnds }) => snapshotEnds > 0, 'the snapshot to end');
  const peaks = memory.end();
  const used = cpu.perPiece(rows / 1000, 'load generator');
  await sync.remove();
  if (stats.snapshotRows < rows) throw new Error(`${stats.snapshotRows} rows of ${rows} came`);
  const what = `snapshot of ${rows.toLocaleString('en')} rows of 150 bytes, batch_size ${batchSize}`;
  const seconds = (stats.snapshotLast - stats.snapshotFirst) / 1000;
  return [
    {
      what: `${what}: rows/s after the first push (with start: rows/s)`,
      value: `${Math.round(rows / seconds)} (${Math.round((rows * 1000) / (stats.snapshotLast - begun))})`,
    },
    ...(batchSize === 1000
      ? [
          { what: `${what}: peak RSS, MB (before)`, value: peaks },
          { what: `${what}: CPU ms for 1,000 rows`, value: used },
        ]
      : []),
  ];
}

/** Transactions of a hundred inserted rows, so many a second. */
async function measureStream(place: Place, rows: number, scale: number, withSnapshot: boolean): Promise<Measure[]> {
  const { subject, sink, source, writers } = place;
  await writers.query('TRUNCATE TABLE live');
  await sink.reset();
  const onPositionLost = withSnapshot ? 'Snapshot' : 'SkipToLatest';
  const sync = await RunningSync.start(subject, sink, { source, batchSize: STREAM_BATCH, onPositionLost });
  if (withSnapshot) await untilSink(sink, ({ snapshotRows }) => snapshotRows > 0, 'the snapshot to begin');
  const transactions = Math.round(TRANSACTIONS_PER_SECOND * STREAM_SECONDS * Math.min(1, scale));
  let during = 0;
  const rate = await paced(transactions, TRANSACTIONS_PER_SECOND, async (i) => {
    const written = Math.round((performance.timeOrigin + performance.now()) * 1000);
    const values = Array.from(
      { length: ROWS_PER_TRANSACTION },
      (_, row) => `(${i * ROWS_PER_TRANSACTION + row},${written},'x')`,
    );
    await writers.query(`INSERT INTO live VALUES ${values.join(',')}`);
    during += 1;
  });
  const atEnd = await sink.counts();
  const wanted = during * ROWS_PER_TRANSACTION;
  const stats = await untilSink(sink, ({ messageRows }) => messageRows >= wanted, 'all changes to come');
  await sync.remove();
  const what = withSnapshot
    ? `stream beside a snapshot of ${rows.toLocaleString('en')} rows (${snapshotRate(atEnd)} of its rows/s meanwhile)`
    : 'stream alone';
  return [
    {
      what: `${what}, ${Math.round(rate * ROWS_PER_TRANSACTION).toLocaleString('en')} rows/s written in transactions of ${ROWS_PER_TRANSACTION}: ms from before the INSERT to the consumer, p50 / p99 / max; lost`,
      value: `${percentiles(stats)}; ${wanted - stats.messageRows}`,
    },
  ];
}

const snapshotRate = ({ snapshotRows, snapshotFirst, snapshotLast }: SinkStats): string =>
  Math.round((snapshotRows * 1000) / Math.max(1, snapshotLast - snapshotFirst)).toLocaleString('en');

function percentiles({ latencies }: SinkStats): string {
  const at = (part: number): string =>
    (latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))] ?? NaN).toFixed(1);
  return `${at(0.5)} / ${at(0.99)} / ${at(1)}`;
}
