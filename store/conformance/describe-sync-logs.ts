import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NewSyncLogLine, SyncLogLine } from '../sync-logs.ts';
import type { MakeStore } from './describe-task-streams.ts';

const line = (n: number, fields: Partial<NewSyncLogLine> = {}): NewSyncLogLine => ({
  n,
  ts: '2026-01-02T03:04:05.678Z',
  level: 'INFO',
  source: 'fustor_agent.sync.t1',
  msg: `line ${n}`,
  ...fields,
});

const texts = (lines: readonly SyncLogLine[]): string[] => lines.map(({ msg }) => msg);

/** What every implementation of SyncLogs does. */
export function describeSyncLogs(name: string, makeStore: MakeStore): void {
  describe(`${name}: lines about syncs`, () => {
    it('are numbered as they come, and shown newest first', async () => {
      await using store = await makeStore();
      await store.syncLogs.append('a', [line(1), line(2)]);
      await store.syncLogs.append('b', [line(1, { msg: 'of b' })]);
      expect(store.syncLogs.list({ limit: 10 })).toEqual([
        { lineNumber: 3, ...shown(line(1, { msg: 'of b' })) },
        { lineNumber: 2, ...shown(line(2)) },
        { lineNumber: 1, ...shown(line(1)) },
      ]);
    });

    it('are kept once, however often they are sent', async () => {
      await using store = await makeStore();
      await store.syncLogs.append('a', [line(1), line(2)]);
      await store.syncLogs.append('a', [line(2), line(3)]);
      await Promise.all([store.syncLogs.append('a', [line(4)]), store.syncLogs.append('a', [line(4)])]);
      await store.syncLogs.append('a', []);
      expect(texts(store.syncLogs.list({ limit: 10 }))).toEqual(['line 4', 'line 3', 'line 2', 'line 1']);
    });

    it('are found by level, by the beginning of who speaks, and page by page', async () => {
      await using store = await makeStore();
      await store.syncLogs.append(
        'a',
        ['x', 'xy', 'y', 'x%', '界x'].map((source, index) =>
          line(index + 1, { source, level: index % 2 === 0 ? 'INFO' : 'ERROR' }),
        ),
      );
      const found = (query: object): string[] => texts(store.syncLogs.list({ limit: 10, ...query }));
      expect(found({ component: 'x' })).toEqual(['line 4', 'line 2', 'line 1']);
      expect(found({ component: 'x%' })).toEqual(['line 4']);
      expect(found({ component: '界' })).toEqual(['line 5']);
      expect(found({ level: 'ERROR' })).toEqual(['line 4', 'line 2']);
      expect(found({ level: 'ERROR', component: 'xy' })).toEqual(['line 2']);
      expect(found({ limit: 2 })).toEqual(['line 5', 'line 4']);
      expect(found({ limit: 2, beforeLine: 4 })).toEqual(['line 3', 'line 2']);
      expect(found({ beforeLine: 1 })).toEqual([]);
    });

    it('are all seen by paging, whatever is asked for', async () => {
      await using store = await makeStore();
      const levels = fc.constantFrom('INFO', 'WARNING', 'ERROR');
      const made = fc.sample(fc.tuple(levels, fc.constantFrom('a', 'a.b', 'b')), { numRuns: 60, seed: 7 });
      await store.syncLogs.append(
        's',
        made.map(([level, source], index) => line(index + 1, { level, source })),
      );
      fc.assert(
        fc.property(
          fc.integer({ min: 1, max: 20 }),
          levels,
          fc.constantFrom('', 'a', 'a.'),
          (limit, level, component) => {
            const seen: SyncLogLine[] = [];
            for (let beforeLine: number | undefined; ; beforeLine = seen.at(-1)?.lineNumber) {
              const page = store.syncLogs.list({ limit, level, component, beforeLine });
              seen.push(...page);
              if (page.length < limit) break;
            }
            const wanted = made.flatMap(([l, source], index) =>
              l === level && source.startsWith(component) ? [`line ${index + 1}`] : [],
            );
            expect(texts(seen)).toEqual(wanted.reverse());
          },
        ),
      );
    });
  });
}

function shown({ n: _n, ...rest }: NewSyncLogLine): Omit<NewSyncLogLine, 'n'> {
  return rest;
}
