import { describe, expect, it } from 'vitest';
import type { SyncTask } from '../../kube/types/synctask.ts';
import { at } from '../deploytask/task-fixture.ts';
import { noticesOf } from './notices.ts';
import { syncWith } from './sync-fixture.ts';

const saying = (type: string, status: 'True' | 'False', reason: string): SyncTask =>
  syncWith({}, { conditions: [{ type, status, reason, message: `it is ${reason}`, lastTransitionTime: at(0) }] });

describe('noticesOf', () => {
  it('tells once that a task waits for a person, and that changes were missed', () => {
    const well = saying('Stalled', 'False', 'Progressing');
    const stalled = saying('Stalled', 'True', 'AuthenticationFailed');
    const notice = { reason: 'AuthenticationFailed', message: 'it is AuthenticationFailed' };
    expect(noticesOf(stalled, well)).toEqual([notice]);
    expect(noticesOf(stalled, syncWith())).toEqual([notice]);
    expect(noticesOf(stalled, stalled)).toEqual([]);
    expect(noticesOf(well, stalled)).toEqual([]);
    expect(noticesOf(saying('PositionLost', 'True', 'SnapshotNeeded'), well)).toHaveLength(1);
  });

  it('tells nothing of what was so before, and nothing of what is gone', () => {
    const stalled = saying('Stalled', 'True', 'AuthenticationFailed');
    expect(noticesOf(stalled, undefined)).toEqual([]);
    expect(noticesOf(undefined, stalled)).toEqual([]);
    expect(noticesOf(saying('Ready', 'True', 'Streaming'), syncWith())).toEqual([]);
  });
});
