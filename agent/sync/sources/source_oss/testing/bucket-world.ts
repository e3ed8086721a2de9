import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { Service } from '../../../../../test/services/service.ts';
import type { SourceWorld } from '../../../conformance/source-under-test.ts';
import type { SourceConfig, SourceTools } from '../../../source.ts';
import type { Row } from '../../../sync-event.ts';
import { sourceOssDriver } from '../index.ts';

/** A bucket of a test's own; the version of an object is its size. */
export class BucketWorld implements SourceWorld {
  readonly driver = sourceOssDriver;
  readonly bucket = `sync-${randomBytes(6).toString('hex')}`;
  readonly config: SourceConfig;
  readonly coalesces = true;
  readonly indexesRepeat = false;
  readonly refused: SourceConfig;
  readonly unreachable: SourceConfig;
  readonly actionInput: NonNullable<SourceWorld['actionInput']>;
  readonly #client: S3Client;

  static async create(server: Service): Promise<BucketWorld> {
    const world = new BucketWorld(server);
    await world.#client.send(new CreateBucketCommand({ Bucket: world.bucket }));
    return world;
  }

  private constructor({ host, port, user, password }: Service) {
    const endpoint = `http://${host}:${port}`;
    const credentials = { accessKeyId: user, secretAccessKey: password };
    this.#client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
    const login = (passwd: string): SourceConfig['credential'] => ({ data: { user, passwd }, allowedHosts: undefined });
    const driverParams = {
      endpoint_url: endpoint,
      bucket_name: this.bucket,
      queue_type: 'polling',
      polling_queue_config: { interval_seconds: 0.02 },
    };
    this.config = {
      id: 'objects',
      driver: 'source_oss',
      uri: endpoint,
      credential: login(password),
      driverParams,
      maxQueueSize: 1000,
      maxRetries: 1,
      retryDelayMs: 10,
    };
    this.refused = { ...this.config, credential: login('wrong-secret') };
    this.unreachable = { ...this.config, driverParams: { ...driverParams, endpoint_url: `http://${host}:1` } };
    this.actionInput = { uri: endpoint, credential: login(password), driverParams, adminCreds: undefined };
  }

  async put(key: number, version: number): Promise<void> {
    await this.write(String(key), Buffer.alloc(version, 'x'));
  }

  async write(key: string, body: Buffer): Promise<void> {
    await this.#client.send(new PutObjectCommand({ Bucket: this.bucket, Key: key, Body: body }));
  }

  /** Lets everyone list. */
  async open(): Promise<void> {
    const statement = {
      Effect: 'Allow',
      Principal: '*',
      Action: ['s3:ListBucket'],
      Resource: [`arn:aws:s3:::${this.bucket}`],
    };
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
    await this.#client.send(new PutBucketPolicyCommand({ Bucket: this.bucket, Policy }));
  }

  async remove(key: number): Promise<void> {
    await this.delete(String(key));
  }

  async delete(key: string): Promise<void> {
    await this.#client.send(new DeleteObjectCommand({ Bucket: this.bucket, Key: key }));
  }

  keyOf(row: Row): number {
    return Number(row['file_path']);
  }

  versionOf(row: Row): number {
    return Number(row['size']);
  }

  losePositions(tools: SourceTools): Promise<void> {
    rmSync(tools.stateFolder, { recursive: true, force: true });
    return Promise.resolve();
  }

  async close(): Promise<void> {
    for (;;) {
      const { Contents = [] } = await this.#client.send(new ListObjectsV2Command({ Bucket: this.bucket }));
      if (Contents.length === 0) break;
      const Objects = Contents.map(({ Key }) => ({ Key }));
      await this.#client.send(new DeleteObjectsCommand({ Bucket: this.bucket, Delete: { Objects, Quiet: true } }));
    }
    await this.#client.send(new DeleteBucketCommand({ Bucket: this.bucket }));
    this.#client.destroy();
  }
}
