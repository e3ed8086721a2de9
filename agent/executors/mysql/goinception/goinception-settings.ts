import { ConfigError, number, text } from '../../../config-values.ts';
import type { Settings } from '../../../config-values.ts';

/** Where goInception is, and the server to which it writes backups (facts: goInception §3.1 and §3.5). */
export interface GoInceptionSettings {
  readonly host: string;
  readonly port: number;
  /** The backup server has its own login; without it rollback SQL cannot be fetched. */
  readonly backup?: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    /** Read on every use. */
    readonly passwordFile?: string;
    readonly passwordEnv?: string;
  };
}

/** Settings of the plugin `mysql`, in the agent's configuration file. */
export const KNOWN_GOINCEPTION = [
  'goinception_url',
  'goinception_backup_host',
  'goinception_backup_port',
  'goinception_backup_user',
  'goinception_backup_password_file',
  'goinception_backup_password_env',
];

const DEFAULT_PORT = 4000;
const DEFAULT_BACKUP_PORT = 3306;

/** Undefined: tasks go to their databases directly. Throws `ConfigError`. */
export function readGoInception(config: Settings, where: string): GoInceptionSettings | undefined {
  const url = text(config, 'goinception_url', where);
  const host = text(config, 'goinception_backup_host', where);
  const user = text(config, 'goinception_backup_user', where);
  const passwordFile = text(config, 'goinception_backup_password_file', where);
  const passwordEnv = text(config, 'goinception_backup_password_env', where);
  const port = config['goinception_backup_port'];
  if (url === undefined) {
    const other = KNOWN_GOINCEPTION.find((key) => config[key] !== undefined);
    if (other !== undefined) throw new ConfigError(`${where}: ${other} needs goinception_url`);
    return undefined;
  }
  if ((host === undefined) !== (user === undefined))
    throw new ConfigError(`${where}: goinception_backup_host and goinception_backup_user go together`);
  return {
    ...address(url, where),
    ...(host !== undefined &&
      user !== undefined && {
        backup: {
          host,
          port: port === undefined ? DEFAULT_BACKUP_PORT : number(port, `${where}: goinception_backup_port`, 1),
          user,
          ...(passwordFile === undefined ? {} : { passwordFile }),
          ...(passwordEnv === undefined ? {} : { passwordEnv }),
        },
      }),
  };
}

/** The manual's own example has `http://localhost:4000`, though goInception speaks MySQL's protocol: any scheme will do. */
function address(url: string, where: string): { host: string; port: number } {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(url) ? url : `mysql://${url}`;
  // Of schemes that it does not know, URL leaves the host as it is written.
  const parsed = URL.canParse(withScheme) ? new URL(withScheme.replace(/^[^:]*/, 'http')) : undefined;
  if (parsed === undefined || parsed.hostname === '')
    throw new ConfigError(`${where}: goinception_url must be an address such as mysql://localhost:4000`);
  if (parsed.username !== '' || parsed.password !== '')
    throw new ConfigError(`${where}: goinception_url may not hold a login: goInception asks for none`);
  const port = /:(\d+)(?:[/?#]|$)/.exec(withScheme.replace(/^[^:]*:\/\//, ''))?.[1];
  return { host: parsed.hostname.replace(/^\[|\]$/g, ''), port: port === undefined ? DEFAULT_PORT : Number(port) };
}
