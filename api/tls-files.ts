import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** In PEM. */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
}

/** Mounted Secrets are renewed weeks before they run out: a minute more or less does not matter. */
const RELOAD_EVERY_MS = 10_000;

/** Throws when the files cannot be read or do not belong together; the error holds nothing of the key. */
export function readTlsPair({ certFile, keyFile }: TlsFiles): TlsPair {
  const pair = { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
  try {
    createSecureContext(pair);
  } catch (err) {
    throw new Error(`${certFile} and ${keyFile} are no certificate and its key: ${(err as Error).message}`);
  }
  return pair;
}

/**
 * Calls `onChange` with each new pair that works until the returned function is called. Looks at the texts, since a mounted
 * Secret is changed by a link far above its files. `onError` hears once of each pair that does not work; the one before stays.
 */
export function watchTlsPair(
  files: TlsFiles,
  first: TlsPair,
  on: { readonly onChange: (pair: TlsPair) => void; readonly onError: (err: Error) => void },
  everyMs = RELOAD_EVERY_MS,
): () => void {
  let last = first;
  let fault = '';
  const look = (): void => {
    try {
      const pair = readTlsPair(files);
      fault = '';
      if (pair.cert === last.cert && pair.key === last.key) return;
      last = pair;
      on.onChange(pair);
    } catch (err) {
      const { message } = err as Error;
      if (message !== fault) on.onError(err as Error);
      fault = message;
    }
  };
  const timer = setInterval(look, everyMs).unref();
  return () => clearInterval(timer);
}
