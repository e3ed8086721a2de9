import { isAbsolute, normalize } from 'node:path';
import { SourceError } from '../../source.ts';
import type { SourceConfig } from '../../source.ts';

/** What a configuration of the fs source says, with the original's defaults. */
export interface FileSettings {
  /** Absolute, without a slash at its end. */
  readonly root: string;
  readonly filePattern: string;
  readonly maxSyncDelayMs: number;
}

/** Throws a `SourceError` that is not retryable. */
export function readSettings(config: Pick<SourceConfig, 'uri' | 'driverParams'>): FileSettings {
  const { uri, driverParams } = config;
  if (!isAbsolute(uri)) throw invalid(`uri must be an absolute path of a folder, not ${JSON.stringify(uri)}`);
  const { max_sync_delay_seconds: delay = 1, file_pattern: pattern = '*', startup_mode: mode } = driverParams;
  if (typeof delay !== 'number' || !(delay > 0) || delay > 86_400)
    throw invalid('max_sync_delay_seconds must be a number of seconds, above 0 and one day at most');
  if (typeof pattern !== 'string' || pattern === '' || pattern.length > 256)
    throw invalid('file_pattern must be a pattern of names, such as *.csv');
  if (mode !== undefined && mode !== null && typeof mode !== 'string')
    throw invalid('startup_mode must be a text: message-only, or nothing for a snapshot at the first start');
  const path = normalize(uri);
  return {
    root: path === '/' ? path : path.replace(/\/+$/, ''),
    filePattern: pattern,
    maxSyncDelayMs: delay * 1000,
  };
}

function invalid(message: string): SourceError {
  return new SourceError('ConfigurationInvalid', `driver fs: ${message}`, { retryable: false });
}
