import { randomBytes } from 'node:crypto';
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../test/services/service.ts';
import { describeFileBytes } from '../conformance/describe-file-bytes.ts';
import { describeFiles } from '../conformance/describe-files.ts';
import { partsOf } from '../conformance/parts-of.ts';
import { readAll } from '../conformance/read-all.ts';
import { temporaryStore } from '../sqlite/temporary-store.ts';
import { S3FileBytes } from './s3-file-bytes.ts';
import type { S3FileBytesOptions } from './s3-file-bytes.ts';

describe.skipIf(!hasServices('s3'))('on a server that speaks S3', () => {
  const bucket = `tiangong-${randomBytes(6).toString('hex')}`;
  let client: S3Client;
  let options: S3FileBytesOptions;

  /** A prefix of its own, so that tests do not see each other's objects. */
  async function makeBytes(): Promise<S3FileBytes & AsyncDisposable> {
    const bytes = new S3FileBytes({ ...options, prefix: `${randomBytes(6).toString('hex')}/files/` });
    return Object.assign(bytes, { [Symbol.asyncDispose]: () => bytes.close() });
  }

  async function keys(prefix = ''): Promise<string[]> {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }));
    return Contents.map(({ Key = '' }) => Key);
  }

  const unfinishedUploads = async (prefix: string): Promise<number> =>
    (await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix }))).Uploads?.length ?? 0;

  beforeAll(async () => {
    const { host, port, user, password } = await service('s3');
    options = {
      bucket,
      prefix: '',
      region: 'us-east-1',
      endpoint: `http://${host}:${port}`,
      pathStyle: true,
      credentials: { accessKeyId: user, secretAccessKey: password },
    };
    const { region, endpoint, credentials } = options;
    client = new S3Client({ region, endpoint: endpoint!, forcePathStyle: true, credentials: credentials! });
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
  });

  afterAll(async () => {
    for (const key of await keys()) await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
    await client.send(new DeleteBucketCommand({ Bucket: bucket }));
    client.destroy();
  });

  describeFileBytes('S3FileBytes', makeBytes);

  describeFiles('SqliteStore with S3', async (storeOptions) => {
    const fileBytes = new S3FileBytes({ ...options, prefix: `${randomBytes(6).toString('hex')}/` });
    return temporaryStore({ ...storeOptions, fileBytes });
  });

  it('takes 300 MB without holding them in memory', async () => {
    await using bytes = await makeBytes();
    const part = randomBytes(64 * 1024);
    const before = process.memoryUsage().rss;
    let most = 0;
    async function* source(): AsyncGenerator<Uint8Array> {
      for (let n = 0; n < 4800; n += 1) {
        most = Math.max(most, process.memoryUsage().rss);
        yield await Promise.resolve(part);
      }
    }
    await bytes.put('large', source());
    expect((most - before) / 1024 ** 2).toBeLessThan(200);
  });

  it('leaves neither object nor parts of an upload that failed in the middle', async () => {
    await using bytes = await makeBytes();
    const source = partsOf('x'.repeat(50 * 1024 * 1024), new Error('cut'));
    await expect(bytes.put('large', source)).rejects.toThrow('cut');
    await bytes.delete('large');
    const prefix = bytes.place.slice(`s3://${bucket}/`.length);
    expect(await keys(prefix)).toEqual([]);
    expect(await unfinishedUploads(prefix)).toBe(0);
  });

  it('removes the parts that an upload left whose process died', async () => {
    await using bytes = await makeBytes();
    const prefix = bytes.place.slice(`s3://${bucket}/`.length);
    for (const key of ['died', 'died-not'])
      await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: prefix + key }));
    expect(await unfinishedUploads(prefix)).toBe(2);
    await bytes.delete('died');
    expect(await unfinishedUploads(prefix)).toBe(1);
    await bytes.delete('died-not');
    expect(await unfinishedUploads(prefix)).toBe(0);
  });

  it('says that the object store is at fault, and nothing of the request, when there is no bucket', async () => {
    const secret = 'a-secret-key-of-a-test';
    const bytes = new S3FileBytes({ ...options, bucket: `${bucket}-missing` });
    await expect(bytes.put('a', partsOf('x'))).rejects.toMatchObject({
      code: 'StoreUnavailable',
      message: 'the object store failed: NoSuchBucket; try again later',
    });
    const wrong = new S3FileBytes({ ...options, credentials: { accessKeyId: 'test', secretAccessKey: secret } });
    const err = await wrong.put('a', partsOf('x')).catch((caught: unknown) => caught as Error);
    expect(err).toMatchObject({ code: 'StoreUnavailable' });
    expect((err as Error).message).not.toContain(secret);
    await Promise.all([bytes.close(), wrong.close()]);
  });

  it('says so too when nobody listens', async () => {
    const bytes = new S3FileBytes({ ...options, endpoint: 'http://127.0.0.1:9' });
    await expect(bytes.put('a', partsOf('x'))).rejects.toMatchObject({
      code: 'StoreUnavailable',
      message: 'the object store failed: ECONNREFUSED; try again later',
    });
    await expect(readAll(bytes.read('a', { start: 0, end: 0 }))).rejects.toMatchObject({
      code: 'StoreUnavailable',
    });
    await bytes.close();
  });
});
