import type { Request, Response } from 'express';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import { accessOf, visibleNamespaces } from '../auth/access.ts';
import { ApiError } from '../errors.ts';
import { JSON_TYPE, write } from '../send.ts';
import type { TaskAnswers } from './task-answers.ts';
import type { TaskReader } from './task-reader.ts';
import { metadataOf } from './task-metadata.ts';
import { agentOf, statusOf } from './task-view.ts';
import type { TaskStatus } from './task-view.ts';

const MAX_TASKS = 1000;

/** Bodies that the cache lacks are read this many at a time. */
const READ_AHEAD = 16;

/** Query of `GET /tasks` as the validator leaves it. */
interface ListQuery {
  agent_id?: string;
  type?: string;
  status?: TaskStatus;
  limit?: number;
  offset?: number;
}

export interface ListTasksParts {
  readonly reader: TaskReader;
  readonly answers: TaskAnswers;
  readonly homeNamespace: string;
}

const LIST = { verb: 'list', resource: 'deploytasks' };

/** `GET /tasks`: of the namespaces that the caller may list. */
export async function listTasks(
  { reader, answers, homeNamespace }: ListTasksParts,
  req: Request,
  res: Response,
): Promise<void> {
  const query = req.query as ListQuery;
  if (!reader.hasSynced) throw new ApiError('NotReady', undefined, { headers: { 'Retry-After': '1' } });
  const metadata = Object.entries(metadataOf(req.query));
  const visible = await visibleNamespaces(accessOf(res), LIST, homeNamespace, () => reader.namespaces());
  if (visible.omitted > 0)
    res.setHeader(
      'Warning',
      `299 - "tasks of ${visible.omitted} namespaces are not shown: there are too many to ask for"`,
    );
  const matching = reader
    .newestFirst()
    .filter(
      (task) => visible.has(task.metadata.namespace ?? '') && matches(task, query) && hasMetadata(task, metadata),
    );
  const offset = query.offset ?? 0;
  const page = matching.slice(offset, offset + Math.min(query.limit ?? 50, MAX_TASKS));
  res.writeHead(200, { 'Content-Type': JSON_TYPE, 'X-Total-Count': String(matching.length) });
  let separator = '[';
  for (let start = 0; start < page.length; start += READ_AHEAD) {
    const reads = await Promise.all(page.slice(start, start + READ_AHEAD).map((task) => reader.getKnown(task)));
    // One that was deleted meanwhile is left out.
    const found = reads.filter((read) => read !== undefined);
    const views = await Promise.all(found.map((read) => answers.forList(read)));
    if (views.length === 0) continue;
    await write(res, separator + views.map((view) => JSON.stringify(view)).join(','));
    separator = ',';
  }
  res.end(separator === '[' ? '[]' : ']');
}

function matches(task: DeployTask, { agent_id: agent, type, status }: ListQuery): boolean {
  return (
    (agent === undefined || agentOf(task) === agent) &&
    (type === undefined || task.spec.type === type) &&
    (status === undefined || statusOf(task) === status)
  );
}

/** Tasks of the reader have only what can be searched for, as text. */
function hasMetadata({ spec }: DeployTask, asked: readonly (readonly [string, string])[]): boolean {
  const metadata: Readonly<Record<string, unknown>> = spec.params?.metadata ?? {};
  return asked.every(([key, value]) => Object.hasOwn(metadata, key) && metadata[key] === value);
}
