import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import type { Outcome } from '../executor.ts';
import { TestDatabase } from './testing/test-database.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const MIB = 1024 ** 2;

describe.skipIf(!hasServices('postgres'))('PostgresExecutor with much data', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await TestDatabase.create(await service('postgres'));
  });
  afterAll(() => database?.drop());
  beforeEach(() => database.empty());

  /** What JavaScript and its buffers keep, in MiB, after garbage is collected. */
  const kept = (): number => {
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    return (heapUsed + external) / MIB;
  };

  /** Runs a command and drops its result; `most` is what was kept meanwhile at most, in MiB. */
  async function runDropped(
    command: string,
    params: object,
  ): Promise<{ outcome: Outcome; bytes: number; most: number }> {
    let bytes = 0;
    let pieces = 0;
    let most = 0;
    const before = kept();
    const work = database.work(command, { ...params });
    const outcome = await database.executor.execute({
      name: 'task',
      uid: 'big',
      epoch: 1,
      command,
      params: work.params ?? {},
      signal: new AbortController().signal,
      resumed: false,
      rollback: { write: () => undefined, end: () => undefined },
      output: {
        write: (piece) => {
          bytes += piece.length;
          pieces += 1;
          if (pieces % 100 === 0) most = Math.max(most, kept() - before);
          return new Promise((resolve) => setImmediate(resolve));
        },
        log: () => undefined,
      },
      credential: () => Promise.resolve({ data: { password: database.password }, allowedHosts: undefined }),
      fileId: undefined,
      file: () => Promise.reject(new Error('not found')),
      processStarted: () => undefined,
      evidence: () => undefined,
    });
    return { outcome, bytes, most };
  }

  it.each(['text', 'json'] as const)('gives 1,000,000 rows as %s and keeps few of them', async (format) => {
    const command = "SELECT n AS id, md5(n::text) AS digest, repeat('x', 30) AS pad FROM generate_series(1, 1000000) n";
    const { outcome, bytes, most } = await runDropped(command, { result_format: format });
    expect(outcome).toMatchObject({ state: 'Succeeded', message: '1 statement executed, 1000000 rows' });
    expect(bytes).toBeGreaterThan(70 * MIB);
    expect(most).toBeLessThan(30);
  });

  it('executes a file of 64 MiB and keeps little of it', async () => {
    const path = join(temporaryFolder(), 'big.sql');
    const pad = "it''s; ".repeat(2300);
    const lines = function* (): Generator<string> {
      yield 'CREATE TABLE big (a int, b text);\n';
      for (let row = 0; row < 4096; row += 1) yield `INSERT INTO big VALUES (${row}, '${pad}');\n`;
    };
    await pipeline(Readable.from(lines()), createWriteStream(path));
    const { size } = await stat(path);
    expect(size).toBeGreaterThan(55 * MIB);
    let most = 0;
    const before = kept();
    const watch = setInterval(() => (most = Math.max(most, kept() - before)), 1000);
    const file = { id: 'file-1', path, name: 'big.sql', bytes: size, release: () => undefined };
    const { outcome } = await database.run('', {}, { file });
    clearInterval(watch);
    expect(outcome).toMatchObject({ state: 'Succeeded', message: '4097 statements executed, 4096 rows' });
    expect(await database.values('SELECT count(*)::int FROM big')).toEqual([4096]);
    expect(most).toBeLessThan(40);
  });
});
