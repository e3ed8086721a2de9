import type { Target } from '../../connections/target.ts';
import { TargetError } from '../../connections/target.ts';

/** Where the server is and how its certificate is looked at. */
export interface ServerAddress {
  /** `https://host:port`, for people as well. */
  readonly origin: string;
  readonly tls: boolean;
  /** Whether an authority that is trusted must have signed the certificate. */
  readonly verify: boolean;
  /** Whether the certificate must be for this host. */
  readonly verifyHost: boolean;
}

/** 443, and the port of Elastic's own cloud. */
const TLS_PORTS = [443, 9243];

/**
 * `target.protocol` decides, else `target.sslmode`, else TLS is spoken where an authority is named or the port is one for
 * TLS. sslmode is as libpq has it: `require` alone verifies nothing. Throws `TargetError`.
 */
export function addressOf(target: Target): ServerAddress {
  const { host, port, protocol, sslmode, ca, verifySsl } = target;
  if (protocol !== undefined && protocol !== 'http' && protocol !== 'https')
    throw invalid('protocol must be http or https for elasticsearch');
  if (sslmode === 'allow' || sslmode === 'prefer')
    throw invalid('sslmode must be disable, require, verify-ca or verify-full for elasticsearch');
  const bySslmode = sslmode === undefined ? undefined : sslmode !== 'disable';
  const byProtocol = protocol === undefined ? undefined : protocol === 'https';
  if (bySslmode !== undefined && byProtocol !== undefined && bySslmode !== byProtocol)
    throw invalid(`sslmode ${sslmode ?? ''} and protocol ${protocol ?? ''} contradict each other`);
  if (verifySsl === false && sslmode?.startsWith('verify') === true)
    throw invalid(`sslmode ${sslmode} and verify_ssl false contradict each other`);
  const tls = byProtocol ?? bySslmode ?? (ca !== undefined || TLS_PORTS.includes(port));
  const verify = verifySsl ?? (sslmode !== 'require' || ca !== undefined);
  const name = host.includes(':') ? `[${host}]` : host;
  return {
    origin: `${tls ? 'https' : 'http'}://${name}:${String(port)}`,
    tls,
    verify,
    verifyHost: verify && sslmode !== 'verify-ca' && !(sslmode === 'require' && verifySsl === undefined),
  };
}

const invalid = (text: string): TargetError => new TargetError('InvalidParams', `params.target.${text}`);
