import { describe, expect, it } from 'vitest';
import { findCondition, withCondition } from './conditions.ts';
import type { Condition } from './object.ts';

const earlier = '2026-01-01T00:00:00.000Z';
const now = new Date('2026-01-02T00:00:00.000Z');
const assigned: Condition = {
  type: 'Assigned',
  status: 'True',
  reason: 'Dispatched',
  message: 'to a',
  lastTransitionTime: earlier,
};
const succeeded: Condition = {
  type: 'Succeeded',
  status: 'Unknown',
  reason: 'Running',
  message: '',
  lastTransitionTime: earlier,
};

describe('withCondition', () => {
  it('adds a condition of a new type at the end', () => {
    const next = { type: 'Assigned', status: 'True', reason: 'Dispatched', message: 'to a' } as const;
    expect(withCondition(undefined, next, now)).toEqual([{ ...next, lastTransitionTime: now.toISOString() }]);
    expect(withCondition([succeeded], next, now).map(({ type }) => type)).toEqual(['Succeeded', 'Assigned']);
  });

  it('keeps the time while only reason and message change', () => {
    const next = { type: 'Assigned', status: 'True', reason: 'Moved', message: 'to b' } as const;
    expect(withCondition([assigned, succeeded], next, now)).toEqual([
      { ...next, lastTransitionTime: earlier },
      succeeded,
    ]);
  });

  it('moves the time when the status changes, and leaves its input alone', () => {
    const before = [assigned, succeeded];
    const copy = structuredClone(before);
    const next = { type: 'Succeeded', status: 'True', reason: 'Completed', message: 'ok' } as const;
    expect(withCondition(before, next, now)[1]).toEqual({ ...next, lastTransitionTime: now.toISOString() });
    expect(before).toEqual(copy);
  });

  it('cuts a message to what the schema takes', () => {
    const next = { type: 'Succeeded', status: 'False', reason: 'CommandFailed', message: 'x'.repeat(5000) } as const;
    const message = withCondition([], next, now)[0]!.message;
    expect(message).toHaveLength(4096);
    expect(message.endsWith('x...')).toBe(true);
  });
});

describe('findCondition', () => {
  it('finds by type', () => {
    expect(findCondition([assigned, succeeded], 'Succeeded')).toBe(succeeded);
    expect(findCondition([assigned], 'Succeeded')).toBeUndefined();
    expect(findCondition(undefined, 'Succeeded')).toBeUndefined();
  });
});
