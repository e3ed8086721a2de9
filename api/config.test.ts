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

  it('asks callers who they are unless only this machine can call', () => {
    const authOf = (...argv: string[]): unknown => {
      const { auth, namedAgents } = readConfig(argv).settings;
      return [auth, namedAgents];
    };
    expect(authOf()).toEqual(['none', true]);
    expect(authOf('--host', '::1')).toEqual(['none', true]);
    expect(authOf('--host', '0.0.0.0')).toEqual(['kubernetes', false]);
    expect(authOf('--auth', 'kubernetes', '--agent-users', 'names')).toEqual(['kubernetes', true]);
    expect(authOf('--host', '10.0.0.1', '--auth', 'none', '--insecure')).toEqual(['none', true]);
    expect(refused(['--host', '10.0.0.1', '--auth', 'none'])).toContain('use --auth kubernetes, or --insecure');
    expect(refused(['--auth', 'kubernets'])).toContain('--auth');
  });

  it('takes who may call from the environment, but no --insecure', () => {
    vi.stubEnv('TIANGONG_API_HOST', '0.0.0.0');
    vi.stubEnv('TIANGONG_AUTH', 'kubernetes');
    vi.stubEnv('TIANGONG_HOST_NAMESPACE', '');
    vi.stubEnv('TIANGONG_AGENT_SERVICE_ACCOUNT', 'release-agent');
    vi.stubEnv('TIANGONG_METRICS_PORT', '9090');
    expect(readConfig([]).settings).toMatchObject({
      ...{ auth: 'kubernetes', agentServiceAccount: 'release-agent', metricsPort: 9090 },
      hostNamespace: undefined,
    });
    vi.stubEnv('TIANGONG_AUTH', 'none');
    vi.stubEnv('TIANGONG_INSECURE', '1');
    expect(refused([])).toContain('--insecure');
  });

  it('takes a certificate and its key, or neither', () => {
    expect(readConfig([]).settings.tls).toBeUndefined();
    expect(readConfig(['--tls-cert-file', 'c', '--tls-key-file', 'k']).settings.tls).toEqual({
      certFile: 'c',
      keyFile: 'k',
    });
    expect(refused(['--tls-cert-file', 'c'])).toContain('must both be set');
  });

  it.each([
    ['http://user:geheim@127.0.0.1', 'may hold no credentials'],
    ['ftp://127.0.0.1', 'must be an http or https address'],
    ['nonsense', 'must be an http or https address'],
  ])('refuses the endpoint %s', (endpoint, text) => {
    const written = refused(['--s3-bucket', 'b', '--s3-endpoint', endpoint]);
    expect(written).toContain(text);
    expect(written).not.toContain('geheim');
  });
});

/** What is written about arguments that are not taken. */
function refused(argv: readonly string[]): string {
  const written: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((part) => written.push(String(part)) > 0);
  vi.spyOn(process, 'exit').mockImplementation(() => {
    throw new Error('exit');
  });
  try {
    expect(() => readConfig(argv)).toThrow('exit');
  } finally {
    vi.restoreAllMocks();
  }
  return written.join('');
}
