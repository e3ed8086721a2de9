import { describe, expect, it } from 'vitest';
import { readDorisPlan, readPlan } from './explain-plan.ts';
import type { PlanRow } from './explain-plan.ts';

const row = (over: PlanRow): PlanRow => ({
  id: '1',
  select_type: 'SIMPLE',
  table: 't',
  type: 'range',
  rows: '7',
  filtered: '50.00',
  Extra: 'Using where',
  ...over,
});

describe('readPlan', () => {
  it('takes the rows of one table as they are', () => {
    expect(readPlan([row({})])).toEqual({ rows: 7, scans: [], unfiltered: false });
  });

  it('multiplies what is left in a join, and adds a union', () => {
    expect(readPlan([row({ rows: '10' }), row({ table: 'u', rows: '4' })]).rows).toBe(10);
    const union = [row({ select_type: 'PRIMARY' }), row({ id: '2', select_type: 'UNION', rows: '3' })];
    expect(readPlan([...union, row({ id: null, select_type: 'UNION RESULT', rows: null })]).rows).toBe(10);
  });

  it('leaves subqueries out, but tells what they read as a whole', () => {
    const plan = [
      row({ select_type: 'PRIMARY' }),
      row({ id: '2', select_type: 'SUBQUERY', table: 's', type: 'ALL', rows: '900' }),
    ];
    expect(readPlan(plan)).toEqual({ rows: 7, scans: [{ table: 's', rows: 900 }], unfiltered: false });
  });

  it('knows that a condition is never, and that it is always true', () => {
    expect(readPlan([row({ table: null, type: null, rows: null, Extra: 'Impossible WHERE' })]).rows).toBe(0);
    expect(readPlan([row({ type: 'ALL', Extra: null })]).unfiltered).toBe(true);
    expect(readPlan([row({ type: 'ALL' })]).unfiltered).toBe(false);
  });

  it('says nothing of what it does not know', () => {
    expect(readPlan([]).rows).toBeUndefined();
    expect(readPlan([row({ rows: null, Extra: 'Something new' })]).rows).toBeUndefined();
  });
});

describe('readDorisPlan', () => {
  it('takes the number of the first node', () => {
    const lines = [
      'PLAN FRAGMENT 0',
      '  1:VEXCHANGE',
      '     cardinality=1,234',
      '  0:VOlapScanNode',
      '     cardinality=99',
    ];
    expect(readDorisPlan(lines).rows).toBe(1234);
    expect(readDorisPlan(['nothing']).rows).toBeUndefined();
  });
});
