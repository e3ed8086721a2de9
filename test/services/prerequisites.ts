import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { ServiceName } from './known-services.ts';

/** Programs that a service's script calls, beside what every Linux has. */
const PROGRAMS: Readonly<Record<ServiceName, readonly string[]>> = {
  postgres: ['apt-get', 'dpkg-deb', 'chroot', 'openssl'],
  mysql: ['apt-get', 'dpkg-deb', 'chroot', 'openssl'],
  mariadb: ['apt-get', 'dpkg-deb', 'chroot', 'openssl'],
  mongo: ['apt-get', 'dpkg-deb', 'chroot', 'go'],
  elasticsearch: ['mvn', 'pip', 'python3', 'unzip', 'zip', 'curl'],
  clickhouse: ['npm', 'curl'],
  'clickhouse-18': ['apt-get', 'dpkg-deb', 'curl'],
  s3: ['go'],
};

/** Services whose servers are packages of Debian's, which run in a root folder of their own. */
const NEED_ROOT: ReadonlySet<ServiceName> = new Set(['postgres', 'mysql', 'mariadb', 'mongo']);

/** Why a service cannot be had on this machine; undefined when its script can install and start it. */
export function whyNot(name: ServiceName): string | undefined {
  if ((process.env['SERVICES_WITHOUT'] ?? '').split(',').includes(name)) return 'SERVICES_WITHOUT names it';
  if (process.platform !== 'linux') return `test/services/${name}.sh runs on Linux only`;
  if (NEED_ROOT.has(name) && process.getuid?.() !== 0) return `test/services/${name}.sh must be run as root`;
  const missing = ['flock', 'setsid', ...PROGRAMS[name]].filter((program) => !isOnPath(program));
  return missing.length === 0 ? undefined : `test/services/${name}.sh needs ${missing.join(', ')}`;
}

function isOnPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
