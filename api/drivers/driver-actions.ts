import { isFinished } from '../../kube/task-state.ts';
import type { Agent } from '../../kube/types/agent.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import type { Store } from '../../store/store.ts';
import type { AgentDirectory } from '../agents/agent-directory.ts';
import { isOnline } from '../agents/agent-directory.ts';
import { ApiError } from '../errors.ts';
import { untilStreamComplete } from '../tasks/stream-complete.ts';
import { streamOf } from '../tasks/task-answers.ts';
import type { TaskCreator } from '../tasks/task-creator.ts';
import { formatTaskId } from '../tasks/task-id.ts';
import { taskNames } from '../tasks/task-name.ts';
import type { ReadTask, TaskReader } from '../tasks/task-reader.ts';
import type { DriverActionAnswer, DriverActionCall, DriverActionRunner, DriverLogin } from './driver-action-call.ts';

export interface DriverActionsParts {
  readonly creator: Pick<TaskCreator, 'create'>;
  readonly reader: TaskReader;
  readonly directory: AgentDirectory;
  readonly store: Store;
  readonly homeNamespace: string;
  /** How long an action may take; 65 s unless set, a little more than the task's own bound. */
  readonly timeoutMs?: number;
}

const TYPE = 'sync-action';
const TIMEOUT_MS = 65_000;

/** Of the fields of a server with a hundred thousand columns. */
const MAX_RESULT_BYTES = 32 * 1024 * 1024;

/** Runs drivers' actions as DeployTasks, so that they see what agents see, and are on record. */
export class DriverActions implements DriverActionRunner {
  readonly #parts: DriverActionsParts;
  readonly #nextName = taskNames();

  constructor(parts: DriverActionsParts) {
    this.#parts = parts;
  }

  async run(call: DriverActionCall, signal: AbortSignal): Promise<DriverActionAnswer> {
    const { creator, reader, homeNamespace, timeoutMs = TIMEOUT_MS } = this.#parts;
    const deadline = performance.now() + timeoutMs;
    const agent = await this.#agent(call.agentId);
    const params = paramsOf(call);
    const { task } = await creator.create(this.#nextName(), {
      agent,
      type: TYPE,
      command: call.action,
      params,
      fileId: '',
      createdBy: call.createdBy,
    });
    const { namespace = '', name } = task.metadata;
    const taskId = formatTaskId({ namespace, name }, homeNamespace);
    await reader.untilEnded({ namespace, name }, deadline - performance.now(), signal);
    const read = await reader.getFresh({ namespace, name });
    if (read === undefined || !isFinished(read.task)) throw unfinished(call, agent, taskId, timeoutMs);
    return { ...(await this.#answer(read, deadline, signal)), taskId };
  }

  /** Rejects with `AgentNotFound` when the one that is asked for is not online, with `NoAgent` when there is none. */
  async #agent(asked: string | undefined): Promise<string> {
    const { directory } = this.#parts;
    if (asked !== undefined) {
      await directory.requireOnline(asked, TYPE);
      return asked;
    }
    const able = directory.list().filter((agent) => isOnline(agent) && takes(agent));
    const [chosen] = able;
    if (chosen === undefined) throw new ApiError('NoAgent');
    return chosen.metadata.name;
  }

  async #answer(read: ReadTask, deadline: number, signal: AbortSignal): Promise<Omit<DriverActionAnswer, 'taskId'>> {
    const text = await this.#result(read.task, read.body.result, deadline, signal);
    if (text !== '') {
      const { success, message, fields } = JSON.parse(text) as DriverActionAnswer;
      return { success, message, ...(fields && { fields }) };
    }
    // It never came so far as to have a result.
    const reason = read.task.status?.conditions?.find(({ type }) => type === 'Succeeded')?.reason;
    if (reason === 'DriverUnknown') throw new ApiError('DriverUnknown', read.body.error);
    return { success: false, message: read.body.error === '' ? 'the action failed' : read.body.error };
  }

  async #result(task: DeployTask, text: string, deadline: number, signal: AbortSignal): Promise<string> {
    const { store } = this.#parts;
    const stream = streamOf(task, 'result');
    if (task.status?.result?.truncated !== true || stream === undefined) return text;
    if (!(await untilStreamComplete(store.streams, stream, deadline - performance.now(), signal)))
      throw new ApiError('ResultPending');
    const parts: Uint8Array[] = [];
    let bytes = 0;
    for await (const part of store.streams.read(stream)) {
      bytes += part.length;
      if (bytes > MAX_RESULT_BYTES)
        throw new ApiError(
          'InvalidRequest',
          `there are more fields than ${String(MAX_RESULT_BYTES)} bytes can describe`,
        );
      parts.push(part);
    }
    return Buffer.concat(parts).toString();
  }
}

const takes = ({ spec, status }: Agent): boolean =>
  spec?.unschedulable !== true && status?.draining !== true && (status?.taskTypes?.includes(TYPE) ?? false);

/** As the executor reads them; what is secret goes into Secrets on the way. */
function paramsOf({ side, driver, input }: DriverActionCall): Record<string, unknown> {
  const { uri, path, endpoint, credential, admin_creds: adminCreds, secret_ref, driver_params: driverParams } = input;
  const params = {
    side,
    driver,
    ...{ uri, path, endpoint, secret_ref, driver_params: driverParams },
    ...loginOf(credential),
    ...(adminCreds && { target: loginOf(adminCreds) }),
  };
  return Object.fromEntries(Object.entries(params).filter(([, value]) => value !== undefined && value !== null));
}

function loginOf(login: DriverLogin | null | undefined): Record<string, string> {
  const { user, passwd, key } = login ?? {};
  return {
    ...(typeof user === 'string' && { user }),
    ...(typeof passwd === 'string' && { passwd }),
    ...(typeof key === 'string' && { api_key: key }),
  };
}

function unfinished(call: DriverActionCall, agent: string, taskId: string, timeoutMs: number): ApiError {
  const seconds = Math.round(timeoutMs / 1000);
  return new ApiError(
    'ActionTimeout',
    `${call.action} of driver ${call.driver} on agent ${agent} did not end within ${String(seconds)} seconds; see GET /api/v1/tasks/${taskId}`,
  );
}
