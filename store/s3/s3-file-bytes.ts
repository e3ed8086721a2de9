import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { ListMultipartUploadsCommandOutput } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import type { ByteRange, FileBytes, Room } from '../file-bytes.ts';
import { StoreError } from '../store-error.ts';
import type { S3Settings } from './s3-settings.ts';

/** An upload has at most 10,000 parts, so these allow for 80 GB. One of them and the next are in memory at a time. */
const PART_BYTES = 8 * 1024 * 1024;
const PARTS_AT_ONCE = 1;

const CONNECT_TIMEOUT_MS = 5000;

/** A connection on which nothing has happened for this long is given up. */
const SOCKET_TIMEOUT_MS = 60_000;

/** The bucket has its own limits. */
const UNLIMITED: Room = { reserve: () => undefined, release: () => undefined };

export interface S3FileBytesOptions extends S3Settings {
  /** Instead of those of the environment: for tests. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** One object each, in a bucket of S3 or of a server that speaks its protocol. */
export class S3FileBytes implements FileBytes {
  readonly place: string;
  readonly room = UNLIMITED;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;

  constructor({ bucket, prefix, region, endpoint, pathStyle, credentials }: S3FileBytesOptions) {
    this.place = `s3://${bucket}/${prefix}`;
    this.#bucket = bucket;
    this.#prefix = prefix;
    this.#client = new S3Client({
      region,
      forcePathStyle: pathStyle,
      ...(endpoint !== undefined && { endpoint }),
      ...(credentials && { credentials }),
      requestHandler: {
        connectionTimeout: CONNECT_TIMEOUT_MS,
        socketTimeout: SOCKET_TIMEOUT_MS,
      },
      // Servers other than AWS's do not know the newer checksums.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
  }

  pathOf(key: string): string {
    return this.place + key;
  }

  async put(key: string, source: AsyncIterable<Uint8Array>): Promise<void> {
    const counted = countBytes(source);
    const body = Readable.from(counted.parts);
    try {
      const upload = new Upload({
        client: this.#client,
        params: { ...this.#object(key), Body: body },
        partSize: PART_BYTES,
        queueSize: PARTS_AT_ONCE,
      });
      await upload.done();
      // What was acknowledged must be the whole.
      const { ContentLength: bytes } = await this.#client.send(new HeadObjectCommand(this.#object(key)));
      if (bytes !== counted.bytes())
        throw new StoreError(
          'StoreUnavailable',
          `${this.pathOf(key)} has ${String(bytes)} bytes of ${counted.bytes()} in the object store; upload it again`,
        );
    } catch (err) {
      throw (counted.failure() as Error | undefined) ?? explain(err);
    } finally {
      body.destroy();
    }
  }

  async *read(key: string, { start, end }: ByteRange): AsyncGenerator<Uint8Array> {
    let left = end - start + 1;
    if (left <= 0) return;
    try {
      const command = new GetObjectCommand({ ...this.#object(key), Range: `bytes=${start}-${end}` });
      const { Body: body } = await this.#client.send(command);
      for await (const part of body as AsyncIterable<Uint8Array>) {
        left -= part.length;
        yield part;
      }
    } catch (err) {
      if (!isGone(err)) throw explain(err);
    }
    if (left !== 0)
      throw new StoreError(
        'BytesMissing',
        `${left} bytes of ${this.pathOf(key)} are missing from the store: upload the file again`,
      );
  }

  async delete(key: string): Promise<void> {
    try {
      await this.#client.send(new DeleteObjectCommand(this.#object(key)));
      await this.#abortUploads(this.#prefix + key);
    } catch (err) {
      throw explain(err);
    }
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }

  /** The parts of an upload that died half-way are no object, but take room all the same. */
  async #abortUploads(Key: string): Promise<void> {
    const Bucket = this.#bucket;
    let position: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {};
    while (position !== undefined) {
      const page: ListMultipartUploadsCommandOutput = await this.#client.send(
        new ListMultipartUploadsCommand({ Bucket, Prefix: Key, ...position }),
      );
      for (const { Key: found, UploadId } of page.Uploads ?? [])
        // The key may be the beginning of others.
        if (found === Key) await this.#client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
      const { IsTruncated, NextKeyMarker, NextUploadIdMarker } = page;
      position =
        IsTruncated === true && NextKeyMarker !== undefined
          ? {
              KeyMarker: NextKeyMarker,
              ...(NextUploadIdMarker !== undefined && { UploadIdMarker: NextUploadIdMarker }),
            }
          : undefined;
    }
  }

  #object(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: this.#prefix + key };
  }
}

/** Keeps what the source threw apart from what the object store answered. */
function countBytes(source: AsyncIterable<Uint8Array>): {
  parts: AsyncGenerator<Uint8Array>;
  bytes: () => number;
  failure: () => unknown;
} {
  let bytes = 0;
  let failure: unknown;
  async function* parts(): AsyncGenerator<Uint8Array> {
    try {
      for await (const part of source) {
        bytes += part.length;
        yield part;
      }
    } catch (err) {
      failure = err;
      throw err;
    }
  }
  return { parts: parts(), bytes: () => bytes, failure: () => failure };
}

/** The names of AWS's errors say enough; their messages may repeat parts of the request. */
function explain(err: unknown): StoreError {
  if (err instanceof StoreError) return err;
  const { name = '', code } = err as { name?: string; code?: unknown };
  const what = typeof code === 'string' ? code : name;
  return new StoreError('StoreUnavailable', `the object store failed: ${what}; try again later`, { cause: err });
}

/** The object is not there, or has become shorter than the range. */
function isGone(err: unknown): boolean {
  const { name } = err as { name?: string };
  return name === 'NoSuchKey' || name === 'InvalidRange';
}
