import { isIP } from 'node:net';
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import type { Target } from '../../connections/target.ts';

/** How to speak with a server. */
export interface Transport {
  readonly protocol: 'native' | 'http';
  /** Undefined: without TLS. */
  readonly tls: TlsOptions | undefined;
}

/** The port that servers offer the native protocol with TLS on. */
const SECURE_NATIVE_PORT = 9440;
const SECURE_HTTP_PORT = 8443;
const HTTP_PORTS = [8123, SECURE_HTTP_PORT];

/**
 * Chooses protocol and TLS for a target; a string says why that cannot be. Without `protocol` it is HTTP on the ports
 * 8123 and 8443 and native elsewhere. TLS comes with https, with `sslmode` from `require` on, with a `ca`, and without
 * these on the ports 8443 and 9440. sslmode is as libpq has it: `require` alone verifies nothing.
 */
export function chooseTransport(target: Target): Transport | string {
  const { port, sslmode, ca, protocol } = target;
  const asked = protocol ?? (HTTP_PORTS.includes(port) ? 'http' : 'native');
  const problem = contradiction(target, asked);
  if (problem !== undefined) return `params.target.${problem}`;
  const bySslmode = sslmode === undefined ? undefined : sslmode !== 'disable';
  const byProtocol = protocol === 'http' || protocol === 'https' ? protocol === 'https' : undefined;
  const byPort = port === SECURE_NATIVE_PORT || port === SECURE_HTTP_PORT;
  const secure = byProtocol ?? bySslmode ?? (ca !== undefined || byPort);
  return { protocol: asked === 'native' ? 'native' : 'http', tls: secure ? tlsOptions(target) : undefined };
}

function contradiction({ sslmode, ca, verifySsl, protocol }: Target, asked: string): string | undefined {
  if (asked !== 'native' && asked !== 'http' && asked !== 'https')
    return `protocol must be native, http or https, not ${asked}`;
  if (sslmode === 'allow' || sslmode === 'prefer')
    return `sslmode ${sslmode} is not known to ClickHouse: choose disable, require, verify-ca or verify-full`;
  if (sslmode !== undefined && protocol !== undefined && protocol !== 'native')
    if ((sslmode === 'disable') === (protocol === 'https'))
      return `sslmode ${sslmode} and protocol ${protocol} contradict each other`;
  if (verifySsl === false && sslmode?.startsWith('verify') === true)
    return `sslmode ${sslmode} and verify_ssl false contradict each other`;
  if (ca !== undefined && (sslmode === 'disable' || protocol === 'http'))
    return 'ca is for connections with TLS, which sslmode disable and protocol http have not';
  return undefined;
}

function tlsOptions({ host, sslmode, ca, verifySsl }: Target): TlsOptions {
  const asLibpq = sslmode === 'require' && verifySsl === undefined;
  return {
    rejectUnauthorized: verifySsl ?? (!asLibpq || ca !== undefined),
    ...(ca === undefined ? {} : { ca }),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    // The certificate must be of the authority, but may be for another name.
    ...(sslmode === 'verify-ca' || asLibpq ? { checkServerIdentity: () => undefined } : {}),
  };
}
