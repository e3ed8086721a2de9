import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RowsEvent } from '../../../../executors/mysql/binlog/events/rows-event.ts';
import type { Row } from '../../../sync-event.ts';
import { rowGroups } from './logged-rows.ts';
import type { PlannedColumn, TablePlan } from './table-plans.ts';

const column = (name: string, inKey: boolean): PlannedColumn => ({
  ...{ name, inKey },
  codec: (cursor) => ({ kind: 'number', text: String(cursor.uint8()) }),
  toJson: (cell) => Number(cell.kind === 'number' ? cell.text : NaN),
});
const columns = [column('id', true), column('v', false)];
const plan: TablePlan = { schema: 's', table: 't', columns, fields: ['id', 'v'], key: ['id'] };

type Pair = readonly [id: number, v: number];
const event = (images: readonly (readonly [Pair, Pair])[]): RowsEvent => ({
  ...{ kind: 'update', tableId: 1, statementEnd: true, columnCount: 2, complete: true },
  images: Buffer.from(images.flatMap(([before, after]) => [0, ...before, 0, ...after])),
});

/** Changes of a table of ten rows, each as a server could log it: no two rows have one key. */
const changes = fc.array(fc.tuple(fc.nat(9), fc.nat(14), fc.nat(99)), { maxLength: 30 }).map((wishes) => {
  const rows = new Map<number, number>(Array.from({ length: 10 }, (_, id) => [id, id]));
  const start = new Map(rows);
  const images: (readonly [Pair, Pair])[] = [];
  for (const [at, wanted, v] of wishes) {
    const id = [...rows.keys()][at % rows.size]!;
    const to = rows.has(wanted) ? id : wanted;
    images.push([
      [id, rows.get(id)!],
      [to, v],
    ]);
    rows.delete(id);
    rows.set(to, v);
  }
  return { start, end: rows, images };
});

describe('rowGroups', () => {
  it('makes of updates that change keys what ends with the same rows when it is applied in order', () => {
    fc.assert(
      fc.property(changes, ({ start, end, images }) => {
        const rows = new Map(start);
        for (const group of rowGroups(event(images), plan))
          for (const { id, v } of group.rows as unknown as readonly (Row & { id: number; v: number })[])
            if (group.type === 'delete') expect(rows.delete(id)).toBe(true);
            else {
              expect(rows.has(id)).toBe(group.type === 'update');
              rows.set(id, v);
            }
        expect([...rows].sort()).toEqual([...end].sort());
      }),
    );
  });

  it('is one group as long as no key changes', () => {
    const pair = ([id, v]: Pair): Pair => [id, v + 1];
    const images = [[1, 1] as const, [2, 2] as const].map((before) => [before, pair(before)] as const);
    expect(rowGroups(event(images), plan)).toEqual([
      {
        type: 'update',
        rows: [
          { id: 1, v: 2 },
          { id: 2, v: 3 },
        ],
      },
    ]);
  });

  it('refuses rows of another shape, and rows that are not whole', () => {
    expect(() => rowGroups({ ...event([]), columnCount: 3 }, plan)).toThrow(/another number of columns/);
    expect(() => rowGroups({ ...event([]), complete: false }, plan)).toThrow(/binlog_row_image/);
  });
});
