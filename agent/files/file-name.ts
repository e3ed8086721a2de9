import { basename } from 'node:path';

/** The longest name that Linux' file systems take. */
const MAX_NAME_BYTES = 255;

/** An uploaded file's name as one part of a path, with nothing in it that a terminal would obey; else the fallback. */
export function safeFileName(name: string, fallback: string): string {
  const base = basename(name.replaceAll('\\', '/').replace(/\p{Cc}/gu, ''));
  return base === '' || base === '.' || base === '..' || Buffer.byteLength(base) > MAX_NAME_BYTES ? fallback : base;
}
