import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashOf } from '../audit-record.ts';
import type { AuditMark } from '../audit.ts';
import { SqliteAudit } from './sqlite-audit.ts';
import type { AuditBounds } from './sqlite-audit.ts';

const HOUR_MS = 3_600_000;

describe('SqliteAudit', () => {
  let folder: string;
  let file: string;
  let audit: SqliteAudit;
  const open = (bounds: Partial<AuditBounds> = {}): SqliteAudit =>
    new SqliteAudit(file, { maxRecords: 1000, maxAgeMs: HOUR_MS, ...bounds });
  const append = (object: string): Promise<AuditMark> =>
    audit.append({ action: 'deleteTask', user: 'alice', source: '10.0.0.1', object });
  const fill = async (count: number): Promise<void> => {
    await Promise.all(Array.from({ length: count }, (_, n) => append(`tasks/${n}`)));
  };
  /** What somebody with the file and a shell does. */
  const tamper = (sql: string): void => {
    const db = new DatabaseSync(file);
    try {
      db.exec(sql);
    } finally {
      db.close();
    }
  };
  const DROP = 'DROP TRIGGER audit_update; DROP TRIGGER audit_delete; DROP TRIGGER audit_insert;';

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tiangong-audit-'));
    file = join(folder, 'audit.db');
    audit = open();
  });
  afterEach(async () => {
    await audit.close();
    await rm(folder, { recursive: true });
  });

  it.each([
    ["UPDATE audit SET record = '{}' WHERE seq = 2", 'cannot be changed'],
    ['DELETE FROM audit WHERE seq = 2', 'cannot be deleted'],
    ['DELETE FROM audit', 'cannot be deleted'],
    ["INSERT OR REPLACE INTO audit (seq, record, hash) VALUES (2, '{}', '')", 'only be added at the end'],
    ["INSERT INTO audit (seq, record, hash) VALUES (9, '{}', '')", 'only be added at the end'],
    ["INSERT INTO audit_anchor VALUES (2, 'made up')", 'an anchor is the last of the records'],
    ['INSERT INTO audit_anchor SELECT seq, hash FROM audit WHERE seq = 3', 'never the newest'],
  ])('refuses %s', async (sql, why) => {
    await fill(3);
    expect(() => tamper(sql)).toThrow(why);
    expect(await audit.verify()).toMatchObject({ records: 3, broken: undefined });
  });

  it.each([
    ['a record was changed', "UPDATE audit SET record = replace(record, 'alice', 'mallo') WHERE seq = 4", 4],
    ['a record was taken out', 'DELETE FROM audit WHERE seq = 4', 4],
    ['the newest were taken away', 'DELETE FROM audit WHERE seq > 4', 5],
    ['the oldest were taken away', 'DELETE FROM audit WHERE seq < 3', 1],
    [
      'a record has the number of another',
      'UPDATE audit SET (record, hash) = (SELECT record, hash FROM audit WHERE seq = 3) WHERE seq = 4',
      4,
    ],
    [
      'two records were exchanged',
      'UPDATE audit SET seq = -seq WHERE seq IN (4, 5); UPDATE audit SET seq = 9 + seq WHERE seq < 0',
      4,
    ],
  ])('says where the chain is broken when %s by somebody who took the triggers off', async (_what, sql, broken) => {
    await fill(6);
    tamper(`${DROP} ${sql}`);
    expect(await audit.verify()).toMatchObject({ broken, reason: expect.any(String) as string });
  });

  it('notices a record that was rewritten together with its hash, by the one after it', async () => {
    await fill(6);
    const [, second] = await audit.list({ after: 0, limit: 2 });
    const { hash: _hash, ...rest } = { ...second, user: 'mallory' };
    const text = JSON.stringify(Object.fromEntries(Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1))));
    tamper(`${DROP} UPDATE audit SET record = '${text}', hash = '${hashOf(text)}' WHERE seq = 2`);
    expect(await audit.verify()).toMatchObject({ broken: 3, reason: expect.stringContaining('follow') as string });
  });

  it('notices that the oldest were removed as it removes them, but without a word', async () => {
    await fill(6);
    tamper(`INSERT INTO audit_anchor SELECT seq, hash FROM audit WHERE seq = 3; DELETE FROM audit WHERE seq <= 3`);
    expect(await audit.verify()).toMatchObject({
      broken: 3,
      reason: 'no record says that the records up to this one were removed',
    });
  });

  it('removes the oldest beyond its bounds, says so in a record, and the rest still holds', async () => {
    await audit.close();
    audit = open({ maxRecords: 100 });
    await fill(250);
    const { anchor, head } = audit;
    expect(head.seq - anchor.seq).toBeLessThanOrEqual(103);
    expect(anchor.seq).toBeGreaterThan(140);
    expect(await audit.verify()).toMatchObject({ records: head.seq - anchor.seq, head, broken: undefined });
    const [first] = await audit.list({ after: 0, limit: 1 });
    expect(first).toMatchObject({ seq: anchor.seq + 1, previous: anchor.hash });
    const removals = await audit.list({ limit: 500, action: 'removeAuditRecords' });
    expect(removals[0]).toMatchObject({
      user: 'tiangong:api',
      object: expect.stringMatching(/^audit\/\d+-\d+$/) as string,
    });
    await audit.close();
    audit = open({ maxRecords: 100 });
    expect(audit.anchor).toEqual(anchor);
    expect(await audit.verify()).toMatchObject({ broken: undefined });
  });

  it('removes what is too old, but never the newest', async () => {
    await fill(20);
    expect(await audit.retain()).toBe(0);
    await audit.close();
    audit = open({ maxAgeMs: -HOUR_MS });
    expect(await audit.retain()).toBe(19);
    const kept = await audit.list({ after: 0, limit: 10 });
    expect(kept.map(({ seq, action }) => [seq, action])).toEqual([
      [20, 'deleteTask'],
      [21, 'removeAuditRecords'],
    ]);
    expect(await audit.verify()).toMatchObject({ records: 2, broken: undefined });
  });

  it.each([3, 40, 700])('has every acknowledged record after kill -9, and an unbroken chain (%i)', async (count) => {
    const child = fork(join(import.meta.dirname, 'audit-crash-writer.ts'), [file], { stdio: 'inherit' });
    const exited = once(child, 'exit');
    const marks: AuditMark[] = [];
    child.on('message', (mark) => {
      if (marks.push(mark as AuditMark) === count) child.kill('SIGKILL');
    });
    await exited;
    const kept = await audit.list({ after: 0, limit: 10_000 });
    const hashes = new Map(kept.map(({ seq, hash }) => [seq, hash]));
    const { anchor } = audit;
    for (const { seq, hash } of marks) if (seq > anchor.seq) expect(hashes.get(seq)).toBe(hash);
    expect(audit.head.seq).toBeGreaterThanOrEqual(marks.at(-1)?.seq ?? 0);
    expect(await audit.verify()).toMatchObject({ records: kept.length, broken: undefined });
    expect(await append('tasks/after')).toMatchObject({ seq: (kept.at(-1)?.seq ?? 0) + 1 });
  });

  it('finds what is asked for however many records there are', async () => {
    await audit.close();
    audit = open({ maxRecords: 100_000 });
    await audit.append({ action: 'createTask', user: 'rare', source: 's', object: 'o' });
    for (let n = 0; n < 25; n += 1) await fill(1000);
    expect((await audit.list({ limit: 1, user: 'rare' })).map(({ seq }) => seq)).toEqual([1]);
    expect((await audit.list({ limit: 2, after: 10_999 })).map(({ seq }) => seq)).toEqual([11_000, 11_001]);
    expect((await audit.list({ limit: 2, before: 15_002 })).map(({ seq }) => seq)).toEqual([15_001, 15_000]);
  });
});
