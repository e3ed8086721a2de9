import {
  ElasticsearchClient,
  NoAnswer,
  NotElasticsearch,
} from '../../../executors/elasticsearch/elasticsearch-client.ts';
import type {
  ElasticsearchAnswer,
  ElasticsearchRequest,
} from '../../../executors/elasticsearch/elasticsearch-client.ts';
import { objectOf } from '../../../executors/elasticsearch/server-error.ts';
import { SourceError } from '../../source.ts';
import { parseExactly } from './exact-json.ts';
import type { ElasticsearchServer } from './settings.ts';

export type Json = Readonly<Record<string, unknown>>;

/** A server answers within this time, or does not. */
const REQUEST_MS = 60_000;

/** An answer is too long for this program's memory. */
export class AnswerTooLong extends SourceError {}

/** Asks one server. Failures are told as a source tells them. */
export class Requests {
  readonly origin: string;
  readonly #client: ElasticsearchClient;

  constructor({ target }: ElasticsearchServer) {
    this.#client = new ElasticsearchClient(target);
    this.origin = this.#client.origin;
  }

  /** Rejects with the signal's reason or a `SourceError`. `allowed`: a status of an error that is an answer too. */
  async ask(request: ElasticsearchRequest, signal: AbortSignal, allowed?: number): Promise<Json> {
    const late = AbortSignal.timeout(REQUEST_MS);
    const answer = await this.#answer(request, AbortSignal.any([signal, late]), signal);
    if (answer.status >= 400 && answer.status !== allowed) throw this.#refusal(answer);
    const body: unknown = answer.text === '' ? {} : parseExactly(answer.text);
    if (typeof body === 'object' && body !== null) return body as Json;
    throw new SourceError('AnswerInvalid', `${this.origin} gave an answer that is no JSON object`, { retryable: true });
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async #answer(request: ElasticsearchRequest, both: AbortSignal, signal: AbortSignal): Promise<ElasticsearchAnswer> {
    try {
      return await this.#client.request(request, both);
    } catch (err) {
      signal.throwIfAborted();
      if (both.aborted)
        throw new SourceError('Timeout', `${this.origin} gave no answer within ${String(REQUEST_MS / 1000)} s`, {
          retryable: true,
          cause: err,
        });
      const message = `${this.origin}: ${(err as Error).message}`;
      if (err instanceof NotElasticsearch) throw new SourceError('ConfigurationInvalid', message, { retryable: false });
      if (err instanceof NoAnswer && err.message.startsWith('the answer is longer'))
        throw new AnswerTooLong('AnswerTooLong', message, { retryable: false, cause: err });
      throw new SourceError('ConnectionFailed', message, { retryable: true, cause: err });
    }
  }

  #refusal(answer: ElasticsearchAnswer): SourceError {
    const { status } = answer;
    const said = `${this.origin} says: ${saidBy(answer)}`;
    if (status === 401) return new SourceError('AuthenticationFailed', said, { retryable: false });
    if (status === 403) return new SourceError('PrivilegeMissing', said, { retryable: false });
    // An index may be made later.
    if (status === 404) return new SourceError('NotFound', said, { retryable: true });
    const isBusy = status === 408 || status === 429 || status >= 500;
    return new SourceError(isBusy ? 'ServerUnavailable' : 'RequestRefused', said, { retryable: isBusy });
  }
}

function saidBy(answer: ElasticsearchAnswer): string {
  try {
    objectOf(answer);
    return String(answer.status);
  } catch (err) {
    return (err as Error).message;
  }
}
