import { describe, expect, it } from 'vitest';
import { wantedColumns } from './wanted-columns.ts';

const table = { schema: 'shop', table: 'orders', columns: ['id', 'total', 'data', 'a.b'], key: ['id'] };

describe('wantedColumns', () => {
  it.each([
    [undefined, [0, 1, 2, 3]],
    [['shop.orders.total'], [0, 1]],
    [['orders.total'], [0, 1]],
    [['total'], [0, 1]],
    [['shop.orders.data.inner.field'], [0, 2]],
    [['shop.orders.a.b'], [0, 3]],
    [['shop.other.total', 'other.total'], undefined],
    [[], undefined],
  ])('of %j are %j', (wanted, expected) => {
    expect(wantedColumns(wanted, table)).toEqual(expected);
  });
});
