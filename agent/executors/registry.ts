import type { TaskType } from '../../kube/task-state.ts';
import { ApiExecutor } from './api/api-executor.ts';
import type { ApiExecutorOptions } from './api/api-executor.ts';
import type { Executor } from './executor.ts';
import { ShellExecutor } from './shell/shell-executor.ts';
import type { ShellExecutorOptions } from './shell/shell-executor.ts';

export interface ExecutorSettings {
  readonly shell: ShellExecutorOptions;
  readonly api: ApiExecutorOptions;
  /** Types that this agent does not offer. */
  readonly disabled: readonly TaskType[];
}

/** Every type of task that this version can run. */
const factories = {
  shell: (settings: ExecutorSettings): Executor => new ShellExecutor(settings.shell),
  api: (settings: ExecutorSettings): Executor => new ApiExecutor(settings.api),
} satisfies Partial<Record<TaskType, (settings: ExecutorSettings) => Executor>>;

export type Executors = ReadonlyMap<TaskType, Executor>;

export function createExecutors(settings: ExecutorSettings): Executors {
  const types = (Object.keys(factories) as (keyof typeof factories)[]).filter(
    (type) => !settings.disabled.includes(type),
  );
  return new Map<TaskType, Executor>(types.map((type) => [type, factories[type](settings)]));
}
