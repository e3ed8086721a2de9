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
const HTTP_PORTS = [8123, 8443];

/**
 * Chooses protocol and TLS for a target; a string says why that cannot be. Without `protocol` it is HTTP on the ports
 * 8123 and 8443 and native elsewhere. TLS comes with https, with `sslmode` from `require` on, and on the ports 8443 and
 * 9440; certificates are verified unless `verify_ssl` is false or `sslmode` is `require` without a `ca`.
 */
export function chooseTransport(target: Target): Transport | string {
  const { port, sslmode, host } = target;
  const asked = target.protocol ?? (HTTP_PORTS.includes(port) ? 'http' : 'native');
  if (asked !== 'native' && asked !== 'http' && asked !== 'https')
    return `params.target.protocol must be native, http or https, not ${asked}`;
  if (sslmode === 'allow' || sslmode === 'prefer')
    return `params.target.sslmode ${sslmode} is not known to ClickHouse: choose disable, require, verify-ca or verify-full`;
  if (sslmode === 'disable' && asked === 'https')
    return 'params.target.sslmode disable contradicts params.target.protocol https';
  const protocol = asked === 'native' ? 'native' : 'http';
  const securePort =
    target.protocol === undefined
      ? port === 8443 || port === SECURE_NATIVE_PORT
      : asked === 'native' && port === SECURE_NATIVE_PORT;
  const secure =
    asked === 'https' || (sslmode !== undefined && sslmode !== 'disable') || (sslmode === undefined && securePort);
  if (!secure) return { protocol, tls: undefined };
  const verify = target.verifySsl ?? (sslmode !== 'require' || target.ca !== undefined);
  return {
    protocol,
    tls: {
      rejectUnauthorized: verify,
      ...(target.ca === undefined ? {} : { ca: target.ca }),
      ...(isIP(host) === 0 ? { servername: host } : {}),
      // The certificate must be of the authority, but may be for another name.
      ...(sslmode === 'verify-ca' ? { checkServerIdentity: () => undefined } : {}),
    },
  };
}
