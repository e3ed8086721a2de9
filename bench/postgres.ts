import { createWriteStream, openAsBlob } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Client } from 'pg';
import { request } from 'undici';
import { HOST, isOpen, SERVICES } from '../test/services/known-services.ts';
import { whyNot } from '../test/services/prerequisites.ts';
import { runScript } from '../test/services/script.ts';
import { PeakMemory } from './peak-memory.ts';
import type { Subject } from './subject.ts';
import { MIB, PATIENCE_MS, mib, runTask, timed } from './task-runs.ts';
import type { Measure } from './workloads.ts';

const GIB = 1024 ** 3;
/** As a dump with `--rows-per-insert=100` has them. */
const ROWS_PER_STATEMENT = 100;
const ROW_BYTES = 1024;
const SELECTED_ROWS = 1_000_000;
const DATABASE = 'tiangong_bench';

/** Why PostgreSQL cannot be measured here. */
export async function whyNoPostgres(): Promise<string | undefined> {
  return (await isOpen(SERVICES.postgres.port)) ? undefined : whyNot('postgres');
}

/** A big SQL file by REST into a real PostgreSQL, and a big SELECT out of it: `scale` 1 is 1 GiB and 1,000,000 rows. */
export async function measurePostgres(subject: Subject, scale: number): Promise<Measure[]> {
  const { port, user, password } = SERVICES.postgres;
  const started = !(await isOpen(port)) && (await runScript('postgres', 'start', port)).startsWith('started');
  const folder = await mkdtemp(join(tmpdir(), 'tiangong-bench-'));
  const admin = new Client({ host: HOST, port, user, password, database: 'postgres' });
  try {
    await admin.connect();
    await admin.query(`DROP DATABASE IF EXISTS ${DATABASE} WITH (FORCE)`);
    await admin.query(`CREATE DATABASE ${DATABASE}`);
    const target = { host: HOST, port, user, password, database: DATABASE };
    const file = join(folder, 'big.sql');
    const rows = await writeSql(file, Math.round(GIB * scale));
    return [
      ...(await measureFile(subject, file, rows, target)),
      ...(await measureSelect(subject, target, Math.round(SELECTED_ROWS * scale))),
    ];
  } finally {
    await admin.query(`DROP DATABASE IF EXISTS ${DATABASE} WITH (FORCE)`).catch(() => undefined);
    await admin.end();
    await rm(folder, { recursive: true, force: true });
    if (started) await runScript('postgres', 'stop', port);
  }
}

async function measureFile(subject: Subject, path: string, count: number, target: Target): Promise<Measure[]> {
  const { size } = await stat(path);
  const what = `SQL file of ${mib(size)} MiB`;
  const uploading = new PeakMemory(subject.pids);
  const { result: file, seconds: uploadSeconds } = await timed(async () =>
    subject.rest.upload('big.sql', await openAsBlob(path)),
  );
  const uploadPeaks = uploading.end();

  const executing = new PeakMemory(subject.pids);
  const exec_options = { timeout_ms: PATIENCE_MS };
  const { result: task, seconds } = await timed(() =>
    runTask(subject, { type: 'postgres', file_id: file.id, params: { target, exec_options } }),
  );
  const peaks = executing.end();
  const counter = new Client(target);
  await counter.connect();
  const { rows } = await counter.query<{ n: string; bytes: string }>(
    'SELECT count(*) n, sum(length(note)) bytes FROM big',
  );
  await counter.end();
  const inserted = Number(rows[0]?.n);
  if (inserted !== count) throw new Error(`${task}: ${inserted} rows instead of ${count}`);
  return [
    { what: `${what}: upload by REST, MiB/s`, value: (size / MIB / uploadSeconds).toFixed(0) },
    { what: `${what}: peak RSS while it is uploaded, MB (before)`, value: uploadPeaks },
    {
      what: `${what}: fetched by the agent and executed, ${ROWS_PER_STATEMENT} rows a statement: s, MiB/s, rows/s`,
      value: `${seconds.toFixed(1)}, ${(size / MIB / seconds).toFixed(1)}, ${(inserted / seconds).toFixed(0)}`,
    },
    { what: `${what}: peak RSS while it is executed, MB (before)`, value: peaks },
  ];
}

async function measureSelect(subject: Subject, target: Target, count: number): Promise<Measure[]> {
  const what = `SELECT of ${count.toLocaleString('en')} rows`;
  const command = `SELECT n AS id, 'name ' || n AS name, md5(n::text) AS digest, now() AS at FROM generate_series(1, ${count}) n`;
  const executing = new PeakMemory(subject.pids);
  const { result: id, seconds } = await timed(() =>
    runTask(subject, { type: 'postgres', command, params: { target } }),
  );
  const peaks = executing.end();
  const reading = new PeakMemory(subject.pids);
  const { result: read, seconds: readSeconds } = await timed(() => readResult(subject, id));
  const readPeaks = reading.end();
  if (!read.tail.includes(`(${count} rows)`)) throw new Error(`${id}: the result ends with ${read.tail.slice(-100)}`);
  return [
    {
      what: `${what}, a table of ${mib(read.bytes)} MiB: s, rows/s`,
      value: `${seconds.toFixed(1)}, ${(count / seconds).toFixed(0)}`,
    },
    { what: `${what}: peak RSS, MB (before)`, value: peaks },
    { what: `${what}: the whole result by REST, MiB/s`, value: (read.bytes / MIB / readSeconds).toFixed(0) },
    { what: `${what}: peak RSS while it is read, MB (before)`, value: readPeaks },
  ];
}

type Target = Readonly<Record<string, string | number>>;

async function readResult(subject: Subject, id: string): Promise<{ bytes: number; tail: string }> {
  const { body, statusCode } = await request(`${subject.rest.url}/api/v1/tasks/${id}/result`);
  if (statusCode !== 200) throw new Error(`GET result of ${id}: ${statusCode} ${await body.text()}`);
  let bytes = 0;
  let tail = '';
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    tail = (tail + chunk.toString('latin1')).slice(-1000);
  }
  return { bytes, tail };
}

/** Returns how many rows it inserts. */
async function writeSql(path: string, bytes: number): Promise<number> {
  const statements = Math.max(1, Math.floor(bytes / (ROWS_PER_STATEMENT * ROW_BYTES)));
  function* text(): Generator<string> {
    yield 'CREATE TABLE big (id bigint PRIMARY KEY, note text NOT NULL);\n';
    for (let i = 0; i < statements; i += 1) {
      const rows = Array.from({ length: ROWS_PER_STATEMENT }, (_, row) => {
        const head = `(${i * ROWS_PER_STATEMENT + row}, 'it''s ; row `;
        return `${head}${'x'.repeat(ROW_BYTES - head.length - 4)}')`;
      });
      yield `INSERT INTO big VALUES\n${rows.join(',\n')};\n`;
    }
  }
  await pipeline(Readable.from(text()), createWriteStream(path));
  return statements * ROWS_PER_STATEMENT;
}
