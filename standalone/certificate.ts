import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writePrivateFile } from './private-file.ts';

export interface ServerCertificate {
  /** PEM. */
  readonly key: string;
  /** PEM, self-signed: it is also what clients trust. */
  readonly cert: string;
}

const VALID_DAYS = 3650;
/** A certificate with less time left is replaced at start. */
const RENEW_BEFORE_DAYS = 30;
const DAY_MS = 86_400_000;

/**
 * The certificate of the embedded API server, made at the first start and kept in `folder`. It names the loopback
 * addresses and `hosts`; a host that it lacks has it made again.
 */
export async function serverCertificate(folder: string, hosts: readonly string[]): Promise<ServerCertificate> {
  const paths = { key: join(folder, 'server.key'), cert: join(folder, 'server.crt') };
  const names = [...new Set(['localhost', '127.0.0.1', '::1', ...hosts])];
  if (existsSync(paths.key) && existsSync(paths.cert)) {
    const known = { key: readFileSync(paths.key, 'utf8'), cert: readFileSync(paths.cert, 'utf8') };
    if (isUsable(known.cert, names)) return known;
  }
  const made = await makeCertificate(names);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writePrivateFile(paths.key, made.key);
  await writePrivateFile(paths.cert, made.cert);
  return made;
}

const isAddress = (name: string): boolean => /^[\d.]+$|:/.test(name);

function isUsable(pem: string, names: readonly string[]): boolean {
  const certificate = new X509Certificate(pem);
  if (certificate.validToDate.getTime() - Date.now() < RENEW_BEFORE_DAYS * DAY_MS) return false;
  return names.every(
    (name) => (isAddress(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined,
  );
}

async function makeCertificate(names: readonly string[]): Promise<ServerCertificate> {
  // Loaded only here: it is needed once in the life of an installation.
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=tiangong standalone',
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + VALID_DAYS * DAY_MS),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyCertSign, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((name) => ({ type: isAddress(name) ? 'ip' : 'dns', value: name })),
      ),
    ],
  });
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const lines = pkcs8.match(/.{1,64}/g) ?? [];
  return {
    key: `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`,
    cert: `${certificate.toString('pem')}\n`,
  };
}
