import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream, openAsBlob } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { createConnection } from 'mysql2/promise';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { HOST, isOpen, SERVICES } from '../test/services/known-services.ts';
import { whyNot } from '../test/services/prerequisites.ts';
import { runScript } from '../test/services/script.ts';
import { PeakMemory } from './peak-memory.ts';
import type { Subject } from './subject.ts';
import { MIB, PATIENCE_MS, mib, runTask, timed } from './task-runs.ts';
import type { Measure } from './workloads.ts';

export type MysqlName = 'mysql' | 'mariadb';

const GIB = 1024 ** 3;
const DATABASE = 'tiangong_bench';
/** As a dump with `--extended-insert` might have them. */
const ROWS_PER_STATEMENT = 100;
const ROW_BYTES = 1024;
const STATEMENTS = 50_000;
/** The default of exec_options.trans_batch_size. */
const BATCH = 200;
/** A task may seem longer by so much. */
const POLL_MS = 100;
/** Each way once a round, so that all meet the same weather. */
const ROUNDS = 3;

/** Why a server cannot be measured here. */
export async function whyNoMysql(name: MysqlName): Promise<string | undefined> {
  return (await isOpen(SERVICES[name].port)) ? undefined : whyNot(name);
}

/**
 * SQL files by REST into a real server, beside its own client program, which reads the same bytes: `scale` 1 is 50,000
 * statements of one row, and a `.sql.gz` of 1 GiB when unpacked.
 */
export async function measureMysql(subject: Subject, name: MysqlName, scale: number): Promise<Measure[]> {
  const { port, user, password } = SERVICES[name];
  const started = !(await isOpen(port)) && (await runScript(name, 'start', port)).startsWith('started');
  const folder = await mkdtemp(join(tmpdir(), 'tiangong-bench-'));
  const admin = await createConnection({ host: HOST, port, user, password, multipleStatements: true });
  const target = { host: HOST, port, user, password, database: DATABASE };
  try {
    await admin.query(`DROP DATABASE IF EXISTS ${DATABASE}; CREATE DATABASE ${DATABASE}; USE ${DATABASE}`);
    const place: Place = { subject, name, admin, target, folder };
    return [
      ...(await measureStatements(place, Math.round(STATEMENTS * scale))),
      ...(await measureBigFile(place, Math.round(GIB * scale))),
    ];
  } finally {
    await admin.query(`DROP DATABASE IF EXISTS ${DATABASE}`).catch(() => undefined);
    await admin.end();
    await rm(folder, { recursive: true, force: true });
    if (started) await runScript(name, 'stop', port);
  }
}

interface Place {
  readonly subject: Subject;
  readonly name: MysqlName;
  readonly admin: Connection;
  readonly target: Readonly<Record<string, string | number>>;
  readonly folder: string;
}

/** Inserts of one row of 150 bytes, all ways in turn; the median of the rounds. */
async function measureStatements(place: Place, count: number): Promise<Measure[]> {
  const { subject, folder } = place;
  const insert = (id: number): string => `INSERT INTO big VALUES (${id}, '${'x'.repeat(115)}');\n`;
  const [plain, batched] = [join(folder, 'plain.sql'), join(folder, 'batched.sql')];
  await write(plain, count, insert);
  // What a task does by itself.
  await write(batched, count, (id) => {
    const [first, last] = [id % BATCH === 0, id % BATCH === BATCH - 1 || id === count - 1];
    return `${first ? 'START TRANSACTION;\n' : ''}${insert(id)}${last ? 'COMMIT;\n' : ''}`;
  });
  const { id: fileId } = await subject.rest.upload('plain.sql', await openAsBlob(plain));
  const task = (exec_options: object) => (): Promise<unknown> => execute(place, fileId, exec_options);
  const ways: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['its client, each statement committed by itself', () => client(place, plain)],
    ['a task with trans_batch_size 1, no backup', task({ backup: false, trans_batch_size: 1 })],
    [`its client, transactions of ${BATCH}`, () => client(place, batched)],
    ['a task, no backup', task({ backup: false })],
    ['a task, no backup, concurrency 4', task({ backup: false, concurrency: 4 })],
    ['a task, backup', task({ backup: true })],
    ['a task, ledger, no backup', task({ backup: false, ledger: true })],
  ];
  const measured = ways.map(([what, run]) => ({ what, run, rates: [] as number[] }));
  for (let round = 0; round < ROUNDS; round += 1)
    for (const { run, rates } of measured) {
      await empty(place);
      rates.push(Math.round(count / (await timed(run)).seconds));
      await expectRows(place, count);
    }
  return measured.map(({ what, rates }) => {
    rates.sort((a, b) => a - b);
    const [least, median, most] = [rates[0], rates[Math.floor(ROUNDS / 2)], rates.at(-1)];
    return {
      what: `${count.toLocaleString('en')} INSERTs of one row, ${what}: statements/s (least … most of ${ROUNDS})`,
      value: `${median} (${least} … ${most})`,
    };
  });
}

/** A dump, packed, with and without what undoes it. */
async function measureBigFile(place: Place, bytes: number): Promise<Measure[]> {
  const { subject, folder } = place;
  const path = join(folder, 'big.sql.gz');
  const statements = Math.max(1, Math.floor(bytes / (ROWS_PER_STATEMENT * ROW_BYTES)));
  await write(path, statements, (i) => {
    const rows = Array.from({ length: ROWS_PER_STATEMENT }, (_, row) => {
      // Packed, it is a tenth, as dumps are.
      const head = `(${i * ROWS_PER_STATEMENT + row}, 'it''s ; row ${randomBytes(48).toString('hex')}`;
      return `${head}${'x'.repeat(ROW_BYTES - head.length - 4)}')`;
    });
    return `INSERT INTO big VALUES\n${rows.join(',\n')};\n`;
  });
  const packed = (await stat(path)).size;
  const what = `.sql.gz of ${mib(bytes)} MiB (${mib(packed)} MiB packed), ${ROWS_PER_STATEMENT} rows a statement`;
  const { id } = await subject.rest.upload('big.sql.gz', await openAsBlob(path));
  const measures: Measure[] = [];
  const ways = [
    ['its client', () => client(place, path)],
    ['a task, no backup', () => execute(place, id, { backup: false })],
    ['a task, backup', () => execute(place, id, { backup: true })],
  ] as const;
  for (const [way, run] of ways) {
    await empty(place);
    const memory = new PeakMemory(subject.pids);
    const { seconds } = await timed<unknown>(run);
    const peaks = memory.end();
    await expectRows(place, statements * ROWS_PER_STATEMENT);
    const value = `${seconds.toFixed(1)}, ${(bytes / MIB / seconds).toFixed(1)}`;
    measures.push({ what: `${what}, ${way}: s, MiB/s`, value });
    if (way !== 'its client') measures.push({ what: `${what}, ${way}: peak RSS, MB (before)`, value: peaks });
  }
  return measures;
}

function execute({ subject, target }: Place, fileId: string, options: object): Promise<string> {
  const exec_options = { timeout_ms: PATIENCE_MS, ...options };
  return runTask(subject, { type: 'mysql', file_id: fileId, params: { target, exec_options } }, POLL_MS);
}

/** Runs the server's own client program with a file as its input. */
async function client({ name, target }: Place, path: string): Promise<void> {
  const script = join(import.meta.dirname, '../test/services', `${name}.sh`);
  const child = spawn('bash', [script, 'client', String(target['port']), DATABASE], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const unpacked = path.endsWith('.gz') ? [createGunzip()] : [];
  await pipeline([createReadStream(path), ...unpacked, child.stdin]);
  const code = await ended;
  if (code !== 0) throw new Error(`the client of ${name} ended with ${String(code)}`);
}

async function empty({ admin }: Place): Promise<void> {
  await admin.query('DROP TABLE IF EXISTS big; CREATE TABLE big (id BIGINT PRIMARY KEY, note TEXT NOT NULL)');
}

async function expectRows({ admin }: Place, count: number): Promise<void> {
  const [rows] = await admin.query<RowDataPacket[]>('SELECT COUNT(*) AS n FROM big');
  if (Number(rows[0]?.['n']) !== count) throw new Error(`${String(rows[0]?.['n'])} rows instead of ${count}`);
}

async function write(path: string, count: number, piece: (i: number) => string): Promise<void> {
  function* text(): Generator<string> {
    for (let i = 0; i < count; i += 1) yield piece(i);
  }
  const packed = path.endsWith('.gz') ? [createGzip({ level: 1 })] : [];
  await pipeline([Readable.from(text()), ...packed, createWriteStream(path)]);
}
