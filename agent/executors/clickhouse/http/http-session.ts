import { addAbortSignal, Readable } from 'node:stream';
import type { ClickHouseClient, ClickHouseSettings } from '@clickhouse/client';
import { parseException } from '../clickhouse-error.ts';
import { abortable } from '../../database/deadline.ts';
import { ConnectionError, ServerException } from '../native/native-error.ts';
import { killStatement } from '../query-stopper.ts';
import { networkReason } from '../network-reason.ts';
import type { Session, StatementEnd, StatementRun } from '../session.ts';
import { classify } from '../statement/classify.ts';
import { inlineText } from '../statement/inline-text.ts';
import { parseInsert } from '../statement/insert-statement.ts';
import { HttpProgress } from './http-progress.ts';
import { TsvAnswer } from './tsv-answer.ts';
import { cellReader } from './tsv-cell.ts';
import type { CellReader } from './tsv-cell.ts';
import { plainType } from './tsv-cell.ts';

const AUTHENTICATION_FAILED = 516;
/** The address of a request is bounded by servers and proxies. */
const MAX_HEAD_CHARS = 4_096;
const MAX_ERROR_BYTES = 1024 * 1024;
/** A server that takes the connection may be too busy to answer, but not for ever. */
const ANSWER_MS = 30_000;
/** Ending a query may take this long, all attempts together. */
const STOP_MS = 8_000;

/**
 * What the client has no option for travels as its settings do, in the address. As text every value is exact, whatever
 * its type and the server's version.
 */
const withDatabase = (database: string): ClickHouseSettings => ({
  default_format: 'TabSeparatedWithNamesAndTypes',
  database,
});

interface HttpAnswer {
  readonly body: Readable;
  /** Undefined when the server does not tell. */
  readonly written: number | undefined;
}

/** A session by HTTP: what one statement sets is kept on the server under the session's name. */
export class HttpSession implements Session {
  readonly description: string;
  readonly #client: ClickHouseClient;
  #database: string;
  #sessionId: string | undefined;

  private constructor(client: ClickHouseClient, database: string, version: string) {
    this.#client = client;
    this.#database = database;
    this.description = `HTTP, ClickHouse ${version}`;
  }

  /** Asks the server for its version, which shows whether it is there and takes the login. */
  static async open(
    client: ClickHouseClient,
    database: string,
    signal: AbortSignal,
    answerMs = ANSWER_MS,
  ): Promise<HttpSession> {
    const clickhouse_settings = { database } as ClickHouseSettings;
    const patience = AbortSignal.timeout(answerMs);
    const abort_signal = AbortSignal.any([signal, patience]);
    let version: string;
    try {
      version = (
        await textOf((await send(client, { query: 'SELECT version()', abort_signal, clickhouse_settings })).body)
      ).trim();
    } catch (err) {
      if (!patience.aborted || signal.aborted) throw err;
      throw new ConnectionError(`no answer within ${answerMs} ms`, { cause: err });
    }
    if (!/^\d+\.\d[\w.-]{0,60}$/.test(version))
      throw new ConnectionError('what answers there is not the HTTP interface of ClickHouse');
    return new HttpSession(client, database, version);
  }

  async execute(run: StatementRun): Promise<StatementEnd> {
    const { signal } = run;
    signal.throwIfAborted();
    // Its name stays the same for all statements of the task.
    this.#sessionId ??= run.queryId.replace(/-\d+$/, '');
    const insert = parseInsert(run.text);
    const traits = insert === undefined ? classify(run.text) : undefined;
    if (traits?.format !== undefined)
      run.note('info', `FORMAT ${traits.format} is not used: result_format says how rows are shown`);
    // The statement goes in the address, its rows in the body.
    const inline =
      insert === undefined || insert.head.length > MAX_HEAD_CHARS
        ? undefined
        : await inlineText(run.text, insert, signal);
    const progress = new HttpProgress((text) => this.#ask(text), run);
    try {
      const answer = await send(this.#client, {
        ...(inline === undefined || insert === undefined
          ? { query: traits?.withoutFormat ?? run.text }
          : {
              query: `${insert.head}\nFORMAT ${insert.format}`,
              values: Readable.from(inline.pieces, { objectMode: false }),
            }),
        query_id: run.queryId,
        session_id: this.#sessionId,
        abort_signal: signal,
        clickhouse_settings: withDatabase(this.#database),
      });
      await readRows(answer.body, run, traits?.withTotals ?? false);
      this.#database = traits?.uses ?? this.#database;
      if (traits?.isInsert === false) return { written: 0 };
      return { written: answer.written ?? inline?.rows };
    } catch (err) {
      // What the server has not ended itself goes on there, whoever reads its answer.
      if (!(err instanceof ServerException)) await this.#kill(run);
      throw signal.aborted ? signal.reason : err;
    } finally {
      progress.stop();
    }
  }

  release(): void {
    // The session ends on the server by itself, a minute after its last use.
  }

  /** Closing the connection ends no query. */
  async #kill(run: StatementRun): Promise<void> {
    const signal = AbortSignal.timeout(STOP_MS);
    try {
      await abortable(this.#ask(killStatement(run.queryId), signal), signal);
    } catch (err) {
      run.note('warn', `query ${run.queryId} could not be killed: ${(err as Error).message}`);
    }
  }

  /** Asks beside the session, which takes one statement at a time. */
  async #ask(query: string, signal?: AbortSignal): Promise<string> {
    const answer = await send(this.#client, { query, ...(signal === undefined ? {} : { abort_signal: signal }) });
    return textOf(answer.body);
  }
}

async function send(client: ClickHouseClient, params: Parameters<ClickHouseClient['exec']>[0]): Promise<HttpAnswer> {
  let answer;
  try {
    answer = await client.exec({ ...params, ignore_error_response: true });
  } catch (err) {
    params.abort_signal?.throwIfAborted();
    throw new ConnectionError(networkReason(err), { cause: err });
  }
  const body = answer.stream;
  // The client heeds the signal only up to the answer's head.
  if (params.abort_signal !== undefined) addAbortSignal(params.abort_signal, body);
  const status = answer.http_status_code ?? 0;
  if (status >= 200 && status < 300 && answer.response_headers['x-clickhouse-exception-code'] === undefined) {
    const written = answer.summary?.written_rows;
    return { body, written: written === undefined ? undefined : Number(written) };
  }
  const text = await textOf(body);
  const code = Number(answer.response_headers['x-clickhouse-exception-code'] ?? 0);
  const exception = parseException(text);
  if (exception !== undefined) throw exception;
  const said = `HTTP status ${status}: ${text.trim().slice(0, 2_000)}`;
  throw new ServerException(code === 0 && (status === 401 || status === 403) ? AUTHENTICATION_FAILED : code, said);
}

async function readRows(body: Readable, run: StatementRun, withTotals: boolean): Promise<void> {
  let readers: readonly CellReader[] = [];
  let names: readonly string[] = [];
  const answer = new TsvAnswer(
    {
      columns: (columns) => {
        readers = columns.map(({ type }) => cellReader(type, run.format));
        names = columns.map(({ name }) => name);
        run.columns(
          columns.map(({ name, type }) => ({
            name,
            type,
            numeric: /^(?:U?Int|Float|Decimal)\d*/.test(plainType(type)),
          })),
        );
      },
      row: (fields) => {
        run.signal.throwIfAborted();
        const taken = run.row(fields.map((field, i) => readers[i]?.(field)));
        return taken === undefined ? undefined : abortable(taken, run.signal);
      },
      extra: (fields) =>
        run.note('info', `totals: ${fields.map((field, i) => `${names[i] ?? ''} = ${field}`).join(', ')}`),
    },
    withTotals,
  );
  await answer.read(chunksOf(body));
}

async function* chunksOf(body: Readable): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of body) yield chunk as Buffer;
  } catch (err) {
    throw new ConnectionError(`the answer broke off: ${networkReason(err)}`, { cause: err });
  }
}

async function textOf(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunksOf(body)) {
    bytes += chunk.length;
    if (bytes > MAX_ERROR_BYTES) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
