import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asStoreFull } from './capacity.ts';
import { Database } from './database.ts';

describe('Database', () => {
  let folder: string;
  let db: Database;
  const insert = (key: string, bytes = 10): (() => void) => {
    return () => {
      const row = ['', key, 'x'.repeat(bytes), 'name', 0, 0];
      db.prepare('INSERT INTO idempotency_key VALUES (?, ?, ?, ?, ?, ?)').run(...row);
    };
  };
  const keys = (): unknown[] => {
    const rows = db.prepare('SELECT key FROM idempotency_key ORDER BY key').all() as { key: string }[];
    return rows.map(({ key }) => key);
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tiangong-database-'));
    db = new Database(join(folder, 'db'));
  });
  afterEach(async () => {
    db.close();
    await rm(folder, { recursive: true });
  });

  it('keeps the writes of one transaction apart: one that fails takes no other with it', async () => {
    const fail = (): void => {
      insert('b')();
      throw new Error('not this one');
    };
    const results = await Promise.allSettled([db.write(insert('a')), db.write(fail), db.write(insert('c'))]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(keys()).toEqual(['a', 'c']);
  });

  it('keeps nothing of a transaction that the disk has no room for, and goes on when there is some', async () => {
    await db.write(insert('a'));
    const { page_count: pages } = db.prepare('PRAGMA page_count').get() as { page_count: number };
    db.exec(`PRAGMA max_page_count = ${pages + 4}`);
    const results = await Promise.allSettled([db.write(insert('b')), db.write(insert('c', 100_000))]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const [, full] = results;
    expect(full.status === 'rejected' && asStoreFull(full.reason)).toMatchObject({ code: 'StoreFull' });
    expect(keys()).toEqual(['a']);
    await db.write(insert('b'));
    expect(keys()).toEqual(['a', 'b']);
  });

  it('is readable by its user alone, and so is its journal', async () => {
    await db.write(insert('a'));
    for (const name of await readdir(folder)) expect((await stat(join(folder, name))).mode & 0o077, name).toBe(0);
  });

  it('gives back what a write returns', async () => {
    expect(await db.write(() => 42)).toBe(42);
  });
});
