import { connect } from 'node:net';
import type { Service } from './service.ts';

export const SERVICE_NAMES = [
  'postgres',
  'mysql',
  'mariadb',
  'mongo',
  'elasticsearch',
  'clickhouse',
  'clickhouse-18',
  's3',
] as const;
/** `clickhouse` is version 26, HTTP only; `clickhouse-18` has the native protocol too. */
export type ServiceName = (typeof SERVICE_NAMES)[number];

/** What globalSetup found out: the services that can be had, and the file that notes what was started. */
export interface ServicesOfRun {
  readonly available: readonly ServiceName[];
  readonly startedFile: string;
}

export const HOST = '127.0.0.1';
const NONE = {};
/** The ports and logins of the scripts and of compose.yaml. */
export const SERVICES: Readonly<Record<ServiceName, Omit<Service, 'host'>>> = {
  postgres: { port: 15432, user: 'postgres', password: 'postgres', ports: NONE, caFile: 'postgres/tls/ca.pem' },
  mysql: { port: 13306, user: 'root', password: 'root', ports: NONE, caFile: 'mysql/tls/ca.pem' },
  mariadb: { port: 13307, user: 'root', password: 'root', ports: NONE, caFile: 'mariadb/tls/ca.pem' },
  mongo: { port: 37017, user: 'postgres', password: 'postgres', ports: NONE },
  elasticsearch: { port: 19200, user: 'elastic', password: 'changeme', ports: NONE },
  clickhouse: { port: 18123, user: 'default', password: '', ports: NONE },
  'clickhouse-18': { port: 18124, user: 'default', password: '', ports: { native: 19001 } },
  s3: { port: 17070, user: 'test', password: 'testsecret', ports: NONE },
};

/** Whether something listens there. */
export function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: HOST, port });
    const answer = (open: boolean): void => {
      socket.destroy();
      resolve(open);
    };
    socket.once('connect', () => answer(true)).once('error', () => answer(false));
  });
}
