import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createGzip } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../agent/testing/temporary-folder.ts';
import { hasServices, service } from '../services/service.ts';
import { MysqlPlace } from './mysql-place.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const MIB = 1024 ** 2;
/** 100 rows of 1 KiB a statement; `make bench` takes 1 GiB. */
const STATEMENTS = 1280;

/** What JavaScript and its buffers keep, in MiB, after garbage is collected. */
function kept(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / MIB;
}

describe.each((['mysql', 'mariadb'] as const).filter((name) => hasServices(name)))(
  'a .sql.gz of 128 MiB on %s',
  (name) => {
    let place: MysqlPlace;

    beforeAll(async () => {
      place = await MysqlPlace.create(await service(name));
      await place.rows('CREATE TABLE big (id INT PRIMARY KEY, note TEXT NOT NULL)');
    });
    afterAll(() => place?.drop());

    it('is executed with little of it in memory', { timeout: 300_000 }, async () => {
      const path = join(temporaryFolder(), 'big.sql.gz');
      const note = "it''s; \\\\ ".repeat(100).padEnd(1000, 'x');
      function* text(): Generator<string> {
        for (let i = 0; i < STATEMENTS; i += 1) {
          const rows = Array.from({ length: 100 }, (_, row) => `(${i * 100 + row}, '${note}')`);
          yield `INSERT INTO big VALUES\n${rows.join(',\n')};\n`;
        }
      }
      await pipeline(Readable.from(text()), createGzip({ level: 1 }), createWriteStream(path));
      const { size } = await stat(path);
      let most = 0;
      const before = kept();
      const watch = setInterval(() => (most = Math.max(most, kept() - before)), 500);
      const file = { id: 'file-1', path, name: 'big.sql.gz', bytes: size, release: () => undefined };
      const { outcome } = await place.run('', { exec_options: { backup: false } }, { file });
      clearInterval(watch);
      expect(outcome).toMatchObject({
        state: 'Succeeded',
        message: `${STATEMENTS} statements executed, ${STATEMENTS * 100} rows`,
      });
      expect(await place.rows('SELECT COUNT(*) AS n, MIN(CHAR_LENGTH(note)) AS least FROM big')).toEqual([
        { n: STATEMENTS * 100, least: 1000 - 100 * 2 },
      ]);
      expect(most).toBeLessThan(60);
    });
  },
);
