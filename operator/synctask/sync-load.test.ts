import { describe, expect, it } from 'vitest';
import { LOST, ONLINE } from '../deploytask/task-fixture.ts';
import { LostSince } from './lost-since.ts';
import { assignedSync, syncWith } from './sync-fixture.ts';
import { SyncLoad } from './sync-load.ts';

describe('SyncLoad', () => {
  it('counts assignments from when they are decided on', () => {
    const load = new SyncLoad();
    load.observe('k', syncWith());
    load.assume('k', 'a1', 1);
    // The informer lags behind.
    load.observe('k', syncWith());
    expect(load.of('a1')).toBe(1);
    load.observe('k', syncWith({}, assignedSync));
    expect(load.of('a1')).toBe(1);
    const { assignment: _, ...idle } = assignedSync;
    load.observe('k', syncWith({}, idle));
    expect(load.of('a1')).toBe(0);
  });

  it('forgets an assignment that was not written, and tasks that are gone', () => {
    const load = new SyncLoad();
    load.assume('k', 'a1', 4);
    load.revoke('k', syncWith({}, { ...assignedSync, assignment: { ...assignedSync.assignment!, agent: 'a2' } }));
    expect([load.of('a1'), load.of('a2')]).toEqual([0, 1]);
    load.observe('k', undefined);
    expect(load.of('a2')).toBe(0);
  });
});

describe('LostSince', () => {
  it('counts from when an agent was first seen to be lost, and anew when it was back', () => {
    let [now, presence] = [1000, ONLINE];
    const lost = new LostSince(
      () => presence,
      () => now,
    );
    expect(lost.forMs('a1')).toBe(0);
    presence = LOST;
    lost.observe('a1');
    now += 700;
    expect(lost.forMs('a1')).toBe(700);
    presence = ONLINE;
    lost.observe('a1');
    presence = LOST;
    expect(lost.forMs('a1')).toBe(0);
  });
});
