import type { AgentDirectory } from '../agents/agent-directory.ts';
import { ApiError } from '../errors.ts';
import { toApiError } from '../to-api-error.ts';
import type { NewTask } from '../tasks/new-task.ts';
import type { TaskCreator } from '../tasks/task-creator.ts';
import { taskNames } from '../tasks/task-name.ts';
import type { FileUses } from './file-uses.ts';

/** The body of `POST /files/{id}/distribute`, checked against openapi.yaml. */
export interface DistributeBody {
  readonly agent_ids: readonly string[];
  readonly path?: string | null;
}

export interface DistributeAnswer {
  readonly message: string;
  readonly tasks: readonly { readonly agent_id: string; readonly task_id: string }[];
  /** Agents that get no task, and why. */
  readonly skipped: readonly { readonly agent_id: string; readonly error: string }[];
}

export interface FileDistributorParts {
  readonly uses: FileUses;
  readonly directory: AgentDirectory;
  readonly creator: TaskCreator;
}

const TASKS_AT_ONCE = 8;

/** Copies files to agents: one task of type `file` for each agent that is online. */
export class FileDistributor {
  readonly #parts: FileDistributorParts;
  readonly #newName = taskNames();

  constructor(parts: FileDistributorParts) {
    this.#parts = parts;
  }

  /** Rejects when no agent gets a task, with the reason of the first. */
  async distribute(fileId: string, { agent_ids: ids, path }: DistributeBody): Promise<DistributeAnswer> {
    await this.#parts.uses.get(fileId);
    if (path?.includes('\0')) throw new ApiError('InvalidRequest', 'path may not hold NUL characters');
    const params = { operation: 'distribute', ...(path && { target_path: path }) };
    const agents = [...new Set(ids)];
    const tasks: { agent_id: string; task_id: string }[] = [];
    const skipped: { agent_id: string; error: string }[] = [];
    const failures: unknown[] = [];
    for (let start = 0; start < agents.length; start += TASKS_AT_ONCE) {
      const group = agents.slice(start, start + TASKS_AT_ONCE);
      const created = await Promise.allSettled(
        group.map((agent) => this.#create({ agent, type: 'file', command: '', params, fileId })),
      );
      for (const [index, result] of created.entries()) {
        const agent_id = group[index] ?? '';
        if (result.status === 'fulfilled') tasks.push({ agent_id, task_id: result.value });
        else {
          skipped.push({ agent_id, error: toApiError(result.reason).message });
          failures.push(result.reason);
        }
      }
    }
    if (tasks.length === 0) throw failures[0];
    return { message: 'file distribution started', tasks, skipped };
  }

  async #create(task: NewTask): Promise<string> {
    const { uses, directory, creator } = this.#parts;
    await directory.requireOnline(task.agent, task.type);
    const { metadata } = await uses.create(
      task.fileId,
      async ({ sha256 }) => (await creator.create(this.#newName(), { ...task, fileSha256: sha256 })).task,
    );
    return metadata.name;
  }
}
