import { asMap, checkKeys, ConfigError, flag, number, text } from '../config-values.ts';
import type { Settings } from '../config-values.ts';
import type { Connections, ConnectionSettings } from './connections.ts';

/** Setting of the file and field. */
const TEXTS = [
  ['database', 'database'],
  ['user', 'user'],
  ['password_file', 'passwordFile'],
  ['password_env', 'passwordEnv'],
  ['api_key_file', 'apiKeyFile'],
  ['api_key_env', 'apiKeyEnv'],
  ['protocol', 'protocol'],
  ['sslmode', 'sslmode'],
  ['ca_file', 'caFile'],
  ['auth_source', 'authSource'],
  ['backup_user', 'backupUser'],
  ['backup_password_file', 'backupPasswordFile'],
  ['backup_password_env', 'backupPasswordEnv'],
] as const;
const KNOWN = ['name', 'host', 'port', 'verify_ssl', 'ledger', ...TEXTS.map(([key]) => key)];
const INLINE = ['backup_password', 'password', 'passwd', 'api_key', 'token'];

/** Reads the list `connections` of a database's plugin. Throws `ConfigError`. */
export function readConnections(value: unknown, where: string): Connections {
  if (value !== undefined && !Array.isArray(value)) throw new ConfigError(`${where} must be a list`);
  const connections = new Map<string, ConnectionSettings>();
  for (const [index, item] of ((value ?? []) as unknown[]).entries()) {
    const connection = readConnection(asMap(item, `${where}[${String(index)}]`), `${where}[${String(index)}]`);
    if (connections.has(connection.name))
      throw new ConfigError(`${where}: two connections are named ${connection.name}`);
    connections.set(connection.name, connection);
  }
  return connections;
}

function readConnection(settings: Settings, where: string): ConnectionSettings {
  const inline = INLINE.find((key) => settings[key] !== undefined);
  if (inline !== undefined)
    throw new ConfigError(
      `${where}: ${inline} may not stand in the file; name a file or a variable in ${inline}_file or ${inline}_env`,
    );
  checkKeys(settings, KNOWN, where);
  const name = text(settings, 'name', where);
  const host = text(settings, 'host', where);
  if (name === undefined || host === undefined) throw new ConfigError(`${where}: name and host are required`);
  const texts = TEXTS.map(([key, field]) => [field, text(settings, key, where)] as const);
  const port = settings['port'];
  const verifySsl = flag(settings, 'verify_ssl', where);
  const ledger = flag(settings, 'ledger', where);
  return {
    name,
    host,
    ...(port === undefined ? {} : { port: number(port, `${where}: port`, 1) }),
    ...(verifySsl === undefined ? {} : { verifySsl }),
    ...(ledger === undefined ? {} : { ledger }),
    ...Object.fromEntries(texts.filter(([, given]) => given !== undefined)),
  };
}
