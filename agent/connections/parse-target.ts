/** What a task's params say of where to go, checked. */
export interface TargetParams {
  readonly target:
    | {
        readonly host: string;
        readonly port: number | undefined;
        readonly user: string | undefined;
        readonly database: string | undefined;
        readonly secretRef: string | undefined;
        readonly protocol: string | undefined;
        readonly sslmode: string | undefined;
        readonly ca: string | undefined;
        readonly verifySsl: boolean | undefined;
        readonly authSource: string | undefined;
      }
    | undefined;
  readonly connection: string | undefined;
  readonly database: string | undefined;
  readonly secretRef: string | undefined;
}

const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'];
/** Host names, IPv4 and IPv6 addresses; nothing that a connection string or a path would read as more. */
const HOST = /^[a-z0-9_]([a-z0-9._-]{0,251}[a-z0-9_.])?$|^[0-9a-f:.]{2,45}(%[a-z0-9_.-]{1,32})?$/i;

/** The text of why they cannot be, else the params. */
export function parseTarget(params: Readonly<Record<string, unknown>>): TargetParams | string {
  const problems: string[] = [];
  const text = (holder: Record<string, unknown>, key: string, path: string): string | undefined => {
    const value = holder[key];
    if (value === undefined || value === null || value === '') return undefined;
    if (typeof value === 'string' && !value.includes('\0')) return value;
    problems.push(`${path}.${key} must be a string`);
    return undefined;
  };
  const common = {
    connection: text(params, 'connection', 'params'),
    database: text(params, 'database', 'params'),
    secretRef: text(params, 'secret_ref', 'params'),
  };
  const { target } = params;
  if (target === undefined || target === null) return problems[0] ?? { ...common, target: undefined };
  if (typeof target !== 'object' || Array.isArray(target)) return 'params.target must be an object';
  const from = target as Record<string, unknown>;
  const string = (key: string): string | undefined => text(from, key, 'params.target');
  const host = string('host')?.replace(/^\[(.*)\]$/, '$1');
  const port = from['port'] ?? undefined;
  const verifySsl = from['verify_ssl'] ?? undefined;
  const sslmode = string('sslmode');
  if (port !== undefined && !(typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65_535))
    problems.push('params.target.port must be a whole number from 1 to 65535');
  if (verifySsl !== undefined && typeof verifySsl !== 'boolean')
    problems.push('params.target.verify_ssl must be true or false');
  if (sslmode !== undefined && !SSL_MODES.includes(sslmode))
    problems.push(`params.target.sslmode must be one of ${SSL_MODES.join(', ')}`);
  if (host === undefined) problems.push('params.target.host is required');
  else if (!HOST.test(host)) problems.push('params.target.host must be a host name or an address');
  const parsed = {
    host: host ?? '',
    port: port as number | undefined,
    user: string('user'),
    database: string('db') ?? string('database'),
    secretRef: string('secret_ref'),
    protocol: string('protocol')?.toLowerCase(),
    sslmode,
    ca: string('ca'),
    verifySsl: verifySsl as boolean | undefined,
    authSource: string('auth_source'),
  };
  return problems[0] ?? { ...common, target: parsed };
}
