import type { MongoClientOptions } from 'mongodb';
import type { Target } from '../../connections/target.ts';

/** How long a server may take to answer a new connection. */
const CONNECT_MS = 10_000;

/** What `target.protocol` may say; the second column is whether it means TLS. */
const PROTOCOLS: Readonly<Record<string, boolean>> = {
  mongodb: false,
  mongo: false,
  tcp: false,
  tls: true,
  ssl: true,
  mongodbs: true,
};

/** Options and address of a client for the target; a string is why there can be none. */
export function clientOptions(target: Target): { readonly uri: string; readonly options: MongoClientOptions } | string {
  const { host, port, user, password, protocol, sslmode } = target;
  if (protocol !== undefined && !Object.hasOwn(PROTOCOLS, protocol))
    return `protocol must be one of ${Object.keys(PROTOCOLS).join(', ')} for mongo`;
  if (sslmode === 'allow' || sslmode === 'prefer')
    return `sslmode ${sslmode} cannot be had from MongoDB, which does not negotiate TLS: use disable, require, verify-ca or verify-full`;
  if (user === undefined && password !== undefined) return 'user is required where there is a password';
  return {
    uri: `mongodb://${host.includes(':') ? `[${host}]` : host}:${port}/`,
    options: {
      // The task names one server; others of its replica set may not be reached from here.
      directConnection: true,
      ...(user === undefined ? {} : { auth: { username: user, password: password ?? '' } }),
      ...(user === undefined ? {} : { authSource: target.authSource ?? 'admin' }),
      ...tlsOptions(target),
      appName: 'tiangong',
      maxPoolSize: 10,
      connectTimeoutMS: CONNECT_MS,
      serverSelectionTimeoutMS: CONNECT_MS,
      // Nothing is ever sent twice: what a broken connection left unclear is told as such. Retryable writes would be
      // executed once by a replica set, but FerretDB and single servers do not know them.
      retryWrites: false,
      retryReads: false,
    },
  };
}

/** sslmode as libpq has it: `require` alone does not verify, unless a CA is given or verify_ssl asks for it. */
function tlsOptions({ protocol, sslmode, ca, verifySsl }: Target): MongoClientOptions {
  const asked = sslmode === undefined ? ca !== undefined || PROTOCOLS[protocol ?? ''] === true : sslmode !== 'disable';
  if (!asked) return { tls: false };
  const verifies = verifySsl ?? (sslmode !== 'require' || ca !== undefined);
  const namesHost = sslmode !== 'verify-ca' && (sslmode !== 'require' || verifySsl === true);
  return {
    tls: true,
    ...(ca === undefined ? {} : { ca }),
    ...(verifies ? {} : { tlsAllowInvalidCertificates: true }),
    ...(verifies && namesHost ? {} : { tlsAllowInvalidHostnames: true }),
  };
}
