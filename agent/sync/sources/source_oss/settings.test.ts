import { describe, expect, it } from 'vitest';
import { readSettings } from './settings.ts';

const driverParams = { bucket_name: 'files' };
const uri = 'https://s3.example.com';

describe('readSettings', () => {
  it('has the defaults of the original', () => {
    const credential = { data: { user: 'id', passwd: 'secret' }, allowedHosts: undefined };
    expect(readSettings({ uri, credential, driverParams })).toEqual({
      endpoint: 'https://s3.example.com',
      bucket: 'files',
      region: 'us-east-1',
      prefix: '',
      recursive: true,
      login: { accessKeyId: 'id', secretAccessKey: 'secret' },
      pollingMs: 30_000,
    });
  });

  it('takes the endpoint before the uri, and a key for the secret', () => {
    const credential = { data: { user: 'id', key: 'secret' }, allowedHosts: ['minio:9000'] };
    const params = { ...driverParams, endpoint_url: 'http://minio:9000' };
    const settings = readSettings({ uri: 's3://files', credential, driverParams: params });
    expect(settings).toMatchObject({ endpoint: 'http://minio:9000', login: { secretAccessKey: 'secret' } });
  });

  it.each([
    ['s3://files', driverParams, 'endpoint_url must be a URL'],
    ['https://id:hidden@s3', driverParams, 'endpoint_url must not hold a login'],
    [`${uri}/files`, driverParams, 'endpoint_url must end behind its port'],
    [uri, {}, 'bucket_name'],
    [uri, { bucket_name: '../x' }, 'bucket_name'],
    [uri, { ...driverParams, queue_type: 'sqs' }, 'queue_type must be polling, not "sqs"'],
    [uri, { ...driverParams, polling_queue_config: { interval_seconds: 0 } }, 'interval_seconds'],
    [uri, { ...driverParams, prefix: 1 }, 'prefix must be a text'],
  ])('refuses %s with %j: %s', (of, params, message) => {
    const read = (): unknown => readSettings({ uri: of, credential: undefined, driverParams: params });
    expect(read).toThrow(message);
    expect(read).not.toThrow('hidden');
  });

  it('sends a login to no host but those it is meant for', () => {
    const credential = { data: { user: 'id', passwd: 'secret' }, allowedHosts: ['other'] };
    expect(() => readSettings({ uri, credential, driverParams })).toThrow('may not be sent to s3.example.com');
  });
});
