import { buildConnector } from 'undici';
import type { Client } from '@elastic/elasticsearch';
import { addressRulesOf } from '../../connections/target.ts';
import type { Target } from '../../connections/target.ts';
import { abortable } from '../database/deadline.ts';
import { addressOf } from './server-address.ts';
import type { ServerAddress } from './server-address.ts';

export interface ElasticsearchRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Encoded, with a slash in front. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** The body is lines of JSON (the bulk API). */
  readonly ndjson?: boolean;
  /** Shown by the server beside the task that it makes of the request. */
  readonly opaqueId?: string | undefined;
}

/** What the server said, whatever it said. */
export interface ElasticsearchAnswer {
  readonly status: number;
  readonly text: string;
}

/** There is no answer: `sent` says whether the server may have got the request. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
  readonly sent: boolean;

  constructor(message: string, sent: boolean, options?: ErrorOptions) {
    super(message, options);
    this.sent = sent;
  }
}

/** The server answers, but is not Elasticsearch. */
export class NotElasticsearch extends Error {
  override readonly name = 'NotElasticsearch';
}

/** A page of a search may be this long. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;
const CONNECT_TIMEOUT_MS = 10_000;
/** How long a server may take to show that it is there, and how much it may say. */
const REACH_MS = 10_000;
const MAX_GREETING_BYTES = 64 * 1024;
/** So long after an answer nobody has to ask whether the server is there. */
const FRESH_MS = 5000;
/** Proxies hang up on idle connections after a minute or so; a request that meets that cannot be sent again. */
const KEEP_ALIVE_MS = 4000;
const CONNECTIONS = 10;
const NOT_CONNECTED = 'connection failed: ';

/** Talks to one server as one user. Nothing is ever sent twice: neither client nor server could tell what it did. */
export class ElasticsearchClient {
  readonly origin: string;
  readonly #target: Target;
  readonly #address: ServerAddress;
  #client: Promise<Client> | undefined;
  readonly #reachMs: number;
  #answeredAt = -Infinity;
  /** Requests that have no answer yet. */
  #pending = 0;

  /** Connects on the first request. Throws `TargetError`. */
  constructor(target: Target, reachMs = REACH_MS) {
    this.#reachMs = reachMs;
    this.#target = target;
    this.#address = addressOf(target);
    this.origin = this.#address.origin;
  }

  /**
   * Asks whether the server is there, before it is asked for something that may take long: it must say anything at all
   * within ten seconds (`reachMs`). Rejects with the signal's reason, or with `NoAnswer` of a connection that failed.
   */
  async reach(signal: AbortSignal): Promise<void> {
    // It did answer before it got the others, and those may have all connections.
    if (this.#pending > 0 || performance.now() - this.#answeredAt < FRESH_MS) return;
    const late = AbortSignal.timeout(this.#reachMs);
    try {
      const both = AbortSignal.any([signal, late]);
      await abortable(this.#send({ method: 'GET', path: '/' }, both, MAX_GREETING_BYTES), both);
    } catch (err) {
      signal.throwIfAborted();
      // What that is the request itself will tell: a proxy may answer here.
      if (err instanceof NotElasticsearch) return;
      const { cause, message } = err as Error;
      const why = late.aborted
        ? `no answer within ${String(this.#reachMs)} ms`
        : cause instanceof Error
          ? messageOf(cause)
          : message;
      throw new NoAnswer(why.startsWith(NOT_CONNECTED) ? why : NOT_CONNECTED + why, false, { cause: err });
    }
  }

  /**
   * Rejects with the signal's reason, `NoAnswer` or `NotElasticsearch`. An answer that says no is an answer.
   */
  async request(request: ElasticsearchRequest, signal: AbortSignal): Promise<ElasticsearchAnswer> {
    this.#pending += 1;
    try {
      return await this.#send(request, signal, MAX_ANSWER_BYTES);
    } finally {
      this.#pending -= 1;
    }
  }

  async close(): Promise<void> {
    const client = await this.#client?.catch(() => undefined);
    await client?.close();
  }

  async #send(request: ElasticsearchRequest, signal: AbortSignal, maxBytes: number): Promise<ElasticsearchAnswer> {
    signal.throwIfAborted();
    const client = await (this.#client ??= this.#open());
    try {
      const { statusCode, body } = await client.transport.request<AsyncIterable<Buffer>>(
        {
          method: request.method,
          path: request.path,
          ...(request.query && { querystring: { ...request.query } }),
          ...(request.body !== undefined &&
            (request.ndjson === true ? { bulkBody: request.body } : jsonBody(request.body))),
        },
        {
          asStream: true,
          meta: true,
          signal,
          ...(request.body !== undefined && request.ndjson !== true && { headers: JSON_HEADERS }),
          ...(request.opaqueId !== undefined && { opaqueId: request.opaqueId }),
        },
      );
      const text = await readText(body, maxBytes);
      this.#answeredAt = performance.now();
      return { status: statusCode ?? 0, text };
    } catch (err) {
      signal.throwIfAborted();
      throw explained(err as Error);
    }
  }

  async #open(): Promise<Client> {
    // Half a second and 40 MB, which agents without such tasks need not spend.
    const { Client } = await import('@elastic/elasticsearch');
    const auth = authOf(this.#target);
    // What undici's pool knows and the client's types leave out; `connect` tells a failed attempt from a lost connection.
    const pool = { connect: this.#connector(), keepAliveTimeout: KEEP_ALIVE_MS, keepAliveMaxTimeout: KEEP_ALIVE_MS };
    return new Client({
      node: this.origin,
      ...(auth && { auth }),
      maxRetries: 0,
      // The caller's signal is what ends a request.
      requestTimeout: 0,
      agent: { ...pool, connections: CONNECTIONS },
    });
  }

  #connector(): buildConnector.connector {
    const { ca } = this.#target;
    const { verify, verifyHost } = this.#address;
    const rules = addressRulesOf(this.#target);
    const connect = buildConnector({
      timeout: CONNECT_TIMEOUT_MS,
      // The client's own undici does not expect HTTP/2.
      allowH2: false,
      lookup: rules.lookup,
      rejectUnauthorized: verify,
      ...(ca !== undefined && { ca }),
      ...(!verifyHost && { checkServerIdentity: () => undefined }),
    });
    return (options, callback) => {
      const fault = rules.faultOf(options.hostname);
      if (fault !== undefined) return callback(new Error(NOT_CONNECTED + fault.message, { cause: fault }), null);
      connect(options, (...result) => {
        if (result[0] === null) callback(...result);
        else callback(new Error(NOT_CONNECTED + messageOf(result[0]), { cause: result[0] }), null);
      });
    };
  }
}

const JSON_HEADERS = {
  'content-type': 'application/vnd.elasticsearch+json; compatible-with=8',
  accept: 'application/vnd.elasticsearch+json; compatible-with=8',
};

const jsonBody = (body: string): { body: string } => ({ body });

/** An API key as Elasticsearch hands it out, encoded or as `id:key`; else user and password. */
function authOf({
  apiKey,
  user,
  password,
}: Target): { apiKey: string } | { username: string; password: string } | undefined {
  if (apiKey !== undefined) return { apiKey: apiKey.includes(':') ? Buffer.from(apiKey).toString('base64') : apiKey };
  return user === undefined ? undefined : { username: user, password: password ?? '' };
}

async function readText(body: AsyncIterable<Buffer>, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new NoAnswer(`the answer is longer than ${String(maxBytes)} bytes`, true);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function explained(err: Error): Error {
  if (err instanceof NoAnswer) return err;
  if (err.name === 'ProductNotSupportedError')
    return new NotElasticsearch('the server is not Elasticsearch: it lacks the header X-elastic-product', {
      cause: err,
    });
  const text = messageOf(err);
  if (text.startsWith(NOT_CONNECTED)) return new NoAnswer(text, false, { cause: err });
  return new NoAnswer(`connection lost: ${text}`, true, { cause: err });
}

/** What a TLS client takes for a record of TLS, and is another protocol. */
const NO_TLS = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_UNEXPECTED_MESSAGE',
]);

/** An attempt on several addresses has a message for each, and none of its own. */
function messageOf(err: Error): string {
  const { code = '' } = err as NodeJS.ErrnoException;
  if (
    NO_TLS.has(code) ||
    (code === 'EPROTO' && /wrong version number|packet length too long|http request/.test(err.message))
  )
    return 'the server does not speak TLS there (target.protocol http is without it)';
  const [first] = err instanceof AggregateError ? (err.errors as Error[]) : [];
  return err.message || (first?.message ?? err.name);
}
