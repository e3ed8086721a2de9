import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { AgentState } from './agent-state.ts';

/** Registers the agent's own metrics. Once per registry. */
export function measureAgent(registry: Registry, state: () => AgentState): void {
  const registers = [registry];
  new Gauge({
    name: 'tiangong_agent_tasks',
    help: 'Tasks that the agent has, by whether they run or wait for their turn.',
    labelNames: ['state'],
    registers,
    collect() {
      const { running, waiting } = state().tasks;
      this.set({ state: 'running' }, running);
      this.set({ state: 'waiting' }, waiting);
    },
  });
  new Gauge({
    name: 'tiangong_agent_syncs',
    help: 'Syncs that the agent runs.',
    registers,
    collect() {
      this.set(state().syncs);
    },
  });
  new Gauge({
    name: 'tiangong_agent_ready',
    help: '1 while the agent may be given work, else 0.',
    registers,
    collect() {
      this.set(state().ready ? 1 : 0);
    },
  });
  new Gauge({
    name: 'tiangong_agent_draining',
    help: '1 while the agent is being stopped, else 0.',
    registers,
    collect() {
      this.set(state().draining ? 1 : 0);
    },
  });
}
