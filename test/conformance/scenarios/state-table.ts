import { expect } from 'vitest';
import type { Api } from '../api.ts';
import type { Scenario } from '../describe-conformance.ts';
import { assigned, task } from '../objects.ts';

const STATES = ['Pending', 'Assigned', 'Running', 'Succeeded', 'Failed', 'Canceled', 'Unknown'] as const;
type State = (typeof STATES)[number];

/** From each state the ones that it may turn to, beside itself (design.md, section 3). */
const ALLOWED: Record<State, readonly State[]> = {
  Pending: ['Assigned', 'Failed', 'Canceled'],
  Assigned: ['Pending', 'Running', 'Failed', 'Canceled', 'Unknown'],
  Running: ['Succeeded', 'Failed', 'Canceled', 'Unknown'],
  Succeeded: [],
  Failed: [],
  Canceled: [],
  Unknown: ['Succeeded', 'Failed'],
};

/** How a fresh task comes to each state. */
const ROUTES: Record<State, readonly State[]> = {
  Pending: ['Pending'],
  Assigned: ['Assigned'],
  Running: ['Assigned', 'Running'],
  Succeeded: ['Assigned', 'Running', 'Succeeded'],
  Failed: ['Failed'],
  Canceled: ['Canceled'],
  Unknown: ['Assigned', 'Unknown'],
};

function statusFor(state: State, from: State | undefined): object {
  if (state === 'Assigned') return assigned('agent-1', 1);
  if (from === 'Unknown') return { state, resolution: { by: 'a person', evidence: 'looked' } };
  return { state };
}

async function lead(api: Api, name: string, to: State): Promise<void> {
  await api.post(api.own('deploytasks'), task(name), { recorded: false });
  let from: State | undefined;
  for (const state of ROUTES[to]) {
    const answer = await api.patch(api.own('deploytasks', `${name}/status`), { status: statusFor(state, from) });
    expect(answer.status).toBe(200);
    from = state;
  }
}

export const stateTable: Record<string, Scenario> = Object.fromEntries(
  STATES.map((from): [string, Scenario] => [
    `lets a task turn from ${from} to ${ALLOWED[from].join(', ') || 'nothing'} and no other state`,
    async (api) => {
      for (const to of STATES) {
        const name = `${from}-${to}`.toLowerCase();
        await lead(api, name, from);
        const answer = await api.patch(api.own('deploytasks', `${name}/status`), { status: statusFor(to, from) });
        const legal = to === from || ALLOWED[from].includes(to);
        expect({ to, status: answer.status }).toEqual({ to, status: legal ? 200 : 422 });
      }
    },
  ]),
);
