import type { AgentOptions } from 'node:https';
import type { S3Client } from '@aws-sdk/client-s3';
import { defaultAddressRules } from '../../../connections/address-rules.ts';
import { SourceError } from '../../source.ts';
import type { BucketSettings } from './settings.ts';

/** What a listing says of an object. */
export interface ListedObject {
  readonly key: string;
  readonly etag: string;
  readonly size: number;
  /** Epoch milliseconds. */
  readonly modified: number;
}

export interface ListedPage {
  /** In the order of their keys, in UTF-8. */
  readonly objects: readonly ListedObject[];
  /** What the next page is asked for by; undefined: this was the last. */
  readonly next: string | undefined;
}

/** No server gives more at once. */
export const MAX_PAGE = 1000;

const CONNECT_TIMEOUT_MS = 10_000;
const ANSWER_TIMEOUT_MS = 60_000;

/** Lists one bucket. Every call is tried once; failures are told as a source tells them. */
export class Bucket {
  readonly #settings: BucketSettings;
  readonly #answerMs: number;
  #client: Promise<S3Client> | undefined;

  /** `answerMs`: how long a server may say nothing. */
  constructor(settings: BucketSettings, answerMs = ANSWER_TIMEOUT_MS) {
    this.#settings = settings;
    this.#answerMs = answerMs;
  }

  /** What is listed: two of the same show the same objects. */
  get place(): string {
    const { endpoint, bucket, prefix, recursive } = this.#settings;
    return `${endpoint}/${bucket}/${prefix}${recursive ? '' : ' (one level)'}`;
  }

  /** The objects behind a key (not with `next`), or those of the page after one. Rejects with a `SourceError`. */
  async list(
    from: { readonly next?: string | undefined; readonly after?: string | undefined },
    size: number,
    signal: AbortSignal,
  ): Promise<ListedPage> {
    const { bucket, prefix, recursive } = this.#settings;
    // Half a second and 40 MB, which agents without such sources need not spend.
    const { ListObjectsV2Command } = await import('@aws-sdk/client-s3');
    const command = new ListObjectsV2Command({
      Bucket: bucket,
      Prefix: prefix,
      MaxKeys: Math.min(size, MAX_PAGE),
      ...(!recursive && { Delimiter: '/' }),
      ...(from.next !== undefined && { ContinuationToken: from.next }),
      ...(from.next === undefined && from.after !== undefined && { StartAfter: from.after }),
    });
    try {
      const client = await (this.#client ??= this.#open());
      const {
        Contents = [],
        IsTruncated,
        NextContinuationToken: token,
      } = await client.send(command, {
        abortSignal: signal,
      });
      const objects = Contents.map(({ Key = '', ETag = '', Size = 0, LastModified }) => ({
        key: Key,
        etag: ETag.replace(/^"|"$/g, ''),
        size: Size,
        modified: LastModified?.getTime() ?? 0,
      }));
      return { objects, next: IsTruncated === true ? token : undefined };
    } catch (err) {
      signal.throwIfAborted();
      throw this.#explained(err as Error);
    }
  }

  async close(): Promise<void> {
    const client = await this.#client?.catch(() => undefined);
    client?.destroy();
  }

  async #open(): Promise<S3Client> {
    const { S3Client } = await import('@aws-sdk/client-s3');
    const { endpoint, region, login } = this.#settings;
    const { lookup } = defaultAddressRules;
    return new S3Client({
      endpoint,
      region,
      forcePathStyle: true,
      maxAttempts: 1,
      // Never those of the agent's own environment.
      credentials: login ?? { accessKeyId: '', secretAccessKey: '' },
      ...(login === undefined && { signer: { sign: (request) => Promise.resolve(request) } }),
      requestHandler: {
        connectionTimeout: CONNECT_TIMEOUT_MS,
        requestTimeout: this.#answerMs,
        // Else it is only warned of, and a server that is half open holds the source up for ever.
        throwOnRequestTimeout: true,
        socketTimeout: this.#answerMs,
        httpAgent: { lookup } as AgentOptions,
        httpsAgent: { lookup } as AgentOptions,
      },
    });
  }

  /** The names of S3's errors say enough; their messages may repeat parts of the request. */
  #explained(err: Error & { $metadata?: { httpStatusCode?: number }; code?: unknown }): SourceError {
    const { endpoint, bucket } = this.#settings;
    const status = err.$metadata?.httpStatusCode;
    const at = `the bucket '${bucket}' at ${endpoint}`;
    const fail = (reason: string, what: string, retryable: boolean): SourceError =>
      new SourceError(reason, `${at}: ${what}`, { retryable, cause: err });
    if (status === undefined) {
      const what = typeof err.code === 'string' ? err.code : err.name;
      return fail('ConnectionFailed', `no answer (${what})`, true);
    }
    if (REFUSED_LOGINS.has(err.name)) return fail('AuthenticationFailed', `the login is refused (${err.name})`, false);
    if (status === 401 || status === 403) return fail('PrivilegeMissing', `access is denied (${err.name})`, false);
    // It may be made later.
    if (status === 404) return fail('NotFound', err.name, true);
    const isBusy = status === 408 || status === 429 || status >= 500;
    return fail(isBusy ? 'ServerUnavailable' : 'RequestRefused', `${String(status)} ${err.name}`, isBusy);
  }
}

const REFUSED_LOGINS = new Set([
  'ExpiredToken',
  'InvalidAccessKeyId',
  'InvalidToken',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
]);
