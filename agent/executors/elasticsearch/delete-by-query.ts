import { setTimeout as sleep } from 'node:timers/promises';
import { NoAnswer } from './elasticsearch-client.ts';
import type { ElasticsearchAnswer, ElasticsearchRequest } from './elasticsearch-client.ts';
import { isObject, parseJson } from './lossless-json.ts';
import type { Run } from './run.ts';
import { settle } from './settle.ts';

const ACTION = 'indices:data/write/delete/byquery';
const PROGRESS_MS = 2000;
const CANCEL_AGAIN_MS = 200;

/** A deletion that goes on on the server. */
interface ServerTask {
  /** `node:number`. */
  readonly id: string;
  readonly deleted: number;
  readonly total: number;
}

/**
 * Sends a deletion by query and logs how far it has come. The server does not end it when the connection does, so after an
 * abort, or when the connection is lost, its task is looked up by our X-Opaque-Id and canceled there.
 */
export async function sendDeleteByQuery(run: Run, request: ElasticsearchRequest): Promise<ElasticsearchAnswer> {
  const settled = new AbortController();
  const watching = watch(run, AbortSignal.any([settled.signal, run.signal]));
  let canceling: Promise<void> | undefined;
  const stop = (): void => {
    canceling = cancel(run, settled.signal);
  };
  run.signal.addEventListener('abort', stop, { once: true });
  try {
    return await settle((signal) => run.client.request(request, signal), run.signal, run.graceMs);
  } catch (err) {
    settled.abort();
    if (!(err instanceof NoAnswer) || err.sent) canceling ??= cancel(run, settled.signal);
    throw err;
  } finally {
    settled.abort();
    run.signal.removeEventListener('abort', stop);
    await watching;
    await canceling;
  }
}

/** Logs progress until the signal aborts; gives up where the login may not look at tasks. */
async function watch(run: Run, signal: AbortSignal): Promise<void> {
  let shown = -1;
  try {
    for (;;) {
      await sleep(PROGRESS_MS, undefined, { signal });
      for (const { id, deleted, total } of await listTasks(run, signal)) {
        run.evidence(`delete_by_query is task ${id} of the server, X-Opaque-Id ${run.opaqueId}`);
        if (deleted === shown) continue;
        shown = deleted;
        await run.output.log('info', `${String(deleted)} of ${String(total)} documents deleted`);
      }
    }
  } catch {
    // It has ended, or there is nothing to be seen: progress is no part of the work.
  }
}

/** Has the server stop, and waits for that; what cannot be done is said in the log. `settled`: the request has ended. */
async function cancel(run: Run, settled: AbortSignal): Promise<void> {
  const late = AbortSignal.timeout(run.graceMs);
  try {
    // The request may still be on its way when the server is asked first.
    do {
      for (const { id } of await listTasks(run, late)) {
        const path = `/_tasks/${encodeURIComponent(id)}/_cancel`;
        const { status } = await run.client.request(
          { method: 'POST', path, query: { wait_for_completion: 'true' } },
          late,
        );
        if (status >= 400) throw new Error(`the server answered ${String(status)} to the cancel of its task ${id}`);
        await run.output.log('info', `canceled task ${id} of the server`);
      }
      await sleep(CANCEL_AGAIN_MS, undefined, { signal: AbortSignal.any([late, settled]) }).catch(() => undefined);
      late.throwIfAborted();
    } while (!settled.aborted);
  } catch (err) {
    if (settled.aborted && late.aborted) return;
    const why = err instanceof Error ? err.message : String(err);
    await run.output.log('warn', `the deletion may go on on the server, it could not be canceled there: ${why}`);
  }
}

/** The tasks of this run on the server. Rejects when it may not be asked. */
async function listTasks(run: Run, signal: AbortSignal): Promise<ServerTask[]> {
  const query = { actions: ACTION, detailed: 'true', group_by: 'none' };
  const { status, text } = await run.client.request({ method: 'GET', path: '/_tasks', query }, signal);
  if (status >= 400) throw new Error(`the server answered ${String(status)} to the question for its tasks`);
  const answer = parseJson(text);
  const tasks = isObject(answer) && Array.isArray(answer['tasks']) ? (answer['tasks'] as unknown[]) : [];
  return tasks.filter(isObject).flatMap((task) => {
    const headers = isObject(task['headers']) ? task['headers'] : {};
    // A deletion in slices has a task for each; the one without a parent is the whole.
    if (headers['X-Opaque-Id'] !== run.opaqueId || task['parent_task_id'] !== undefined) return [];
    const state = isObject(task['status']) ? task['status'] : {};
    const number = (key: string): number => (typeof state[key] === 'number' ? state[key] : 0);
    return [
      { id: `${String(task['node'])}:${String(task['id'])}`, deleted: number('deleted'), total: number('total') },
    ];
  });
}
