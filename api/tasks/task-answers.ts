import { TextDecoder } from 'node:util';
import type { Response } from 'express';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import type { Store } from '../../store/store.ts';
import type { StreamId } from '../../store/task-streams.ts';
import { accessOf } from '../auth/access.ts';
import { JSON_TYPE, write } from '../send.ts';
import { blobOwner } from './command-blob.ts';
import type { ReadTask } from './task-reader.ts';
import { toTaskView } from './task-view.ts';
import type { TaskView } from './task-view.ts';

/** The stream of a run; undefined for a task that was never assigned. */
export function streamOf({ metadata, status }: DeployTask, name: StreamId['name']): StreamId | undefined {
  const epoch = status?.assignment?.epoch;
  if (metadata.uid === undefined || epoch === undefined) return undefined;
  return { uid: metadata.uid, epoch, name };
}

/** Its quotes cannot stand in a JSON string before it unescaped. */
const RESULT = '"result":""';

/** Answers with tasks, with what the store has of them. */
export class TaskAnswers {
  readonly #store: Store;
  readonly #homeNamespace: string;

  constructor(store: Store, homeNamespace: string) {
    this.#store = store;
    this.#homeNamespace = homeNamespace;
  }

  /**
   * Sends one task with its whole result, which is never in memory as a whole; to who may not read logs, only what is in the
   * task itself, as Kubernetes shows it. `change` overrides fields.
   */
  async send(res: Response, status: number, read: ReadTask, change: Partial<TaskView> = {}): Promise<void> {
    const view = { ...(await this.#view(read)), ...change };
    const isLarge = read.task.status?.result?.truncated === true;
    const mayReadWhole = !isLarge || (await mayReadLog(res, read.task));
    const stream = mayReadWhole ? await this.#wholeResult(read.task) : undefined;
    if (stream === undefined) {
      const isComing = mayReadWhole && read.task.status?.result?.ref !== undefined;
      if (isLarge) view[isComing ? 'result_pending' : 'result_truncated'] = true;
      const text = JSON.stringify(view);
      res.writeHead(status, { 'Content-Type': JSON_TYPE, 'Content-Length': Buffer.byteLength(text) });
      res.end(text);
      return;
    }
    res.writeHead(status, { 'Content-Type': JSON_TYPE });
    const text = JSON.stringify({ ...view, result: '' });
    const place = text.indexOf(RESULT) + RESULT.length - 1;
    await write(res, text.slice(0, place));
    const decoder = new TextDecoder();
    for await (const part of this.#store.streams.read(stream)) await write(res, asJsonText(decoder, part));
    await write(res, asJsonText(decoder));
    res.end(text.slice(place));
  }

  /** A task of a list: of a large result head and tail only. */
  async forList(read: ReadTask): Promise<TaskView> {
    const view = await this.#view(read);
    if (read.task.status?.result?.truncated === true) view.result_truncated = true;
    return view;
  }

  async #view(read: ReadTask): Promise<TaskView> {
    const view = toTaskView(read, this.#homeNamespace);
    const blob = read.task.spec.commandFrom?.blob;
    if (blob !== undefined) view.command = await this.#readCommand(read.task, blob.id);
    return view;
  }

  /** At most 1 MiB: no longer command is accepted. */
  async #readCommand({ metadata }: DeployTask, id: string): Promise<string> {
    const { namespace = '', name } = metadata;
    const blob = await this.#store.blobs.stat(id);
    if (blob?.owner !== blobOwner({ namespace, name })) return '';
    const parts: Uint8Array[] = [];
    for await (const part of this.#store.blobs.read(id)) parts.push(part);
    return Buffer.concat(parts).toString();
  }

  /** Where the whole result is, when it is not in the task itself. */
  async #wholeResult(task: DeployTask): Promise<StreamId | undefined> {
    if (task.status?.result?.truncated !== true) return undefined;
    const id = streamOf(task, 'result');
    return id !== undefined && (await this.#store.streams.state(id)).complete ? id : undefined;
  }
}

function mayReadLog(res: Response, { metadata: { namespace = '', name } }: DeployTask): Promise<boolean> {
  return accessOf(res).allows({ verb: 'get', resource: 'deploytasks', subresource: 'log', namespace, name });
}

/** A part of a JSON string. Decoding piecewise never splits a character. */
function asJsonText(decoder: TextDecoder, part?: Uint8Array): string {
  const text = part === undefined ? decoder.decode() : decoder.decode(part, { stream: true });
  return JSON.stringify(text).slice(1, -1);
}
