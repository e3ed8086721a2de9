import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Database } from './database.ts';
import { SqliteSyncLogs } from './sqlite-sync-logs.ts';

describe('SqliteSyncLogs', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tiangong-store-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('keeps the newest lines only, and never gives a number twice', async () => {
    const db = new Database(join(folder, 'store.db'));
    const logs = new SqliteSyncLogs(db, 10);
    for (let n = 1; n <= 25; n += 1)
      await logs.append('a', [{ n, ts: '2026-01-02T03:04:05.678Z', level: 'INFO', source: 's', msg: `line ${n}` }]);
    const kept = logs.list({ limit: 100 });
    expect(kept.map(({ lineNumber }) => lineNumber)).toEqual([25, 24, 23, 22, 21, 20, 19, 18, 17, 16]);
    db.close();
  });
});
