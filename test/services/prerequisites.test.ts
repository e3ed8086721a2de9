import { afterEach, describe, expect, it, vi } from 'vitest';
import { whyNot } from './prerequisites.ts';

describe('whyNot', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });

  it('names the programs that are missing', () => {
    vi.stubEnv('PATH', '/nowhere');
    vi.spyOn(process, 'getuid').mockReturnValue(0);
    expect(whyNot('s3')).toBe('test/services/s3.sh needs flock, setsid, go');
  });

  it('says that a root folder of Debian packages needs root', () => {
    vi.spyOn(process, 'getuid').mockReturnValue(1000);
    expect(whyNot('postgres')).toBe('test/services/postgres.sh must be run as root');
  });

  it('leaves out what SERVICES_WITHOUT names', () => {
    vi.stubEnv('SERVICES_WITHOUT', 's3,mysql');
    expect(whyNot('mysql')).toBe('SERVICES_WITHOUT names it');
  });
});
