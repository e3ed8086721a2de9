import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AuditRecord, NewAuditRecord } from '../audit.ts';
import type { MakeStore } from './describe-task-streams.ts';

const record = (fields: Partial<NewAuditRecord> = {}): NewAuditRecord => ({
  ...{ action: 'createTask', user: 'alice', source: '10.0.0.1', object: 'tasks/t1' },
  ...fields,
});
const numbers = (records: readonly AuditRecord[]): number[] => records.map(({ seq }) => seq);

/** What every implementation of Audit does. */
export function describeAudit(name: string, makeStore: MakeStore): void {
  describe(`${name}: the audit trail`, () => {
    it('gives each record the next number, its time and the hash of the one before', async () => {
      await using store = await makeStore();
      const { audit } = store;
      expect(audit.head).toEqual({ seq: 0, hash: '0'.repeat(64) });
      const marks = await Promise.all(['a', 'b', 'c'].map((user) => audit.append(record({ user, status: 201 }))));
      expect(marks.map(({ seq }) => seq)).toEqual([1, 2, 3]);
      const records = await audit.list({ limit: 10, after: 0 });
      expect(records.map(({ seq, user, hash }) => [seq, user, hash])).toEqual(
        marks.map(({ seq, hash }, index) => [seq, 'abc'[index], hash]),
      );
      expect(records.map(({ previous }) => previous)).toEqual(['0'.repeat(64), marks[0]?.hash, marks[1]?.hash]);
      expect(Date.parse(records[0]?.time ?? '')).toBeGreaterThan(Date.now() - 60_000);
      expect(audit.head).toEqual(marks[2]);
    });

    it('can be checked by anybody, from the records alone', async () => {
      await using store = await makeStore();
      await store.audit.append(record({ object: 'tasks/天\u2028"\\' }));
      await store.audit.append(record({ code: 'Forbidden', status: 403, omitted: 7 }));
      let previous = '0'.repeat(64);
      for (const { hash, ...rest } of await store.audit.list({ limit: 10, after: 0 })) {
        expect(rest.previous).toBe(previous);
        const sorted = Object.fromEntries(Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1)));
        previous = createHash('sha256').update(JSON.stringify(sorted)).digest('hex');
        expect(previous).toBe(hash);
      }
    });

    it('finds records by who, what, on what and how it ended, in both directions', async () => {
      await using store = await makeStore();
      const { audit } = store;
      await audit.append(record());
      await audit.append(record({ user: 'bob', code: 'Forbidden' }));
      await audit.append(record({ action: 'deleteTask' }));
      await audit.append(record({ object: 'tasks/t2' }));
      const found = async (query: object): Promise<number[]> => numbers(await audit.list({ limit: 10, ...query }));
      expect(await found({})).toEqual([4, 3, 2, 1]);
      expect(await found({ after: 2 })).toEqual([3, 4]);
      expect(await found({ before: 3 })).toEqual([2, 1]);
      expect(await found({ user: 'alice', after: 0 })).toEqual([1, 3, 4]);
      expect(await found({ user: 'alice', action: 'createTask' })).toEqual([4, 1]);
      expect(await found({ object: 'tasks/t1' })).toEqual([3, 2, 1]);
      expect(await found({ code: 'Forbidden' })).toEqual([2]);
      expect(await found({ after: 0, limit: 2 })).toEqual([1, 2]);
      expect(await found({ after: 99 })).toEqual([]);
      expect(await found({ user: "x' OR 1=1 --" })).toEqual([]);
    });

    it('knows what was recorded of an object', async () => {
      await using store = await makeStore();
      await store.audit.append(record({ uid: 'u1' }));
      expect(store.audit.has('u1')).toBe(true);
      expect(store.audit.has('u1', 'createTask')).toBe(true);
      expect(store.audit.has('u1', 'seeTask')).toBe(false);
      expect(store.audit.has('u2')).toBe(false);
    });

    it('keeps every text on one line and within its bound', async () => {
      await using store = await makeStore();
      const hostile = `a\r\nb\0\x1b[31m\x7f\ud800${'x'.repeat(5000)}`;
      await store.audit.append(record({ user: hostile, path: hostile, object: hostile }));
      const [kept] = await store.audit.list({ limit: 1 });
      expect(kept?.user).toMatch(/^a\ufffd\ufffdb\ufffd\ufffd\[31m\ufffd\ufffdx+$/);
      expect(kept?.path).toHaveLength(1024);
      expect(await store.audit.verify()).toMatchObject({ records: 1, broken: undefined });
    });

    it('has no line ends of Unicode in a text, and nothing that turns the text around it', async () => {
      await using store = await makeStore();
      await store.audit.append(record({ object: 'tasks/a\u2028b\u2029c\u202egpj.exe\u2066x\u200f' }));
      const [kept] = await store.audit.list({ limit: 1 });
      expect(kept?.object).toBe('tasks/a\ufffdb\ufffdc\ufffdgpj.exe\ufffdx\ufffd');
    });

    it('holds, whatever is recorded', async () => {
      await using store = await makeStore();
      const texts = fc.string({ unit: 'binary', maxLength: 40 });
      const made = fc.sample(
        fc.record(
          { action: texts, user: texts, source: texts, object: texts, uid: texts, status: fc.nat(999) },
          { requiredKeys: ['action', 'user', 'source', 'object'] },
        ),
        { numRuns: 1200, seed: 7 },
      );
      await Promise.all(made.map((one) => store.audit.append(one)));
      const head = store.audit.head;
      expect(await store.audit.verify()).toEqual({ records: 1200, head, broken: undefined, reason: undefined });
    });
  });
}
