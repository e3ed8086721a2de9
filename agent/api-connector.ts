import { buildConnector } from 'undici';

/**
 * Connects to the API. `ca` is asked on every connection, since a mounted file changes: a PEM bundle that the certificate is
 * checked against; undefined: what the system trusts. What it throws is why a connection could not be made.
 */
export function apiConnector(ca: () => string | undefined): buildConnector.connector {
  let last: { readonly ca: string | undefined; readonly connect: buildConnector.connector } | undefined;
  return (options, callback) => {
    try {
      const now = ca();
      if (last === undefined || last.ca !== now)
        last = { ca: now, connect: buildConnector(now === undefined ? {} : { ca: now }) };
    } catch (err) {
      callback(err as Error, null);
      return;
    }
    last.connect(options, callback);
  };
}
