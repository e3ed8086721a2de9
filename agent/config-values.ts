/** What a map of the configuration file holds. */
export type Settings = Readonly<Record<string, unknown>>;

/** A setting that cannot be: the message names it and where it stands. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

export function checkKeys(settings: Settings, known: readonly string[], where: string): void {
  const unknown = Object.keys(settings).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  throw new ConfigError(`${where}: unknown setting ${unknown}; known are: ${known.join(', ') || 'none'}`);
}

export function asMap(value: unknown, where: string): Settings {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ConfigError(`${where} must be a map`);
  return value as Settings;
}

export function strings(value: unknown, where: string): string[] {
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string'))
    throw new ConfigError(`${where} must be a list of strings`);
  return value;
}

export function number(value: unknown, where: string, least: number): number {
  const parsed = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof parsed !== 'number' || !Number.isFinite(parsed) || parsed < least)
    throw new ConfigError(`${where} must be a number of at least ${least}`);
  return parsed;
}

/** A string that says something; undefined when it is absent. */
export function text(settings: Settings, key: string, where: string): string | undefined {
  const value = settings[key] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value === '') throw new ConfigError(`${where}: ${key} must be a string`);
  return value;
}

export function flag(settings: Settings, key: string, where: string): boolean | undefined {
  const value = settings[key] ?? undefined;
  if (value !== undefined && typeof value !== 'boolean')
    throw new ConfigError(`${where}: ${key} must be true or false`);
  return value;
}
