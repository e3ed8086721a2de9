import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { applyRecord, encodeRecord, recordsOf, replay } from './journal-record.ts';
import type { JournalEntry, JournalRecord, RunReport } from './journal-record.ts';
import { Journal, JournalError } from './journal.ts';
import type { JournalFile } from './journal.ts';

const claimed = (key: string): JournalRecord => ({
  t: 'claimed',
  key,
  namespace: 'default',
  name: `task-${key}`,
  instance: 'i',
  idempotent: false,
});
const report: RunReport = {
  state: 'Succeeded',
  reason: 'Completed',
  message: 'exit status 0 天\n',
  fields: { exitCode: 0 },
};

/** Records of some runs, each in its legal order and cut short somewhere, interleaved. */
const history = fc
  .array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 6 })
  .chain((lengths) =>
    fc.tuple(
      fc.constant(lengths),
      fc.shuffledSubarray(
        lengths.flatMap((length, run) => Array.from({ length }, () => run)),
        {
          minLength: lengths.reduce((a, b) => a + b),
        },
      ),
    ),
  )
  .map(([, order]) => {
    const next = new Map<number, number>();
    return order.map((run): JournalRecord => {
      const key = `run-${run}/1`;
      const step = next.get(run) ?? 0;
      next.set(run, step + 1);
      const steps: JournalRecord[] = [
        claimed(key),
        { t: 'started', key, ...(run % 2 === 0 && { resumable: true }) },
        { t: 'spawned', key, pid: 100 + run, pidStart: '7' },
        { t: 'finished', key, report },
        { t: 'closed', key },
      ];
      return steps[step] ?? { t: 'closed', key };
    });
  });

function fold(records: readonly JournalRecord[]): Map<string, JournalEntry> {
  const entries = new Map<string, JournalEntry>();
  for (const record of records) applyRecord(entries, record);
  return entries;
}

describe('replay', () => {
  it('recovers from any prefix exactly what its whole lines say', () => {
    fc.assert(
      fc.property(history, fc.nat(), (records, cut) => {
        const bytes = Buffer.from(records.map(encodeRecord).join(''));
        const prefix = bytes.subarray(0, cut % (bytes.length + 1)).toString();
        const whole = records.slice(0, prefix.split('\n').length - 1);
        const { entries, damaged } = replay(prefix);
        expect(damaged).toBe(false);
        // A last line that lacks only its line end may count: it was written, if not acknowledged.
        const acknowledged = fold(whole);
        const next = records[whole.length];
        if (next !== undefined && prefix.endsWith(encodeRecord(next).trimEnd())) applyRecord(acknowledged, next);
        expect(entries).toEqual(acknowledged);
      }),
    );
  });

  it('forgets a torn tail of any bytes', () => {
    fc.assert(
      fc.property(history, fc.string({ unit: 'binary', maxLength: 40 }), (records, torn) => {
        const tail = torn.replaceAll('\n', '');
        expect(replay(records.map(encodeRecord).join('') + tail).entries).toEqual(fold(records));
      }),
    );
  });

  it('takes no run for one that never began when a line before the end is damaged', () => {
    fc.assert(
      fc.property(history, fc.nat(), fc.integer({ min: 1, max: 255 }), (records, at, flip) => {
        const lines = records.map(encodeRecord);
        const hit = at % lines.length;
        const line = Buffer.from(lines[hit] ?? '');
        const byte = at % (line.length - 1);
        line[byte] = (line[byte] ?? 0) ^ flip;
        if (line.includes(0x0a) && line.indexOf(0x0a) < line.length - 1) return;
        const { entries } = replay([...lines.slice(0, hit), line.toString('latin1'), ...lines.slice(hit + 1)].join(''));
        if (hit === lines.length - 1) return;
        for (const { phase } of entries.values()) expect(phase).not.toBe('claimed');
      }),
    );
  });

  it('is not changed by compaction', () => {
    fc.assert(
      fc.property(history, (records) => {
        const entries = fold(records);
        expect(fold([...entries.values()].flatMap(recordsOf))).toEqual(entries);
      }),
    );
  });
});

describe('Journal', () => {
  it('gives a later process what an earlier one appended', async () => {
    const folder = temporaryFolder();
    const first = await Journal.open(folder);
    await Promise.all([
      first.append(claimed('a/1')),
      first.append(claimed('b/1')),
      first.append({ t: 'started', key: 'a/1' }),
    ]);
    first.note({ t: 'closed', key: 'b/1' });
    await first.close();
    const second = await Journal.open(folder);
    expect([...second.entries].map(([key, { phase }]) => [key, phase])).toEqual([['a/1', 'started']]);
    await second.close();
  });

  it('appends behind a torn last line without losing what follows', async () => {
    const folder = temporaryFolder();
    await writeFile(join(folder, 'journal'), encodeRecord(claimed('a/1')) + encodeRecord(claimed('b/1')).slice(0, 30));
    const journal = await Journal.open(folder);
    await journal.append(claimed('c/1'));
    await journal.close();
    const { entries, damaged } = replay(await readFile(join(folder, 'journal'), 'utf8'));
    expect([[...entries.keys()], damaged]).toEqual([['a/1', 'c/1'], false]);
  });

  it('writes groups with one fsync', async () => {
    let syncs = 0;
    const journal = await Journal.open(temporaryFolder(), async (path) => {
      const file = await open(path, 'a');
      return wrap(file, { datasync: () => ((syncs += 1), file.datasync()) });
    });
    await Promise.all(Array.from({ length: 100 }, (_, i) => journal.append(claimed(`r${i}/1`))));
    expect(syncs).toBeLessThanOrEqual(2);
    await journal.close();
  });

  it('stays small: what is closed is dropped', async () => {
    const folder = temporaryFolder();
    const journal = await Journal.open(folder);
    const fields = { result: { text: 'x'.repeat(20_000) } };
    for (let i = 0; i < 200; i += 1) {
      const key = `r${i}/1`;
      await Promise.all([
        journal.append(claimed(key)),
        journal.append({ t: 'finished', key, report: { ...report, fields } }),
        journal.append({ t: 'closed', key }),
      ]);
    }
    await journal.append(claimed('last/1'));
    await journal.close();
    expect((await readFile(join(folder, 'journal'))).length).toBeLessThan(1_200_000);
  });

  it('rejects what a full disk does not take, keeps what it took, and goes on when there is room', async () => {
    const folder = temporaryFolder();
    let full = false;
    const journal = await Journal.open(folder, async (path) => {
      const file = await open(path, 'a');
      return wrap(file, {
        appendFile: async (data) => {
          if (!full) return file.appendFile(data);
          // As a disk does: a part is written.
          await file.appendFile((data as string).slice(0, 20));
          throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
        },
      });
    });
    await journal.append(claimed('a/1'));
    full = true;
    await expect(journal.append(claimed('b/1'))).rejects.toThrow(JournalError);
    expect(journal.healthy).toBe(false);
    await expect(journal.append(claimed('c/1'))).rejects.toThrow(/no space left/);
    full = false;
    await journal.probe();
    expect(journal.healthy).toBe(true);
    await journal.append(claimed('d/1'));
    await journal.close();
    const { entries, damaged } = replay(await readFile(join(folder, 'journal'), 'utf8'));
    expect([[...entries.keys()], damaged]).toEqual([['a/1', 'd/1'], false]);
  });
});

/** A file of which some calls are replaced. */
function wrap(file: JournalFile, replaced: Partial<JournalFile>): JournalFile {
  return {
    appendFile: (data) => file.appendFile(data),
    datasync: () => file.datasync(),
    truncate: (length) => file.truncate(length),
    close: () => file.close(),
    ...replaced,
  };
}
