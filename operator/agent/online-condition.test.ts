import { describe, expect, it } from 'vitest';
import { LOST, NOW, ONLINE, QUIET, RELEASED, agentWith } from '../deploytask/task-fixture.ts';
import { onlineStatus } from './online-condition.ts';

describe('onlineStatus', () => {
  it.each([
    ['renews its Lease', ONLINE, 'True', 'LeaseRenewed'],
    ['has released its Lease', RELEASED, 'False', 'LeaseReleased'],
    ['has released its Lease long ago', { ...RELEASED, lost: true }, 'False', 'LeaseReleased'],
    ['no longer renews its Lease', LOST, 'False', 'LeaseExpired'],
  ])('says of an agent that %s', (_what, presence, status, reason) => {
    const written = onlineStatus(agentWith('a1'), presence, NOW);
    expect(written?.conditions).toEqual([expect.objectContaining({ type: 'Online', status, reason })]);
    const agent = agentWith('a1', { status: { taskTypes: ['shell'], ...written } });
    expect(onlineStatus(agent, presence, NOW + 1000)).toBeUndefined();
  });

  it('leaves the condition as it is while nothing is known for sure', () => {
    expect(onlineStatus(agentWith('a1'), QUIET, NOW)).toBeUndefined();
  });

  it('keeps conditions of others', () => {
    const mine = { type: 'Mine', status: 'True', reason: 'R', message: '', lastTransitionTime: '' } as const;
    const agent = agentWith('a1', { status: { conditions: [mine] } });
    expect(onlineStatus(agent, ONLINE, NOW)?.conditions).toContainEqual(mine);
  });
});
