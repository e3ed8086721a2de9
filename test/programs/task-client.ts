import { expect, vi } from 'vitest';
import type { Programs } from './programs.ts';
import type { RestTask } from './rest-client.ts';

export interface LogLine {
  readonly id: number;
  readonly task_id: string;
  readonly level: string;
  readonly message: string;
  readonly timestamp: string;
}

/** What REST answers when it refuses. */
export interface Refusal {
  readonly status: number;
  readonly error: unknown;
}

const ENDED = { timeout: 60_000, interval: 20 };

/** Creates tasks on the agent of running programs by REST, and looks at them, as a user of the manual does. */
export class TaskClient {
  readonly #programs: Programs;

  constructor(programs: Programs) {
    this.#programs = programs;
  }

  create(body: object): Promise<RestTask> {
    const { rest, agentName } = this.#programs;
    return rest.post('/tasks', { agent_id: agentName, ...body });
  }

  /** Creates it and waits for its end, without that its answer shows `sync`. */
  async run(body: object): Promise<RestTask> {
    return this.ended((await this.create(body)).id);
  }

  get(id: string): Promise<RestTask> {
    return this.#programs.rest.get<RestTask>(`/tasks/${id}`);
  }

  ended(id: string): Promise<RestTask> {
    return vi.waitFor(async () => {
      const task = await this.get(id);
      expect(['success', 'failed', 'canceled'], JSON.stringify(task)).toContain(task.status);
      return task;
    }, ENDED);
  }

  logs(id: string, query = ''): Promise<LogLine[]> {
    return this.#programs.rest.get<LogLine[]>(`/tasks/${id}/logs${query}`);
  }

  /** The messages of the log, once it has this one. */
  async messages(id: string, awaited?: string | RegExp): Promise<string[]> {
    return vi.waitFor(async () => {
      const messages = (await this.logs(id)).map(({ message }) => message);
      if (awaited !== undefined) expect(messages.join('\n')).toMatch(awaited);
      return messages;
    }, ENDED);
  }

  /** What REST says to a task that it does not take. */
  async refused(body: object): Promise<Refusal> {
    const response = await fetch(`${this.#programs.rest.url}/api/v1/tasks`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    return { status: response.status, error: ((await response.json()) as { error: unknown }).error };
  }
}
