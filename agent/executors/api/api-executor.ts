import { STATUS_CODES } from 'node:http';
import { Agent, buildConnector } from 'undici';
import type { Dispatcher } from 'undici';
import { AddressDenied, AddressRules } from '../../connections/address-rules.ts';
import type { AddressRulesOptions } from '../../connections/address-rules.ts';
import { mayBeSentTo } from '../../connections/allowed-hosts.ts';
import { LineSplitter } from '../../output/line-splitter.ts';
import { cutText } from '../../output/utf8.ts';
import { failed } from '../executor.ts';
import type { Credential, ExecutionContext, Executor, Outcome, OutputSink } from '../executor.ts';
import { parseApiParams } from './api-params.ts';
import type { ApiParams } from './api-params.ts';
import { nextHop, redirectTarget } from './redirect.ts';
import type { Hop } from './redirect.ts';
import { canonicalName, joinHeaders } from './request-headers.ts';
import type { RequestHeaders } from './request-headers.ts';

export interface ApiExecutorOptions {
  readonly addresses?: AddressRulesOptions;
  /** Whether certificates are verified when the task does not say; true unless set. */
  readonly verifySsl?: boolean;
  /** A body that is longer fails the task. */
  readonly maxBodyBytes?: number;
  /** Told to servers in the header User-Agent. */
  readonly userAgent?: string;
}

const MAX_REDIRECTS = 10;
const MAX_BODY_BYTES = 4 * 1024 ** 3;
/** The log of an answer with no line end shall not hold megabytes in one status. */
const SHOWN_URL_BYTES = 2048;

/** Sends one HTTP request and gives back what the server answered. */
export class ApiExecutor implements Executor {
  readonly type = 'api';
  readonly #options: ApiExecutorOptions;
  readonly #rules: AddressRules;
  readonly #verifying: buildConnector.connector;
  readonly #trusting: buildConnector.connector;

  constructor(options: ApiExecutorOptions = {}) {
    this.#options = options;
    this.#rules = new AddressRules(options.addresses);
    this.#verifying = this.#connector(true);
    this.#trusting = this.#connector(false);
  }

  async execute(context: ExecutionContext): Promise<Outcome> {
    const params = parseApiParams(context.command, context.params);
    if (typeof params === 'string') return failed('InvalidParams', params);
    let credential: Credential | undefined;
    if (params.secret !== undefined) {
      try {
        credential = await context.credential(params.secret);
      } catch (err) {
        return failed('CredentialUnavailable', `headers_secret_ref ${params.secret}: ${messageOf(err)}`);
      }
      const port = Number(params.url.port) || (params.url.protocol === 'https:' ? 443 : 80);
      if (!mayBeSentTo(credential.allowedHosts, params.url.hostname, port))
        return failed('SecurityPolicyViolation', `the Secret ${params.secret} may not be sent to ${params.url.host}`);
    }
    const headers = joinHeaders(
      { 'user-agent': this.#options.userAgent ?? 'tiangong', ...lower(params) },
      credential?.data ?? {},
    );
    if (typeof headers === 'string') return failed('InvalidParams', headers);
    const verify = params.verify ?? this.#options.verifySsl ?? true;
    // Connections of its own: on one that an earlier task left, the server may just hang up, and a POST cannot be repeated.
    // The task's own timeout bounds how long a server may think.
    const agent = new Agent({ connect: verify ? this.#verifying : this.#trusting, headersTimeout: 0, bodyTimeout: 0 });
    try {
      return await this.#follow(context, agent, params, headers);
    } catch (err) {
      if (err instanceof AddressDenied || (err as Error).cause instanceof AddressDenied)
        return failed('AddressDenied', `request failed: ${messageOf(err)}`);
      return failed('RequestFailed', `request failed: ${messageOf(err)}`);
    } finally {
      await agent.destroy();
    }
  }

  async #follow(context: ExecutionContext, agent: Agent, params: ApiParams, headers: RequestHeaders): Promise<Outcome> {
    let hop: Hop = { method: params.method, url: params.url, headers, body: params.body };
    for (let redirects = 0; ; redirects += 1) {
      void context.output.log('info', `Making ${hop.method} request to: ${cutText(hop.url.href, SHOWN_URL_BYTES)}`);
      const response = await this.#send(agent, hop, context.signal);
      const status =
        `${response.statusCode} ${response.statusText || (STATUS_CODES[response.statusCode] ?? '')}`.trim();
      void context.output.log('info', `Response status: ${status}`);
      const fields = headerFields(response.headers as unknown as readonly string[]);
      const location = fields.find(([name]) => name === 'Location')?.[1];
      const target = params.follow ? redirectTarget(response.statusCode, location, hop.url) : undefined;
      if (target === undefined) return this.#answer(context, response, status, fields);
      await response.body.dump({ limit: 128 * 1024 });
      if (typeof target === 'string') throw new Error(target);
      if (redirects === MAX_REDIRECTS) throw new Error(`stopped after ${MAX_REDIRECTS} redirects`);
      hop = nextHop(hop, response.statusCode, target);
    }
  }

  #send(agent: Agent, hop: Hop, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    this.#rules.checkLiteral(hop.url.hostname);
    return agent.request({
      origin: hop.url.origin,
      path: hop.url.pathname + hop.url.search,
      method: hop.method,
      headers: Object.fromEntries(hop.headers.values),
      body: hop.body ?? null,
      signal,
      responseHeaders: 'raw',
    });
  }

  async #answer(
    { output }: ExecutionContext,
    response: Dispatcher.ResponseData,
    status: string,
    fields: readonly (readonly [string, string])[],
  ): Promise<Outcome> {
    const head = fields.map(([name, value]) => `  ${name}: ${value}\n`).join('');
    await output.write(Buffer.from(`Status: ${status} HTTP/1.1\nHeaders:\n${head}\nBody:\n`));
    const limit = this.#options.maxBodyBytes ?? MAX_BODY_BYTES;
    await copyBody(response.body, output, limit);
    if (response.statusCode >= 400) return failed('HTTPError', `HTTP error: ${status}`);
    return { state: 'Succeeded', message: status };
  }

  #connector(verify: boolean): buildConnector.connector {
    return buildConnector({ rejectUnauthorized: verify, lookup: this.#rules.lookup, timeout: 30_000 });
  }
}

async function copyBody(body: AsyncIterable<Buffer>, output: OutputSink, limit: number): Promise<void> {
  const lines = new LineSplitter();
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > limit) throw new Error(`the answer is longer than ${limit} bytes`);
    const completed = lines.push(chunk);
    await Promise.all([output.write(chunk), completed.length > 0 ? output.log('info', ...completed) : undefined]);
  }
  const rest = lines.end();
  if (rest.length > 0) await output.log('info', ...rest);
}

/** Raw headers come as names and values in turn. */
function headerFields(raw: readonly (string | Buffer)[]): (readonly [string, string])[] {
  const fields: (readonly [string, string])[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2)
    fields.push([canonicalName(String(raw[i])), Buffer.from(raw[i + 1] ?? '').toString()]);
  return fields;
}

/** The task's headers by lower-case name, and what its body is unless they say so. */
function lower({ headers, bodyType }: ApiParams): Record<string, unknown> {
  const own = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return bodyType === undefined || 'content-type' in own ? own : { ...own, 'content-type': bodyType };
}

/** What went wrong, with the cause that the network gave. */
function messageOf(err: unknown): string {
  if (!(err instanceof Error)) return String(err);
  const inner = err instanceof AggregateError ? (err.errors as unknown[])[0] : err.cause;
  const text = err.message === '' || err.message === 'fetch failed' ? '' : err.message;
  if (text !== '' || inner === undefined) return text || err.name;
  return messageOf(inner);
}
