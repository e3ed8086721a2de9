import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What one call at the API server was, of those that the audit log has. */
export interface AuditedCall {
  readonly user: string;
  readonly verb: string;
  readonly group: string;
  /** With its subresource, such as `deploytasks/status`. */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly status: number;
  readonly message: string;
}

const POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata' }],
};

/** The log that a kube-apiserver keeps of all calls. */
export class AuditLog {
  readonly #path = join(tmpdir(), `tiangong-audit-${randomBytes(5).toString('hex')}`);

  /** What the server is to be started with. */
  apiServerArgs(): string[] {
    writeFileSync(`${this.#path}.json`, JSON.stringify(POLICY));
    const options = { 'policy-file': `${this.#path}.json`, 'log-path': this.#log, 'log-mode': 'blocking' };
    return Object.entries(options).flatMap(([name, value]) => [`--audit-${name}`, value]);
  }

  /** Every call of ServiceAccounts on resources so far. */
  calls(): AuditedCall[] {
    return readCalls(this.#log);
  }

  remove(): void {
    for (const file of [`${this.#path}.json`, this.#log]) rmSync(file, { force: true });
  }

  get #log(): string {
    return `${this.#path}.log`;
  }
}

interface AuditEvent {
  readonly verb: string;
  readonly user: { readonly username?: string };
  readonly objectRef?: Readonly<
    Record<'resource' | 'subresource' | 'apiGroup' | 'namespace' | 'name', string | undefined>
  >;
  readonly responseStatus?: { readonly code?: number; readonly message?: string };
}

function readCalls(file: string): AuditedCall[] {
  // What stands behind the last line break is a line that is being written.
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  const events = lines.map((line) => JSON.parse(line) as AuditEvent);
  return events
    .filter(({ user, objectRef }) => user.username?.startsWith('system:serviceaccount:') === true && objectRef)
    .map(({ verb, user, objectRef, responseStatus }) => ({
      user: user.username ?? '',
      verb,
      group: objectRef?.apiGroup ?? '',
      resource: [objectRef?.resource, objectRef?.subresource].filter((part) => part !== undefined).join('/'),
      namespace: objectRef?.namespace ?? '',
      name: objectRef?.name ?? '',
      status: responseStatus?.code ?? 0,
      message: responseStatus?.message ?? '',
    }));
}
