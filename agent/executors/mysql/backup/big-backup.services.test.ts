import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../../test/services/service.ts';
import { temporaryFolder } from '../../../testing/temporary-folder.ts';
import type { Outcome, RollbackSummary } from '../../executor.ts';
import { TestDatabase } from '../testing/test-database.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const MIB = 1024 ** 2;
const ROWS = 100_000;
const FLAVOURS = (['mysql', 'mariadb'] as const).filter((name) => hasServices(name));

describe.each(FLAVOURS)('the backup of 100,000 changed rows on %s', (flavour) => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await TestDatabase.create(await service(flavour));
  });
  afterAll(() => database?.drop());

  /** What JavaScript and its buffers keep, in MiB, after garbage is collected. */
  const kept = (): number => {
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    return (heapUsed + external) / MIB;
  };

  /** Runs a text and writes its rollback to a file; `most` is what was kept meanwhile at most, in MiB. */
  async function run(
    command: string,
    { rollbackTo, from }: { rollbackTo: string; from?: string },
  ): Promise<{ outcome: Outcome; summary: RollbackSummary | undefined; most: number }> {
    const work = database.work(command, from === undefined ? {} : { rollback_of: 'task-1' });
    const script = createWriteStream(rollbackTo);
    let summary: RollbackSummary | undefined;
    let most = 0;
    const before = kept();
    const watch = setInterval(() => (most = Math.max(most, kept() - before)), 500);
    const outcome = await database.executor.execute({
      ...{ uid: 'big', epoch: 1, command, params: work.params ?? {}, signal: new AbortController().signal },
      name: 'task',
      resumed: false,
      rollback: {
        write: (bytes) => new Promise((resolve) => script.write(bytes, () => resolve())),
        end: (given) => (summary = given),
      },
      output: { write: () => undefined, log: () => undefined },
      credential: () => Promise.resolve({ data: { password: database.password }, allowedHosts: undefined }),
      fileId: from === undefined ? undefined : 'file-1',
      file: async () => {
        const path = from ?? '';
        return { id: 'file-1', path, name: 'rollback.sql', bytes: (await stat(path)).size, release: () => undefined };
      },
      processStarted: () => undefined,
      evidence: () => undefined,
    });
    clearInterval(watch);
    script.end();
    await finished(script);
    return { outcome, summary, most };
  }

  const digest = (): Promise<unknown[]> =>
    database.values(`SELECT CONCAT(COUNT(*), ':', SUM(CRC32(CONCAT_WS('|', id, n, note, body)))) FROM big`);

  it('is written with few of them in memory, and run in bounded memory', async () => {
    const folder = temporaryFolder();
    await database.witness.query('DROP TABLE IF EXISTS big');
    await database.witness.query(
      'CREATE TABLE big (id INT PRIMARY KEY AUTO_INCREMENT, n INT, note VARCHAR(100), body BLOB)',
    );
    await database.witness.query(`INSERT INTO big (n, note, body) VALUES (1, 'é', REPEAT(0xFF, 200))`);
    for (let rows = 1; rows < ROWS; rows *= 2)
      await database.witness.query(
        `INSERT INTO big (n, note, body) SELECT n + ${rows}, CONCAT('n', id), body FROM big LIMIT ${Math.min(rows, ROWS - rows)}`,
      );
    const before = await digest();
    const script = join(folder, 'rollback.sql');
    const done = await run(`UPDATE big SET n = n + 1, note = CONCAT(note, '!'), body = REVERSE(body)`, {
      rollbackTo: script,
    });
    expect(done.outcome).toMatchObject({ state: 'Succeeded' });
    expect(done.summary).toEqual({ available: true, exact: true, statements: ROWS });
    expect(done.most).toBeLessThan(40);
    expect(await digest()).not.toEqual(before);

    const again = join(folder, 'again.sql');
    const undone = await run('', { rollbackTo: again, from: script });
    expect(undone.outcome).toMatchObject({ state: 'Succeeded' });
    expect(await digest()).toEqual(before);
    expect(undone.summary).toEqual({ available: true, exact: true, statements: ROWS });
    // One transaction, of whose statements the beginnings are kept for the backup.
    expect(undone.most).toBeLessThan(160);
  }, 400_000);
});
