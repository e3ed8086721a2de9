import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Command } from 'commander';
import { Client } from 'pg';
import type { ExecutionContext } from '../agent/executors/executor.ts';
import { PostgresExecutor } from '../agent/executors/postgres/postgres-executor.ts';
import { keepHeapSmall } from '../agent/small-heap.ts';
import { HOST, SERVICES } from '../test/services/known-services.ts';
import { PeakMemory } from './peak-memory.ts';

/**
 * The executor of postgres tasks alone, without agent and API around it: what a big file and a big SELECT cost in time and
 * in memory. PostgreSQL must be running (`test/services/postgres.sh start`).
 *
 *     node bench/postgres-executor.ts [--mib 1024] [--rows 1000000] [--batch 200]
 */
const options = new Command('postgres-executor')
  .option('--mib <n>', 'the size of each file', Number, 1024)
  .option('--rows <n>', 'of the SELECT', Number, 1_000_000)
  .option('--batch <n>', 'exec_options.trans_batch_size', Number, 200)
  .parse()
  .opts<{ mib: number; rows: number; batch: number }>();

const MIB = 1024 ** 2;
const DATABASE = 'tiangong_bench_executor';
const { port, user, password } = SERVICES.postgres;
const TARGET = { host: HOST, port, user, database: DATABASE, secret_ref: 'login' };

keepHeapSmall();
const folder = await mkdtemp(join(tmpdir(), 'tiangong-bench-'));
const executor = new PostgresExecutor({ connections: new Map(), spoolFolder: folder });
const admin = new Client({ host: HOST, port, user, password, database: 'postgres' });
await admin.connect();
await admin.query(`DROP DATABASE IF EXISTS ${DATABASE} WITH (FORCE)`);
await admin.query(`CREATE DATABASE ${DATABASE}`);
try {
  await measureFile(
    'one row of 150 bytes a statement',
    (id) => `INSERT INTO big VALUES (${id}, '${'x'.repeat(115)}');\n`,
  );
  await measureFile('100 rows of 1 KiB a statement', (id) => {
    const rows = Array.from({ length: 100 }, (_, row) => `(${id * 100 + row}, '${"it''s; ".repeat(146)}')`);
    return `INSERT INTO big VALUES\n${rows.join(',\n')};\n`;
  });
  await measureFile(
    'COPY of rows of 150 bytes',
    (id) => `${id === 0 ? 'COPY big FROM stdin;\n' : ''}${id}\t${'x'.repeat(140)}\n`,
    '\\.\n',
  );
  await measureSelect();
} finally {
  await executor.close();
  await admin.query(`DROP DATABASE IF EXISTS ${DATABASE} WITH (FORCE)`);
  await admin.end();
  await rm(folder, { recursive: true, force: true });
}

async function measureFile(what: string, piece: (id: number) => string, end = ''): Promise<void> {
  const path = join(folder, 'big.sql');
  let pieces = 0;
  const text = function* (): Generator<string> {
    yield 'DROP TABLE IF EXISTS big; CREATE TABLE big (id bigint, note text);\n';
    for (let size = 0; size < options.mib * MIB; pieces += 1) {
      const next = piece(pieces);
      size += next.length;
      yield next;
    }
    yield end;
  };
  await pipeline(Readable.from(text()), createWriteStream(path));
  const { size } = await stat(path);
  const file = { id: 'file', path, name: 'big.sql', bytes: size, release: () => undefined };
  const { seconds, result } = await run('', { fileId: 'file', file: () => Promise.resolve(file) });
  print(`${(size / MIB).toFixed(0)} MiB, ${what}`, [
    `${(size / MIB / seconds).toFixed(1)} MiB/s`,
    `${(pieces / seconds).toFixed(0)} pieces/s`,
    `result ${result} bytes`,
  ]);
  await rm(path);
}

async function measureSelect(): Promise<void> {
  const command = `SELECT n AS id, 'name ' || n AS name, md5(n::text) AS digest, now() AS at FROM generate_series(1, ${options.rows}) n`;
  for (const format of ['text', 'json']) {
    const { seconds, result } = await run(command, { params: { result_format: format } });
    print(`SELECT of ${options.rows} rows as ${format}`, [
      `${(options.rows / seconds).toFixed(0)} rows/s`,
      `result ${result} bytes`,
    ]);
  }
}

async function run(
  command: string,
  more: { readonly params?: object } & Partial<Omit<ExecutionContext, 'params'>>,
): Promise<{ seconds: number; result: number }> {
  let result = 0;
  const exec_options = { timeout_ms: 3_600_000, trans_batch_size: options.batch };
  const memory = new PeakMemory({ executor: process.pid });
  const begun = performance.now();
  const outcome = await executor.execute({
    name: 'task',
    uid: 'bench',
    epoch: 1,
    command,
    signal: new AbortController().signal,
    resumed: false,
    rollback: { write: () => undefined, end: () => undefined },
    output: {
      write: (bytes) => {
        result += bytes.length;
        // As a disk: what comes next does not come in the same turn.
        return new Promise((resolve) => setImmediate(resolve));
      },
      log: () => undefined,
    },
    credential: () => Promise.resolve({ data: { password }, allowedHosts: undefined }),
    fileId: undefined,
    file: () => Promise.reject(new Error('no file')),
    processStarted: () => undefined,
    evidence: () => undefined,
    ...more,
    params: { target: TARGET, exec_options, ...more.params },
  });
  const seconds = (performance.now() - begun) / 1000;
  print('memory, MB (before)', [memory.end()]);
  if (outcome.state === 'Failed') throw new Error(outcome.message);
  return { seconds, result };
}

function print(what: string, values: readonly string[]): void {
  process.stdout.write(`${what}: ${values.join(', ')}\n`);
}
