import { Agent } from 'undici';
import type { Dispatcher } from 'undici';
import { TimedOut, withTimeout } from '../../../../kube/with-timeout.ts';
import { defaultAddressRules } from '../../../connections/address-rules.ts';
import { mayBeSentTo } from '../../../connections/allowed-hosts.ts';
import { maskSecrets } from '../../../executors/database/mask-secrets.ts';
import type { Credential } from '../../../executors/executor.ts';
import { PusherError } from '../../pusher.ts';
import { answerFailure } from './answer-failure.ts';
import { loginOf } from './login-headers.ts';
import type { Login } from './login-headers.ts';

export interface ConsumerClientOptions {
  /** As the configuration has it. */
  readonly endpoint: string;
  readonly credential: Credential | undefined;
  /** `ca` (PEM) and `verify_ssl` (true unless set) are read. */
  readonly driverParams: Readonly<Record<string, unknown>>;
}

export interface ConsumerCall {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body?: string;
  /** For the whole call. */
  readonly timeoutMs: number;
  /** Of the answer; 1 MiB unless set. */
  readonly maxBytes?: number;
  /** Statuses that are answers like successes are. */
  readonly expected?: readonly number[];
}

export interface ConsumerAnswer {
  readonly status: number;
  readonly text: string;
}

const MAX_ANSWER_BYTES = 1024 * 1024;
const MAX_DETAIL = 300;
/** A push, a heartbeat beside it, and what wizards ask meanwhile. */
const CONNECTIONS = 4;
const CONNECT_TIMEOUT_MS = 5000;

/**
 * Calls of one consumer with one login, each tried once over kept connections. The login goes to the endpoint's origin only,
 * or where its Secret's allowed hosts name another; no redirect is followed.
 */
export class ConsumerClient {
  readonly endpoint: URL;
  readonly #login: Login;
  readonly #allowedHosts: readonly string[] | undefined;
  readonly #agent: Agent;

  /** Throws a `PusherError` (`ConfigurationInvalid`). */
  constructor({ endpoint, credential, driverParams }: ConsumerClientOptions) {
    this.endpoint = parseEndpoint(endpoint);
    this.#login = loginOf(credential);
    this.#allowedHosts = credential?.allowedHosts;
    if (!mayBeSentTo(this.#allowedHosts, this.endpoint.hostname, portOf(this.endpoint)))
      throw invalid(`the pusher's Secret may not be sent to ${this.endpoint.host} (tiangong.io/allowed-hosts)`);
    checkAddress(this.endpoint);
    const { ca, verify_ssl: verify = true } = driverParams;
    if (ca !== undefined && typeof ca !== 'string') throw invalid('driver_params.ca must be PEM certificates');
    if (typeof verify !== 'boolean') throw invalid('driver_params.verify_ssl must be true or false');
    this.#agent = new Agent({
      connections: CONNECTIONS,
      pipelining: 1,
      allowH2: false,
      // Each call has a limit for all of it.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: {
        ...{ timeout: CONNECT_TIMEOUT_MS, rejectUnauthorized: verify, lookup: defaultAddressRules.lookup },
        ...(ca !== undefined && { ca }),
      },
    });
  }

  get secrets(): readonly string[] {
    return this.#login.secrets;
  }

  /**
   * Resolves with an answer below 300 or one that is expected. Rejects with a `PusherError`, or with the signal's reason
   * when it is aborted.
   */
  async call(call: ConsumerCall, signal: AbortSignal): Promise<ConsumerAnswer> {
    signal.throwIfAborted();
    this.#checkOrigin(call.url);
    const shown = `${call.method} ${call.url.origin}${call.url.pathname}`;
    let answer: readonly [Dispatcher.ResponseData, string];
    try {
      answer = await withTimeout(
        async (both) => {
          const response = await this.#request(call, both);
          return [response, await readText(response.body, call.maxBytes ?? MAX_ANSWER_BYTES, shown)];
        },
        call.timeoutMs,
        signal,
      );
    } catch (err) {
      signal.throwIfAborted();
      throw this.#noAnswer(err, shown);
    }
    const [{ statusCode: status, headers }, text] = answer;
    if (status < 300 || call.expected?.includes(status) === true) return { status, text };
    const { location } = headers;
    throw answerFailure({
      status,
      call: shown,
      detail: this.#mask(text).slice(0, MAX_DETAIL).trim(),
      location: typeof location === 'string' ? this.#mask(location).slice(0, MAX_DETAIL) : undefined,
    });
  }

  /** Ends its connections, and the calls that are under way. */
  close(): Promise<void> {
    return this.#agent.destroy();
  }

  #request({ method, url, headers, body }: ConsumerCall, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    return this.#agent.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method,
      headers: {
        accept: 'application/json',
        'user-agent': 'tiangong',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
        ...this.#login.headers,
      },
      body: body ?? null,
      signal,
    });
  }

  /** A consumer's description must not lead the login elsewhere. */
  #checkOrigin(url: URL): void {
    checkAddress(url);
    if (url.origin === this.endpoint.origin) return;
    const isDowngrade = this.endpoint.protocol === 'https:' && url.protocol !== 'https:';
    const isNamed = this.#allowedHosts !== undefined && mayBeSentTo(this.#allowedHosts, url.hostname, portOf(url));
    if (isNamed && !isDowngrade) return;
    throw invalid(
      `the consumer at ${this.endpoint.host} says that its calls go to ${url.origin}; they may go to ` +
        `${this.endpoint.origin} only, unless the Secret's annotation tiangong.io/allowed-hosts names that host`,
    );
  }

  #noAnswer(err: unknown, shown: string): PusherError {
    if (err instanceof PusherError) return err;
    const reason = err instanceof TimedOut ? 'Timeout' : 'ConnectionFailed';
    return new PusherError(reason, `${shown} failed: ${this.#mask(messageOf(err as Error))}`, {
      retryable: true,
      cause: err,
    });
  }

  #mask(text: string): string {
    return maskSecrets(text, this.#login.secrets);
  }
}

function parseEndpoint(endpoint: string): URL {
  const url = URL.parse(endpoint);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw invalid('the endpoint must be an address that begins with http:// or https://');
  if (url.username !== '' || url.password !== '')
    throw invalid('the endpoint must not hold a login: it belongs into the Secret of secret_ref');
  return url;
}

/** Names are looked at when they are resolved. */
function checkAddress({ hostname }: URL): void {
  const fault = defaultAddressRules.faultOf(hostname);
  if (fault !== undefined) throw invalid(fault.message);
}

const portOf = (url: URL): number => Number(url.port) || (url.protocol === 'https:' ? 443 : 80);

async function readText(body: AsyncIterable<Buffer>, maxBytes: number, shown: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxBytes)
      throw new PusherError('AnswerInvalid', `the answer to ${shown} is longer than ${maxBytes} bytes`, {
        retryable: true,
      });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** An attempt on several addresses has a message for each, and none of its own. */
function messageOf(err: Error): string {
  const [first] = err instanceof AggregateError ? (err.errors as Error[]) : [];
  return err.message || (first?.message ?? err.name);
}

const invalid = (message: string): PusherError =>
  new PusherError('ConfigurationInvalid', message, { retryable: false });
