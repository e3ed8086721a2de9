import { X509Certificate } from 'node:crypto';
import { checkServerIdentity } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import type { Target } from '../../connections/target.ts';

/** What tells where a connection goes and how it is protected. */
export type TlsTarget = Pick<Target, 'host' | 'sslmode' | 'ca' | 'verifySsl'>;

/** How one attempt to connect is protected: by TLS with these options, or not at all. */
export type TlsAttempt = ConnectionOptions | false;

/**
 * The attempts to connect, in order, that libpq's sslmode means (PostgreSQL's documentation, "SSL Support"): `allow` and
 * `prefer` may take the second when the server refuses the first. A string is why they cannot be.
 *
 * As with libpq, `require` checks the certificate once a CA is given. Without sslmode there is no TLS (the manual's
 * default), unless verify_ssl or a CA asks for it: then it is `verify-full`.
 */
export function tlsAttempts(target: TlsTarget): readonly TlsAttempt[] | string {
  const { ca, verifySsl } = target;
  const mode = target.sslmode ?? (verifySsl === true || ca !== undefined ? 'verify-full' : 'disable');
  if (ca !== undefined && !isCertificate(ca)) return 'target.ca must be certificates in PEM form';
  if (verifySsl === false && mode.startsWith('verify-'))
    return `target.verify_ssl is false, but sslmode ${mode} asks for the check`;
  switch (mode) {
    case 'disable':
      return [false];
    case 'allow':
      return [false, encrypted(target, 'none')];
    case 'prefer':
      return [encrypted(target, 'none'), false];
    case 'require':
      return [encrypted(target, verifySsl === true ? 'full' : ca !== undefined && verifySsl !== false ? 'ca' : 'none')];
    case 'verify-ca':
      return [encrypted(target, 'ca')];
    case 'verify-full':
      return [encrypted(target, 'full')];
    default:
      return `target.sslmode cannot be ${mode}`;
  }
}

function encrypted({ host, ca }: TlsTarget, check: 'none' | 'ca' | 'full'): ConnectionOptions {
  if (check === 'none') return { rejectUnauthorized: false };
  return {
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca }),
    // Against the host of the task, whatever name the driver gives TLS.
    checkServerIdentity: (_, certificate) => (check === 'full' ? checkServerIdentity(host, certificate) : undefined),
  };
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== undefined;
  } catch {
    return false;
  }
}
