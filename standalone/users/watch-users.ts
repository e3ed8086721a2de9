import { statSync } from 'node:fs';
import type { KnownToken } from '../apiserver/auth/token-authenticator.ts';
import { tokensOf } from './user-file.ts';
import type { UserFile } from './user-file.ts';

const LOOK_EVERY_MS = 1000;

/**
 * Hands over who there is now, and again whenever the file has changed, until the returned function is called. Throws when
 * the file cannot be read at first; later, those known before stay and `onError` hears of it.
 */
export function watchUsers(
  file: UserFile,
  on: { readonly onChange: (tokens: readonly KnownToken[]) => void; readonly onError: (err: unknown) => void },
  everyMs = LOOK_EVERY_MS,
): () => void {
  let seen = versionOf(file.path);
  on.onChange(tokensOf(file.read()));
  const look = (): void => {
    const version = versionOf(file.path);
    if (version === seen) return;
    seen = version;
    try {
      on.onChange(tokensOf(file.read()));
    } catch (err) {
      on.onError(err);
    }
  };
  const timer = setInterval(look, everyMs).unref();
  return () => clearInterval(timer);
}

/** Another file for each change, since files are replaced whole. */
function versionOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true });
  return stat === undefined ? '' : `${stat.ino} ${stat.mtimeNs} ${stat.size}`;
}
