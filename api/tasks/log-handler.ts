import type { Request, Response } from 'express';
import type { LogLine } from '../../store/log-chunk.ts';
import type { TaskStreams } from '../../store/task-streams.ts';
import { requestSignal } from '../request-signal.ts';
import { JSON_TYPE, write } from '../send.ts';
import { followLog } from './follow-log.ts';
import { logLines, toLogLineView } from './task-log.ts';
import type { TaskName } from './task-id.ts';
import type { ReadTask, TaskReader } from './task-reader.ts';
import { statusOf } from './task-view.ts';

const MAX_LINES = 100_000;

/** Query of `GET /tasks/{id}/logs` as the validator leaves it: typed, defaults filled in. */
interface LogQuery {
  limit?: number;
  after?: number;
  level?: string;
  follow?: boolean;
}

/** A proxy closes a stream that is silent for too long; most wait a minute. */
const KEEP_ALIVE_MS = 15_000;

/** `GET /tasks/{id}/logs`. */
export class LogHandler {
  readonly #reader: TaskReader;
  readonly #streams: TaskStreams;
  readonly #stopping: AbortSignal;

  constructor(reader: TaskReader, streams: TaskStreams, stopping: AbortSignal) {
    this.#reader = reader;
    this.#streams = streams;
    this.#stopping = stopping;
  }

  async handle(req: Request, res: Response, name: TaskName, read: ReadTask): Promise<void> {
    const query = req.query as LogQuery;
    const levels = query.level === undefined ? undefined : new Set(query.level.split(','));
    const wanted = (line: LogLine): boolean => levels === undefined || levels.has(line.level ?? 'info');
    const id = String(req.params['id']);
    const toText = (line: LogLine): string =>
      JSON.stringify(toLogLineView(line, id, read.task.metadata.creationTimestamp ?? ''));
    if (query.follow === true) return this.#follow(req, res, name, { query, wanted, toText });

    let left = Math.min(query.limit ?? 1000, MAX_LINES);
    let separator = '[';
    res.writeHead(200, { 'Content-Type': JSON_TYPE });
    if (left > 0) {
      for await (const batch of logLines(this.#streams, read, query.after ?? 0)) {
        const lines = batch.filter(wanted).slice(0, left);
        if (lines.length > 0) await write(res, separator + lines.map(toText).join(','));
        if (lines.length > 0) separator = ',';
        left -= lines.length;
        if (left === 0) break;
      }
    }
    res.end(separator === '[' ? '[]' : ']');
  }

  async #follow(
    req: Request,
    res: Response,
    name: TaskName,
    {
      query,
      wanted,
      toText,
    }: { query: LogQuery; wanted: (line: LogLine) => boolean; toText: (line: LogLine) => string },
  ): Promise<void> {
    // The validator fills in the default of `limit`, which is not meant for streams.
    let left = new URLSearchParams(req.originalUrl.split('?')[1]).has('limit') ? (query.limit ?? 0) : Infinity;
    const after = Number(req.get('Last-Event-ID') ?? query.after ?? 0);
    const { signal } = requestSignal(res, this.#stopping);
    res.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-cache' });
    res.flushHeaders();

    let wroteAt = performance.now();
    const lines = followLog(this.#reader, this.#streams, name, after, signal);
    for (;;) {
      const { done, value } = await lines.next();
      if (done || left === 0) {
        const task = done ? value?.task : undefined;
        if (task !== undefined && !signal.aborted)
          await write(res, `event: end\ndata: ${JSON.stringify({ status: statusOf(task) })}\n\n`);
        break;
      }
      const wantedLines = value.filter(wanted).slice(0, left);
      left -= wantedLines.length;
      let text = wantedLines.map((line) => `id: ${line.id}\ndata: ${toText(line)}\n\n`).join('');
      if (text === '' && performance.now() - wroteAt > KEEP_ALIVE_MS) text = ':\n\n';
      if (text === '') continue;
      await write(res, text);
      wroteAt = performance.now();
    }
    await lines.return(undefined);
    res.end();
  }
}
