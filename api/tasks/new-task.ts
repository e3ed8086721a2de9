import { misplacedParam } from '../../kube/misplaced-param.ts';
import { isDeeperThan } from '../../kube/nesting.ts';
import type { TaskType } from '../../kube/task-state.ts';
import { ApiError } from '../errors.ts';
import { withCheckedMetadata } from './task-metadata.ts';

/** The body of `POST /tasks`, checked against openapi.yaml. */
export interface NewTaskBody {
  readonly agent_id: string;
  readonly type: string;
  readonly command?: string | null;
  readonly params?: Readonly<Record<string, unknown>> | null;
  readonly file_id?: string | null;
  readonly sync?: boolean | null;
  readonly timeout?: number | null;
}

/** What is to be done, in the words of the CR. */
export interface NewTask {
  readonly agent: string;
  readonly type: TaskType;
  readonly command: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly fileId: string;
  /** SHA-256 of the file, in lower-case hexadecimal. */
  readonly fileSha256?: string;
  /** Who asked for it, where callers have identities. */
  readonly createdBy?: string | undefined;
  /** The uid of the task that this one rolls back. */
  readonly rollbackOf?: string;
  /** Where it is created; the home namespace unless given. */
  readonly namespace?: string;
}

/** Deeper JSON would overflow the stack of one program or another on its way. */
const MAX_DEPTH = 500;

/** What callers may ask for. A sync-action is made by `/api/drivers` and `/api/configs` only. */
const TYPES: Readonly<Record<Exclude<TaskType, 'sync-action'>, true>> = {
  shell: true,
  api: true,
  k8s: true,
  mysql: true,
  postgres: true,
  mongo: true,
  elasticsearch: true,
  clickhouse: true,
  doris: true,
  file: true,
};

const isTaskType = (type: string): type is keyof typeof TYPES => Object.hasOwn(TYPES, type);

/** Checks what the schema cannot say, with the manual's texts (§7). Throws an `ApiError`. */
export function toNewTask(body: NewTaskBody): NewTask {
  if (isDeeperThan(body, MAX_DEPTH))
    throw new ApiError('InvalidRequest', `the body is nested more than ${String(MAX_DEPTH)} levels deep`);
  const command = body.command ?? '';
  const params = withCheckedMetadata(body.params ?? {});
  const fileId = body.file_id ?? '';
  if (body.agent_id === '') throw new ApiError('InvalidRequest', 'agent_id is required');
  if (body.type === '') throw new ApiError('InvalidRequest', 'type is required');
  if (!isTaskType(body.type)) throw new ApiError('UnsupportedTaskType');
  checkParams(body.type, params);
  if (body.type === 'api') {
    checkUrl(params['url']);
  } else if (body.type === 'file') {
    if (fileId === '') throw new ApiError('InvalidRequest', 'file_id is required');
  } else if (command.trim() === '' && (body.type === 'shell' || !isNamedElsewhere(fileId, params))) {
    throw new ApiError('CommandEmpty');
  }
  if (body.type === 'shell' && command.includes('\0'))
    throw new ApiError('InvalidRequest', 'command may not hold NUL characters');
  // Half a surrogate pair has no UTF-8; it would become another character on the way.
  if (!command.isWellFormed()) throw new ApiError('InvalidRequest', 'command is not well-formed Unicode');
  return { agent: body.agent_id, type: body.type, command, params, fileId };
}

/** Statements and manifests may stand in a file; some operations on objects need only their name. */
const isNamedElsewhere = (fileId: string, params: NewTask['params']): boolean =>
  fileId !== '' || params['file_path'] !== undefined || params['resource'] !== undefined;

/** What the type does not know must not be taken for heeded, and what is unsafe to approve must not be waited for. */
function checkParams(type: TaskType, params: NewTask['params']): void {
  const misplaced = misplacedParam(type, params);
  if (misplaced !== undefined) throw new ApiError('InvalidRequest', misplaced);
  if (params['rollback_of'] !== undefined && params['rollback_of'] !== null)
    throw new ApiError('InvalidRequest', 'params.rollback_of is set by POST /api/v1/tasks/{id}/rollback only');
  if (params['approve'] !== undefined && params['approve'] !== null && (params['file_path'] ?? '') !== '')
    throw new ApiError(
      'InvalidRequest',
      'params.file_path may not be given with params.approve: nobody would know what was approved; upload the file',
    );
}

function checkUrl(url: unknown): void {
  if (url === undefined || url === null || url === '') throw new ApiError('UrlRequired');
  if (typeof url !== 'string') throw new ApiError('InvalidRequest', 'params.url must be a string');
  if (!URL.canParse(url) || !['http:', 'https:'].includes(new URL(url).protocol))
    throw new ApiError('InvalidRequest', 'params.url must be an http or https address');
}

const DEFAULT_TIMEOUT_SECONDS = 60;
const MAX_TIMEOUT_SECONDS = 300;

/** How long a synchronous create waits, in milliseconds (manual: 60 seconds, at most 300). */
export function syncTimeoutMs(timeout: number | null | undefined): number {
  return Math.min(Math.max(timeout ?? DEFAULT_TIMEOUT_SECONDS, 1), MAX_TIMEOUT_SECONDS) * 1000;
}
