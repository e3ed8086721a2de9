import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { request } from 'node:http';
import type { ClientRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../kubernetes/free-port.ts';
import { hasCluster, sharedCluster } from '../kubernetes/shared.ts';
import { Program } from '../programs/program.ts';
import { RestClient } from '../programs/rest-client.ts';
import { until } from '../programs/until.ts';
import { hasServices, service } from '../services/service.ts';

const READY_DEADLINE_MS = 60_000;
const BOUNDARY = 'xxBOUNDARYxx';

/** Enough for an object store to have been sent some parts. */
const HALF_BYTES = 40 * 1024 * 1024;

describe.skipIf(!hasCluster())('files of an API that is killed', () => {
  let folder: string;
  let rest: RestClient;
  let api: Program;

  async function start(args: readonly string[] = [], env: Record<string, string> = {}): Promise<void> {
    const cluster = await sharedCluster();
    const port = await freePort();
    rest = new RestClient(`http://127.0.0.1:${port}`);
    api = new Program({
      name: 'api',
      folder,
      env,
      args: [
        ...['--kubeconfig', cluster.kubeconfig('api'), '--home-namespace', cluster.namespace],
        ...['--port', String(port), '--data', join(folder, 'data'), ...args],
      ],
    });
    await run();
  }

  async function run(): Promise<void> {
    api.start();
    const isReady = (): Promise<boolean> =>
      fetch(`${rest.url}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      );
    await until(isReady, READY_DEADLINE_MS, 'the API to be ready').catch((err: unknown) => {
      throw new Error(api.log.slice(-2000), { cause: err });
    });
  }

  /** An upload that has sent half of what it announced. */
  function uploadHalf(): ClientRequest {
    const req = request(`${rest.url}/api/v1/files`, {
      method: 'POST',
      headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, 'content-length': 2 * HALF_BYTES },
    });
    req.on('error', () => undefined);
    req.write(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="half"\r\n\r\n`);
    req.write(Buffer.alloc(HALF_BYTES, 'x'));
    return req;
  }

  const download = async (id: string): Promise<string> =>
    (await fetch(`${rest.url}/api/v1/files/${id}/download`)).text();

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tiangong-uploads-'));
  });
  afterEach(async () => {
    await api.kill();
    await rm(folder, { recursive: true });
  });

  it('are whole or gone, in a folder', async () => {
    await start();
    const kept = await rest.upload('kept.txt', new Blob(['kept']));
    const half = uploadHalf();
    const onDisk = (): Promise<string[]> => readdir(join(folder, 'data', 'files'));
    await expect.poll(onDisk).toEqual(['half', 'kept.txt']);
    await api.kill();
    half.destroy();
    await run();
    expect(await onDisk()).toEqual(['kept.txt']);
    expect(await rest.get('/files')).toEqual([kept]);
    expect(await download(kept.id)).toBe('kept');
  });

  it.skipIf(!hasServices('s3'))('are whole or gone, in an object store', async () => {
    const { host, port, user, password } = await service('s3');
    const Bucket = `tiangong-${randomBytes(6).toString('hex')}`;
    const endpoint = `http://${host}:${port}`;
    const s3 = new S3Client({
      region: 'us-east-1',
      endpoint,
      forcePathStyle: true,
      credentials: { accessKeyId: user, secretAccessKey: password },
    });
    await s3.send(new CreateBucketCommand({ Bucket }));
    const keys = async (): Promise<string[]> =>
      ((await s3.send(new ListObjectsV2Command({ Bucket }))).Contents ?? []).map(({ Key = '' }) => Key);
    const unfinished = async (): Promise<number> =>
      (await s3.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads?.length ?? 0;

    await start(['--s3-bucket', Bucket, '--s3-endpoint', endpoint, '--s3-path-style'], {
      AWS_ACCESS_KEY_ID: user,
      AWS_SECRET_ACCESS_KEY: password,
    });
    const kept = await rest.upload('kept.txt', new Blob(['kept']));
    expect(kept.path).toBe(`s3://${Bucket}/tiangong/files/kept.txt`);
    const half = uploadHalf();
    await expect.poll(unfinished).toBe(1);
    await api.kill();
    half.destroy();
    await run();
    await expect.poll(unfinished).toBe(0);
    expect(await keys()).toEqual(['tiangong/files/kept.txt']);
    expect(await download(kept.id)).toBe('kept');
    await rest.delete(`/files/${kept.id}`);
    expect(await keys()).toEqual([]);
    for (const secret of [password, 'AWS4-HMAC']) expect(api.log).not.toContain(secret);
    await s3.send(new DeleteBucketCommand({ Bucket }));
    s3.destroy();
  });
});
