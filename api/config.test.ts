import { afterEach, describe, expect, it, vi } from 'vitest';
import { readConfig } from './config.ts';

describe('readConfig', () => {
  afterEach(() => void vi.unstubAllEnvs());

  it('keeps files in the data folder unless a bucket is named', () => {
    const { s3, settings } = readConfig([]);
    expect(s3).toBeUndefined();
    expect(settings.maxFileBytes).toBe(5 * 1024 ** 3);
  });

  it('watches all namespaces unless some are named', () => {
    expect(readConfig([]).settings.namespaces).toEqual(['*']);
    expect(readConfig(['--namespaces', 'a,b']).settings.namespaces).toEqual(['a', 'b']);
  });

  it('takes the place of files from flags', () => {
    const argv = ['--s3-bucket', 'b', '--s3-endpoint', 'http://127.0.0.1:17070', '--s3-path-style'];
    expect(readConfig([...argv, '--max-file-bytes', '1000'])).toMatchObject({
      s3: {
        bucket: 'b',
        prefix: 'tiangong/files/',
        region: 'us-east-1',
        endpoint: 'http://127.0.0.1:17070',
        pathStyle: true,
      },
      settings: { maxFileBytes: 1000 },
    });
  });

  it('takes it from the environment as well', () => {
    vi.stubEnv('TIANGONG_S3_BUCKET', 'b');
    vi.stubEnv('TIANGONG_S3_PREFIX', '');
    vi.stubEnv('TIANGONG_S3_ENDPOINT', '');
    vi.stubEnv('TIANGONG_S3_PATH_STYLE', 'false');
    vi.stubEnv('TIANGONG_S3_REGION', 'eu-central-1');
    expect(readConfig([]).s3).toEqual({
      bucket: 'b',
      prefix: '',
      region: 'eu-central-1',
      endpoint: undefined,
      pathStyle: false,
    });
    expect(readConfig(['--s3-path-style']).s3?.pathStyle).toBe(true);
  });

  it.each([
    ['http://user:geheim@127.0.0.1', 'may hold no credentials'],
    ['ftp://127.0.0.1', 'must be an http or https address'],
    ['nonsense', 'must be an http or https address'],
  ])('refuses the endpoint %s', (endpoint, text) => {
    const written: string[] = [];
    vi.spyOn(process.stderr, 'write').mockImplementation((part) => written.push(String(part)) > 0);
    vi.spyOn(process, 'exit').mockImplementation(() => {
      throw new Error('exit');
    });
    expect(() => readConfig(['--s3-bucket', 'b', '--s3-endpoint', endpoint])).toThrow('exit');
    vi.restoreAllMocks();
    expect(written.join('')).toContain(text);
    expect(written.join('')).not.toContain('geheim');
  });
});
