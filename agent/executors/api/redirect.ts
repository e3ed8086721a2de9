import type { RequestHeaders } from './request-headers.ts';

/** One request of the chain that redirects make. */
export interface Hop {
  readonly method: string;
  readonly url: URL;
  readonly headers: RequestHeaders;
  readonly body: Buffer | undefined;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Where an answer redirects to; undefined when it does not. A string is what is wrong with it. */
export function redirectTarget(status: number, location: string | undefined, from: URL): URL | string | undefined {
  if (!REDIRECTS.has(status) || location === undefined) return undefined;
  const url = URL.parse(location, from.href);
  if (url === null) return `redirected to ${JSON.stringify(location.slice(0, 200))}, which is not a URL`;
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return `redirected to a ${url.protocol} address`;
  url.username = '';
  url.password = '';
  return url;
}

/**
 * The request that follows a redirect (RFC 9110 §15.4, as browsers do it): 303, and a POST after 301 or 302, become GET
 * without a body; other methods stay. To another origin go no credentials.
 */
export function nextHop(hop: Hop, status: number, url: URL): Hop {
  const toGet =
    (status === 303 && hop.method !== 'HEAD') || ((status === 301 || status === 302) && hop.method === 'POST');
  const values = new Map(hop.headers.values);
  const dropped = [...(toGet ? ['content-type', 'content-encoding', 'content-language', 'content-location'] : [])];
  // The header Host names the old server in any case.
  if (url.origin !== hop.url.origin) dropped.push('host', ...hop.headers.confidential);
  for (const name of dropped) values.delete(name);
  return {
    method: toGet ? 'GET' : hop.method,
    url,
    headers: { values, confidential: hop.headers.confidential },
    body: toGet ? undefined : hop.body,
  };
}
