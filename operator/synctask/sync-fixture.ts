import type { Agent } from '../../kube/types/agent.ts';
import type { SyncPusher } from '../../kube/types/syncpusher.ts';
import type { SyncSource } from '../../kube/types/syncsource.ts';
import type { SyncTask, SyncTaskSpec, SyncTaskStatus } from '../../kube/types/synctask.ts';
import { agentWith, at, NOW, ONLINE } from '../deploytask/task-fixture.ts';
import type { Presence } from '../deploytask/world.ts';
import { CLEANUP_FINALIZER } from '../deploytask/finalizer.ts';
import type { SyncWorld } from './world.ts';

/** A SyncTask as a server has it: enabled, asked to run, and held by the finalizer. */
export function syncWith(
  spec: Partial<SyncTaskSpec> = {},
  status?: SyncTaskStatus,
  metadata: Partial<SyncTask['metadata']> = {},
): SyncTask {
  return {
    metadata: {
      name: 't1',
      namespace: 'default',
      uid: 'u1',
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: at(-60),
      finalizers: [CLEANUP_FINALIZER],
      ...metadata,
    },
    spec: { source: 's1', pusher: 'p1', disabled: false, desiredState: 'Running', ...spec },
    ...(status === undefined ? {} : { status }),
  };
}

/** The status of a SyncTask that agent a1 runs. */
export const assignedSync: SyncTaskStatus = {
  observedGeneration: 1,
  state: 'MESSAGE_SYNC',
  epoch: 3,
  assignment: { agent: 'a1', instance: 'i1', epoch: 3, time: at(-30) },
};

export const sourceWith = (spec: Partial<SyncSource['spec']> = {}): SyncSource => ({
  metadata: { name: 's1', namespace: 'default' },
  spec: { driver: 'fs', uri: '/data', disabled: false, ...spec },
});

export const pusherWith = (spec: Partial<SyncPusher['spec']> = {}): SyncPusher => ({
  metadata: { name: 'p1', namespace: 'default' },
  spec: { driver: 'echo', endpoint: 'http://127.0.0.1', disabled: false, ...spec },
});

export const syncAgentWith = (name: string, extra: Partial<Agent> = {}): Agent =>
  agentWith(name, { status: { taskTypes: ['sync-action'] }, ...extra });

interface WorldFixture {
  readonly now?: number;
  readonly agents?: readonly Agent[];
  readonly presence?: Presence | ((agent: string) => Presence);
  readonly lostForMs?: number;
  readonly load?: Readonly<Record<string, number>>;
  /** null: there is none. */
  readonly source?: SyncSource | null;
  readonly pusher?: SyncPusher | null;
}

/** A world with one agent, a1, that is online, an enabled source s1 and an enabled pusher p1, unless said otherwise. */
export function syncWorldWith({
  now = NOW,
  agents = [syncAgentWith('a1')],
  presence = ONLINE,
  lostForMs = 0,
  load = {},
  source = sourceWith(),
  pusher = pusherWith(),
}: WorldFixture = {}): SyncWorld {
  return {
    now,
    homeNamespace: 'default',
    agent: (name) => agents.find((agent) => agent.metadata.name === name),
    agents: () => agents,
    moveDelayMs: 30_000,
    presence: typeof presence === 'function' ? presence : () => presence,
    lostForMs: () => lostForMs,
    load: (name) => load[name] ?? 0,
    source: () => source ?? undefined,
    pusher: () => pusher ?? undefined,
  };
}
